"""`assess`: the table from kind to judge, and what holds for every kind."""

from collections.abc import Callable

from towpath.health import resources, workloads
from towpath.health.generic import generic
from towpath.health.verdict import Health, part, progressing, unknown
from towpath.objects import Manifest, group_of

Judge = Callable[[Manifest], Health]

_WITHOUT_STATUS = {
    "": "ConfigMap Secret ServiceAccount LimitRange ResourceQuota Endpoints PodTemplate",
    "admissionregistration.k8s.io": (
        "MutatingWebhookConfiguration ValidatingWebhookConfiguration ValidatingAdmissionPolicy"
        " ValidatingAdmissionPolicyBinding MutatingAdmissionPolicy MutatingAdmissionPolicyBinding"
    ),
    "apps": "ControllerRevision",
    "coordination.k8s.io": "Lease",
    "discovery.k8s.io": "EndpointSlice",
    "flowcontrol.apiserver.k8s.io": "FlowSchema PriorityLevelConfiguration",
    "networking.k8s.io": "IngressClass NetworkPolicy IPAddress ServiceCIDR",
    "node.k8s.io": "RuntimeClass",
    "rbac.authorization.k8s.io": "ClusterRole ClusterRoleBinding Role RoleBinding",
    "resource.k8s.io": "DeviceClass ResourceClaimTemplate",
    "scheduling.k8s.io": "PriorityClass",
    "storage.k8s.io": "StorageClass CSIDriver CSINode CSIStorageCapacity VolumeAttributesClass",
}

JUDGES: dict[tuple[str, str], Judge] = {
    **{(group, kind): resources.exists for group, kinds in _WITHOUT_STATUS.items() for kind in kinds.split()},
    ("", "Namespace"): resources.namespace,
    ("", "Node"): resources.node,
    ("", "PersistentVolume"): resources.persistent_volume,
    ("", "PersistentVolumeClaim"): resources.persistent_volume_claim,
    ("", "Pod"): workloads.pod,
    ("", "ReplicationController"): workloads.replica_set,
    ("", "Service"): resources.service,
    ("apiextensions.k8s.io", "CustomResourceDefinition"): resources.custom_resource_definition,
    ("apiregistration.k8s.io", "APIService"): resources.api_service,
    ("apps", "DaemonSet"): workloads.daemon_set,
    ("apps", "Deployment"): workloads.deployment,
    ("apps", "ReplicaSet"): workloads.replica_set,
    ("apps", "StatefulSet"): workloads.stateful_set,
    ("autoscaling", "HorizontalPodAutoscaler"): resources.horizontal_pod_autoscaler,
    ("batch", "CronJob"): workloads.cron_job,
    ("batch", "Job"): workloads.job,
    ("networking.k8s.io", "Ingress"): resources.ingress,
    ("policy", "PodDisruptionBudget"): resources.pod_disruption_budget,
}
"""(group, kind) -> judge; every other kind is judged by the generic rules."""


def assess(manifest: Manifest) -> Health:
    """The health of a live object as the API server shows it; Unknown, with a reason, for what is none."""
    kind, api_version = manifest.get("kind"), manifest.get("apiVersion")
    if not isinstance(kind, str) or not isinstance(api_version, str):
        return unknown("not a Kubernetes object: no apiVersion or kind")
    deleted = part(manifest, "metadata").get("deletionTimestamp")
    if deleted and kind != "Namespace":
        return progressing(f"is being deleted since {deleted}")
    return JUDGES.get((group_of(api_version), kind), generic)(manifest)


def never_changes(group: str, kind: str) -> bool:
    """Whether existing is all the health this kind has: nothing to wait for."""
    return JUDGES.get((group, kind)) is resources.exists
