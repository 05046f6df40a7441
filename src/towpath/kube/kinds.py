"""The scopes of kinds without a cluster: built-in kinds, kinds of well-known operators, rendered CRDs.

Source of the scopes: Kubernetes 1.35, `kubectl api-resources`. A custom kind that no table and no CRD names
counts as namespaced; the sync asks the API server and refuses a kind with another scope.
"""

from collections.abc import Iterable, Mapping

from towpath.objects import Manifest, group_of

Kind = tuple[str, str]
"""(API group, kind)"""

_CLUSTER: dict[str, str] = {
    "": "Namespace Node PersistentVolume ComponentStatus",
    "admissionregistration.k8s.io": (
        "MutatingWebhookConfiguration ValidatingWebhookConfiguration ValidatingAdmissionPolicy"
        " ValidatingAdmissionPolicyBinding MutatingAdmissionPolicy MutatingAdmissionPolicyBinding"
    ),
    "apiextensions.k8s.io": "CustomResourceDefinition",
    "apiregistration.k8s.io": "APIService",
    "authentication.k8s.io": "TokenReview SelfSubjectReview",
    "authorization.k8s.io": "SelfSubjectAccessReview SelfSubjectRulesReview SubjectAccessReview",
    "certificates.k8s.io": "CertificateSigningRequest ClusterTrustBundle",
    "flowcontrol.apiserver.k8s.io": "FlowSchema PriorityLevelConfiguration",
    "internal.apiserver.k8s.io": "StorageVersion",
    "networking.k8s.io": "IngressClass IPAddress ServiceCIDR",
    "node.k8s.io": "RuntimeClass",
    "policy": "PodSecurityPolicy",
    "rbac.authorization.k8s.io": "ClusterRole ClusterRoleBinding",
    "resource.k8s.io": "DeviceClass ResourceSlice DeviceTaintRule",
    "scheduling.k8s.io": "PriorityClass",
    "storage.k8s.io": "StorageClass CSIDriver CSINode VolumeAttachment VolumeAttributesClass",
    "storagemigration.k8s.io": "StorageVersionMigration",
    # Widely used operators.
    "cert-manager.io": "ClusterIssuer",
    "cilium.io": "CiliumClusterwideNetworkPolicy CiliumNode CiliumIdentity CiliumExternalWorkload",
    "external-secrets.io": "ClusterSecretStore ClusterExternalSecret ClusterPushSecret",
    "gateway.networking.k8s.io": "GatewayClass",
    "karpenter.sh": "NodePool NodeClaim",
    "kyverno.io": "ClusterPolicy ClusterCleanupPolicy",
    "snapshot.storage.k8s.io": "VolumeSnapshotClass VolumeSnapshotContent",
    "templates.gatekeeper.sh": "ConstraintTemplate",
    "argoproj.io": "ClusterAnalysisTemplate ClusterWorkflowTemplate",
    "crd.projectcalico.org": "GlobalNetworkPolicy GlobalNetworkSet IPPool FelixConfiguration",
    "pkg.crossplane.io": "Provider Configuration Function ProviderConfig DeploymentRuntimeConfig",
    "apiextensions.crossplane.io": "Composition CompositeResourceDefinition",
    "kueue.x-k8s.io": "ClusterQueue ResourceFlavor",
    "keda.sh": "ClusterTriggerAuthentication",
    "operators.coreos.com": "OLMConfig",
}

CLUSTER_SCOPED: frozenset[Kind] = frozenset(
    (group, kind) for group, kinds in _CLUSTER.items() for kind in kinds.split()
)

_CLOSED: dict[str, frozenset[str]] = {
    group: frozenset(kinds.split())
    for group, kinds in {
        "": (
            "Binding ComponentStatus ConfigMap Endpoints Event LimitRange Namespace Node PersistentVolume"
            " PersistentVolumeClaim Pod PodTemplate ReplicationController ResourceQuota Secret Service"
            " ServiceAccount"
        ),
        "apps": "ControllerRevision DaemonSet Deployment ReplicaSet StatefulSet",
        "batch": "CronJob Job",
        "autoscaling": "HorizontalPodAutoscaler Scale",
        "policy": "Eviction PodDisruptionBudget PodSecurityPolicy",
        "rbac.authorization.k8s.io": "ClusterRole ClusterRoleBinding Role RoleBinding",
        "extensions": "",
    }.items()
}
"""All kinds of the built-in groups that get no new kinds. Kubernetes 1.22 removed those of `extensions`."""

NEVER_STORED: frozenset[Kind] = frozenset(
    {
        ("", "Binding"),
        ("", "ComponentStatus"),
        ("", "Event"),
        ("events.k8s.io", "Event"),
        ("authentication.k8s.io", "TokenRequest"),
        ("authentication.k8s.io", "TokenReview"),
        ("authentication.k8s.io", "SelfSubjectReview"),
        ("authorization.k8s.io", "LocalSubjectAccessReview"),
        ("authorization.k8s.io", "SelfSubjectAccessReview"),
        ("authorization.k8s.io", "SelfSubjectRulesReview"),
        ("authorization.k8s.io", "SubjectAccessReview"),
        ("autoscaling", "Scale"),
        ("policy", "Eviction"),
    }
)
"""Kinds of requests and records, which are no desired state."""


def crd_scopes(manifests: Iterable[Manifest]) -> dict[Kind, bool]:
    """(group, kind) -> whether it is cluster-scoped, for every CustomResourceDefinition in `manifests`."""
    scopes: dict[Kind, bool] = {}
    for manifest in manifests:
        if manifest.get("kind") != "CustomResourceDefinition":
            continue
        spec = manifest.get("spec")
        names = spec.get("names") if isinstance(spec, dict) else None
        if isinstance(spec, dict) and isinstance(names, dict):
            scopes[(str(spec.get("group", "")), str(names.get("kind", "")))] = spec.get("scope") == "Cluster"
    return scopes


def is_cluster_scoped(api_version: str, kind: str, definitions: Mapping[Kind, bool]) -> bool:
    """Whether the kind has no namespace. `definitions` (of `crd_scopes`) cannot change a built-in kind."""
    key = (group_of(api_version), kind)
    return key in CLUSTER_SCOPED or definitions.get(key, False)


def is_known_kind(api_version: str, kind: str) -> bool:
    """Whether a cluster can have the kind: a built-in group has known kinds only, and no group is `core`."""
    group = group_of(api_version)
    # The group of a CustomResourceDefinition has a dot.
    return kind in _CLOSED.get(group, (kind,) if "." in group else ())


def built_in_group(kind: str) -> str | None:
    """The built-in group that has this kind; None when no group has it."""
    return next((group for group, kinds in _CLOSED.items() if kind in kinds), None)
