"""Extras: live objects that nobody declared, and that neither the cluster nor a controller made. Pure.

What a cluster makes in every namespace is told by its name, because it carries no other mark; what a
controller makes out of another object is told by its owner, or by the label or annotation of that controller.
"""

from towpath.applyset.digest_key import KEY_NAME
from towpath.applyset.inventory import HEALS_LABEL, INSTALLED_LABEL, INVENTORY_LABEL
from towpath.drift.model import DriftEntry
from towpath.fields.managed_fields import field_change, manager_entries
from towpath.kube.rights import RIGHTS_LABEL
from towpath.objects import Manifest, ObjectRef

EXTRA_KINDS: tuple[tuple[str, str], ...] = (
    ("", "ConfigMap"),
    ("", "Secret"),
    ("", "Service"),
    ("", "ServiceAccount"),
    ("apps", "DaemonSet"),
    ("apps", "Deployment"),
    ("apps", "StatefulSet"),
    ("batch", "CronJob"),
    ("batch", "Job"),
    ("networking.k8s.io", "Ingress"),
    ("networking.k8s.io", "NetworkPolicy"),
    ("rbac.authorization.k8s.io", "Role"),
    ("rbac.authorization.k8s.io", "RoleBinding"),
)
"""Kinds that are searched for extras in every environment, besides the kinds of its apps."""

_SYSTEM_KINDS = (
    "CiliumEndpoint",
    "ControllerRevision",
    "Endpoints",
    "EndpointSlice",
    "Event",
    "Lease",
    "Pod",
    "PodMetrics",
    "ReplicaSet",
)
_IN_EVERY_NAMESPACE = {
    ("ConfigMap", "istio-ca-crl"),
    ("ConfigMap", "istio-ca-root-cert"),
    ("ConfigMap", "kube-root-ca.crt"),
    ("ConfigMap", "linkerd-identity-trust-roots"),
    ("ConfigMap", "odh-trusted-ca-bundle"),
    ("ConfigMap", "openshift-service-ca.crt"),
    ("ResourceQuota", "gke-resource-quotas"),
    ("ServiceAccount", "builder"),
    ("ServiceAccount", "default"),
    ("ServiceAccount", "deployer"),
}
_IN_ONE_NAMESPACE = {
    ("Service", "default", "kubernetes"),
    ("ConfigMap", "kube-public", "cluster-info"),
    ("ConfigMap", "kube-system", "extension-apiserver-authentication"),
    ("ConfigMap", "kube-system", "kube-apiserver-legacy-service-account-token-tracking"),
}
_SYSTEM_PREFIX = "system:"
"""Names of roles and bindings that Kubernetes keeps for itself; OpenShift makes some in every project."""
_MADE_BY_LABELS = (
    "authz.cluster.cattle.io/rtb-owner",
    "authz.cluster.cattle.io/rtb-owner-updated",
    "controller.cert-manager.io/fao",
    "generate.kyverno.io/policy-name",
    "hnc.x-k8s.io/inherited-from",
    "kubernetes.io/bootstrapping",
    "olm.copiedFrom",
    "reconcile.external-secrets.io/created-by",
    "trust.cert-manager.io/bundle",
)
_MADE_BY_ANNOTATIONS = (
    "cert-manager.io/certificate-name",
    "control-plane.alpha.kubernetes.io/leader",
    "kubed.appscode.com/origin",
    "kubernetes.io/service-account.name",
    "management.cattle.io/project-scoped-secret-copy",
    "openshift.io/internal-registry-auth-token.service-account",
    "openshift.io/token-secret.name",
    "reflector.v1.k8s.emberstack.com/reflects",
    "replicator.v1.mittwald.de/replicated-from-version",
)
_HELM_RELEASE = "sh.helm.release."


def is_extra(live: Manifest) -> bool:
    """Whether an object outside of all inventories is an extra. `live` needs metadata only."""
    metadata = live["metadata"]
    return not (metadata.get("ownerReferences") or _is_of_cluster(live) or _is_made_from_another(live))


def extra_entry(ref: ObjectRef, live: Manifest) -> DriftEntry:
    """The entry of an extra with all who wrote the object, its creator first."""
    writers = sorted(field_change(entry, ()) for entry in manager_entries(live["metadata"]))
    made = f"made {live['metadata'].get('creationTimestamp', '')}".strip()
    return DriftEntry("", ref, "extra", managers=tuple(writers), message=made)


def _is_of_cluster(live: Manifest) -> bool:
    """Whether the cluster makes the object itself, whatever is deployed there."""
    metadata, kind = live["metadata"], live["kind"]
    name = metadata["name"]
    return (
        kind in _SYSTEM_KINDS
        or (kind, name) in _IN_EVERY_NAMESPACE
        or (kind, metadata.get("namespace", ""), name) in _IN_ONE_NAMESPACE
        or (kind in ("Role", "RoleBinding") and name.startswith(_SYSTEM_PREFIX))
    )


def _is_made_from_another(live: Manifest) -> bool:
    """Whether a controller, Helm or Towpath made the object as a part or a record of something else."""
    metadata, kind = live["metadata"], live["kind"]
    labels, annotations = metadata.get("labels") or {}, metadata.get("annotations") or {}
    if kind == "ConfigMap" and (INVENTORY_LABEL in labels or HEALS_LABEL in labels):
        return True
    if kind == "Secret" and (metadata["name"].startswith(_HELM_RELEASE) or metadata["name"] == KEY_NAME):
        return True
    if INSTALLED_LABEL in labels or (kind in ("Role", "RoleBinding") and RIGHTS_LABEL in labels):
        return True
    return any(key in labels for key in _MADE_BY_LABELS) or any(
        key in annotations for key in _MADE_BY_ANNOTATIONS
    )
