"""`assess`: the health of one object, by a table from kind to judge."""

from collections.abc import Callable, Mapping
from functools import cache

from towpath.health.builtin import resources, workloads
from towpath.health.generic.judge import contradiction, generic
from towpath.health.operators import row_of
from towpath.health.operators.judges import newest, rollouts
from towpath.health.rows import EXISTS, judge_of
from towpath.health.verdict import Health, Status, mapping_at, outdated, progressing, unknown
from towpath.objects import Manifest, group_of

Judge = Callable[[Manifest], Health]
Judges = Mapping[tuple[str, str], Judge]
"""(group, kind) -> judge."""

_WITHOUT_STATUS = {
    "": "ConfigMap Secret ServiceAccount LimitRange ResourceQuota Endpoints Event PodTemplate",
    "admissionregistration.k8s.io": (
        "MutatingWebhookConfiguration ValidatingWebhookConfiguration ValidatingAdmissionPolicy"
        " ValidatingAdmissionPolicyBinding MutatingAdmissionPolicy MutatingAdmissionPolicyBinding"
    ),
    "apps": "ControllerRevision",
    "policy": "PodSecurityPolicy",
    "coordination.k8s.io": "Lease LeaseCandidate",
    "certificates.k8s.io": "ClusterTrustBundle",
    "discovery.k8s.io": "EndpointSlice",
    "events.k8s.io": "Event",
    "flowcontrol.apiserver.k8s.io": "PriorityLevelConfiguration",
    "networking.k8s.io": "IngressClass NetworkPolicy IPAddress",
    "node.k8s.io": "RuntimeClass",
    "rbac.authorization.k8s.io": "ClusterRole ClusterRoleBinding Role RoleBinding",
    "resource.k8s.io": "DeviceClass DeviceTaintRule ResourceClaimTemplate ResourceSlice",
    "scheduling.k8s.io": "PriorityClass",
    "storage.k8s.io": "StorageClass CSIDriver CSINode CSIStorageCapacity VolumeAttributesClass",
}

_ROWS = {
    ("certificates.k8s.io", "CertificateSigningRequest"): (
        "Degraded! Denied; Degraded! Failed; Healthy .status.certificate"
    ),
    ("certificates.k8s.io", "PodCertificateRequest"): "Degraded! Denied; Degraded! Failed; Healthy Issued",
    ("flowcontrol.apiserver.k8s.io", "FlowSchema"): "Degraded Dangling; Healthy !Dangling",
    ("networking.k8s.io", "ServiceCIDR"): "Healthy Ready; Degraded !Ready",
    ("resource.k8s.io", "ResourceClaim"): "Healthy .status.allocation",
    ("storagemigration.k8s.io", "StorageVersionMigration"): "Degraded! Failed; Healthy Succeeded",
    ("storage.k8s.io", "VolumeAttachment"): "Healthy .status.attached=true; Degraded .status.attachError",
}

JUDGES: dict[tuple[str, str], Judge] = {
    **{(group, kind): resources.exists for group, kinds in _WITHOUT_STATUS.items() for kind in kinds.split()},
    **{key: judge_of(row) for key, row in _ROWS.items()},
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
    ("extensions", "DaemonSet"): workloads.daemon_set,
    ("extensions", "Deployment"): workloads.deployment,
    ("extensions", "Ingress"): resources.ingress,
    ("extensions", "ReplicaSet"): workloads.replica_set,
    ("networking.k8s.io", "Ingress"): resources.ingress,
    ("policy", "PodDisruptionBudget"): resources.pod_disruption_budget,
}
"""(group, kind) -> judge of the built-in kinds. Other kinds are looked up in the operator table."""

_NO_JUDGES: Judges = {}


def assess(manifest: Manifest, user_judges: Judges = _NO_JUDGES) -> Health:
    """The health of a live object, given as the API server returns it; never raises.

    Unknown, with a reason, when the mapping is not a Kubernetes object.

    `user_judges` come from `healthCheckExprs` in towpath.yaml and take precedence over all others.
    """
    kind, api_version = manifest.get("kind"), manifest.get("apiVersion")
    if not isinstance(kind, str) or not isinstance(api_version, str):
        return unknown("not a Kubernetes object: no apiVersion or kind")
    metadata = mapping_at(manifest, "metadata")
    deleted = metadata.get("deletionTimestamp")
    if deleted and kind != "Namespace":
        holding = metadata.get("finalizers")
        held = f", held by {', '.join(map(str, holding))}" if isinstance(holding, list) and holding else ""
        return progressing(f"is being deleted since {deleted}{held}")
    key = (group_of(api_version), kind)
    return (user_judges.get(key) or judge_for(*key))(manifest)


def judge_for(group: str, kind: str) -> Judge:
    """The judge of a kind: built in, of a known operator, or the generic rules."""
    if judge := JUDGES.get((group, kind)):
        return judge
    row = row_of(group, kind)
    if row is None:
        return generic
    if row == EXISTS:
        return _exists
    return judge_of(row) if isinstance(row, str) else _cross_checked(row)


JUDGES_THAT_WEIGH_BAD_NEWS = (newest.outcome, rollouts.application, rollouts.rollout)
"""Judges that weigh failures beside health themselves: a failure may be older, or about the last sync."""


@cache
def _cross_checked(judge: Judge) -> Judge:
    """The judge, with its Healthy checked against the generic rules."""

    def cross_checked(manifest: Manifest) -> Health:
        health = judge(manifest)
        return (
            outdated(manifest) or contradiction(manifest) if health.status is Status.HEALTHY else None
        ) or health

    return judge if judge in JUDGES_THAT_WEIGH_BAD_NEWS else cross_checked


_STATED = (Status.DEGRADED, Status.PROGRESSING, Status.SUSPENDED)


def _exists(manifest: Manifest) -> Health:
    """Healthy when it exists, unless its status reports a problem."""
    health = generic(manifest)
    return health if health.status in _STATED else resources.exists(manifest)


def healthy_once_present(group: str, kind: str) -> bool:
    """Whether this kind reports no health beyond existing, so that nobody needs to wait for it."""
    return JUDGES.get((group, kind)) is resources.exists or row_of(group, kind) == EXISTS
