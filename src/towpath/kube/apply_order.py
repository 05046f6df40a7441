"""The order in which objects are applied; they are deleted in the reverse order.

Objects are sorted by phase (annotation `towpath.dev/hook`: `pre-sync`, none, `post-sync`), in a phase by wave
(annotation `towpath.dev/wave`, default 0), in a wave by kind. Namespaces and CRDs without a wave come before
everything else of their phase, and before hooks when they have no phase either. Objects of one stage do not
depend on each other.
"""

from collections.abc import Iterable, Mapping
from itertools import groupby

from towpath.errors import ConfigError
from towpath.objects import Manifest, ObjectRef, ref_of

WAVE_ANNOTATION = "towpath.dev/wave"
HOOK_ANNOTATION = "towpath.dev/hook"
PRE_SYNC, POST_SYNC = "pre-sync", "post-sync"

_STAGES: tuple[tuple[str, ...], ...] = (
    ("Namespace",),
    ("CustomResourceDefinition",),
    ("ClusterRole", "PriorityClass", "StorageClass", "IngressClass", "RuntimeClass", "GatewayClass"),
    ("ClusterRoleBinding", "ServiceAccount", "ResourceQuota", "LimitRange", "NetworkPolicy"),
    ("Role",),
    ("RoleBinding",),
    ("ConfigMap", "Secret", "PersistentVolume"),
    ("PersistentVolumeClaim", "Service", "Endpoints", "EndpointSlice"),
    (
        "Deployment",
        "StatefulSet",
        "DaemonSet",
        "ReplicaSet",
        "ReplicationController",
        "Pod",
        "Job",
        "CronJob",
    ),
    ("HorizontalPodAutoscaler", "PodDisruptionBudget", "Ingress"),
)
_LATE = (
    "APIService",
    "MutatingWebhookConfiguration",
    "ValidatingWebhookConfiguration",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
    "MutatingAdmissionPolicy",
    "MutatingAdmissionPolicyBinding",
)
_BUILT_IN_GROUPS = ("", "apps", "batch", "policy", "autoscaling", "extensions")
_RANK: Mapping[str, int] = {kind: rank for rank, kinds in enumerate(_STAGES) for kind in kinds}
_RANK_BUILT_IN = len(_STAGES) - 1
_RANK_CUSTOM = len(_STAGES)
_RANK_LATE = len(_STAGES) + 1
_FOUNDATIONS = ("Namespace", "CustomResourceDefinition")
_BEFORE_ALL = -(10**9)
_PHASE: Mapping[str, int] = {PRE_SYNC: -1, POST_SYNC: 1}

Stage = tuple[int, int, int]


def wave_of(manifest: Manifest) -> int | None:
    """The wave of the annotation; None without it. Raises ConfigError when it is no whole number."""
    value = (manifest["metadata"].get("annotations") or {}).get(WAVE_ANNOTATION)
    if value is None:
        return None
    try:
        return int(value)
    except ValueError:
        raise ConfigError(
            f"annotation {WAVE_ANNOTATION} is {value!r}, not a whole number", file=str(ref_of(manifest))
        ) from None


def rank_of(ref: ObjectRef) -> int:
    """The rank of a kind; lower ranks are applied first.

    A `Service` of an operator's group has the custom rank.
    """
    if ref.kind in _LATE and ref.group.endswith(".k8s.io"):
        return _RANK_LATE
    if ref.group and "." in ref.group and not ref.group.endswith(".k8s.io"):
        return _RANK_CUSTOM
    return _RANK.get(ref.kind, _RANK_BUILT_IN if _is_built_in(ref.group) else _RANK_CUSTOM)


def stage_of(manifest: Manifest) -> Stage:
    """(phase, wave, rank). Objects of the same stage may be applied at the same time."""
    return _stage(manifest, wave_of(manifest))


def _stage(manifest: Manifest, wave: int | None) -> Stage:
    ref = ref_of(manifest)
    phase = _PHASE.get((manifest["metadata"].get("annotations") or {}).get(HOOK_ANNOTATION, ""))
    if wave is None and ref.kind in _FOUNDATIONS:
        return _PHASE[PRE_SYNC] if phase is None else phase, _BEFORE_ALL, rank_of(ref)
    return phase or 0, wave or 0, rank_of(ref)


def in_apply_order(manifests: Iterable[Manifest]) -> list[Manifest]:
    """The manifests sorted by stage, then by reference; the order of the input does not matter."""
    return sorted(manifests, key=lambda manifest: (stage_of(manifest), ref_of(manifest)))


def apply_stages(manifests: Iterable[Manifest]) -> list[list[Manifest]]:
    """The manifests in apply order, one list per stage."""
    return [list(stage) for _, stage in groupby(in_apply_order(manifests), key=stage_of)]


def split_at_pre_sync(manifests: Iterable[Manifest]) -> tuple[list[Manifest], list[Manifest]]:
    """(objects of the pre-sync phase, which its hooks may need; the other objects), both in apply order."""
    before: list[Manifest] = []
    rest: list[Manifest] = []
    for manifest in in_apply_order(manifests):
        (before if stage_of(manifest)[0] == _PHASE[PRE_SYNC] else rest).append(manifest)
    return before, rest


def deletion_stages(live: Iterable[Manifest]) -> list[list[ObjectRef]]:
    """References of live objects in deletion order, one list per stage: the reverse of `apply_stages`.

    The objects need metadata only. A live wave annotation that is no whole number counts as none.
    """

    def stage(manifest: Manifest) -> Stage:
        try:
            return stage_of(manifest)
        except ConfigError:
            return _stage(manifest, None)

    order = sorted(live, key=lambda manifest: (stage(manifest), ref_of(manifest)), reverse=True)
    return [[ref_of(manifest) for manifest in group] for _, group in groupby(order, key=stage)]


def _is_built_in(group: str) -> bool:
    return group in _BUILT_IN_GROUPS or group.endswith(".k8s.io")
