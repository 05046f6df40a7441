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

_SERVED: dict[str, frozenset[str]] = {
    **{
        version: _CLOSED[group_of(version)] - {"PodSecurityPolicy"}
        for version in ("v1", "apps/v1", "batch/v1", "autoscaling/v2", "policy/v1")
    },
    **{
        f"{group}/v1": frozenset(kinds.split())
        for group, kinds in {
            "rbac.authorization.k8s.io": "ClusterRole ClusterRoleBinding Role RoleBinding",
            "networking.k8s.io": "Ingress IngressClass NetworkPolicy IPAddress ServiceCIDR",
            "admissionregistration.k8s.io": (
                "MutatingWebhookConfiguration ValidatingWebhookConfiguration ValidatingAdmissionPolicy"
                " ValidatingAdmissionPolicyBinding"
            ),
            "apiextensions.k8s.io": "CustomResourceDefinition",
            "apiregistration.k8s.io": "APIService",
            "certificates.k8s.io": "CertificateSigningRequest",
            "coordination.k8s.io": "Lease",
            "discovery.k8s.io": "EndpointSlice",
            "flowcontrol.apiserver.k8s.io": "FlowSchema PriorityLevelConfiguration",
            "node.k8s.io": "RuntimeClass",
            "resource.k8s.io": "DeviceClass ResourceClaim ResourceClaimTemplate ResourceSlice",
            "scheduling.k8s.io": "PriorityClass",
            "storage.k8s.io": (
                "CSIDriver CSINode CSIStorageCapacity StorageClass VolumeAttachment VolumeAttributesClass"
            ),
        }.items()
    },
}
"""The stable API versions of Kubernetes 1.35, each with its kinds."""

_REMOVED: dict[Kind, str] = {
    ("extensions", "PodSecurityPolicy"): "1.25",
    ("policy", "PodSecurityPolicy"): "1.25",
    ("settings.k8s.io", "PodPreset"): "1.20",
    ("auditregistration.k8s.io", "AuditSink"): "1.19",
    ("extensions", "ThirdPartyResource"): "1.8",
}
"""Kinds that no version serves any more."""
_GONE = {"settings.k8s.io", "auditregistration.k8s.io"}
"""Groups with a dot that are built in, too, and were removed."""

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
    if group in _GONE:
        return False
    # The group of a CustomResourceDefinition has a dot.
    return kind in _CLOSED.get(group, (kind,) if "." in group else ())


def built_in_api_version(kind: str) -> str | None:
    """The API version in which Kubernetes serves this kind now; None when it has no such kind."""
    return next((version for version, kinds in _SERVED.items() if kind in kinds), None)


def is_built_in(group: str, kind: str) -> bool:
    """Whether Kubernetes itself has the kind in a stable version."""
    return any(kind in kinds for version, kinds in _SERVED.items() if group_of(version) == group)


def removed_in(api_version: str, kind: str) -> str | None:
    """The Kubernetes version that removed this kind for good; None for what is there or has moved."""
    return _REMOVED.get((group_of(api_version), kind))
