"""In which order objects are applied, and in the reverse order deleted.

First by phase (annotation `towpath.dev/hook`): `pre-sync`, what has none, `post-sync`. In a phase by wave
(annotation `towpath.dev/wave`, default 0), then by what needs what. Namespaces and CRDs that name neither
come before all, hooks included, because nothing works without them. Objects of one stage do not need each
other.
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
    """The wave that the annotation names; None without one. ConfigError when it is no whole number."""
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
    """The place of a kind among kinds: small comes first. A custom `Service` of some operator is custom."""
    if ref.kind in _LATE and ref.group.endswith(".k8s.io"):
        return _RANK_LATE
    if ref.group and "." in ref.group and not ref.group.endswith(".k8s.io"):
        return _RANK_CUSTOM
    return _RANK.get(ref.kind, _RANK_BUILT_IN if _is_built_in(ref.group) else _RANK_CUSTOM)


def stage_of(manifest: Manifest) -> Stage:
    """(phase, wave, rank): objects of the same stage may be applied at the same time."""
    return _stage(manifest, wave_of(manifest))


def _stage(manifest: Manifest, wave: int | None) -> Stage:
    ref = ref_of(manifest)
    phase = _PHASE.get((manifest["metadata"].get("annotations") or {}).get(HOOK_ANNOTATION, ""))
    if wave is None and ref.kind in _FOUNDATIONS:
        return _PHASE[PRE_SYNC] if phase is None else phase, _BEFORE_ALL, rank_of(ref)
    return phase or 0, wave or 0, rank_of(ref)


def in_apply_order(manifests: Iterable[Manifest]) -> list[Manifest]:
    """In the order of applying; the same for every order of the input."""
    return sorted(manifests, key=lambda manifest: (stage_of(manifest), ref_of(manifest)))


def apply_stages(manifests: Iterable[Manifest]) -> list[list[Manifest]]:
    """`ordered`, cut into stages."""
    return [list(stage) for _, stage in groupby(in_apply_order(manifests), key=stage_of)]


def split_at_pre_sync(manifests: Iterable[Manifest]) -> tuple[list[Manifest], list[Manifest]]:
    """`ordered`, cut where the pre-sync hooks run: (what they may need, the rest)."""
    before: list[Manifest] = []
    rest: list[Manifest] = []
    for each in in_apply_order(manifests):
        (before if stage_of(each)[0] == _PHASE[PRE_SYNC] else rest).append(each)
    return before, rest


def deletion_stages(live: Iterable[Manifest]) -> list[list[ObjectRef]]:
    """The reverse of `stages`, by live objects (metadata is enough): what needs others goes before them.

    A wave that somebody has made unreadable there counts as none.
    """

    def stage(each: Manifest) -> Stage:
        try:
            return stage_of(each)
        except ConfigError:
            return _stage(each, None)

    order = sorted(live, key=lambda each: (stage(each), ref_of(each)), reverse=True)
    return [[ref_of(each) for each in group] for _, group in groupby(order, key=stage)]


def _is_built_in(group: str) -> bool:
    return group in _BUILT_IN_GROUPS or group.endswith(".k8s.io")
