"""The fields that autoscalers write: `spec.replicas`, or what a CustomResourceDefinition names. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from towpath.fields import field_set, pointer
from towpath.fields.managed_fields import manager_entries
from towpath.objects import Manifest, ObjectRef, group_of, ref_of

Kind = tuple[str, str]
Target = tuple[str, str, str, str]
"""(group, kind, name, namespace)"""

HPA: Kind = ("autoscaling", "HorizontalPodAutoscaler")
KEDA: Kind = ("keda.sh", "ScaledObject")
CRD: Kind = ("apiextensions.k8s.io", "CustomResourceDefinition")
REPLICAS_POINTER = "/spec/replicas"


@dataclass(frozen=True, slots=True)
class Autoscaling:
    """What is scaled, and for custom kinds the pointer of the scale subresource in each served version."""

    targets: frozenset[Target] = frozenset()
    custom: Mapping[Kind, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)

    def is_target(self, ref: ObjectRef) -> bool:
        """Whether the object has an autoscaler."""
        return (ref.group, ref.kind, ref.name, ref.namespace) in self.targets

    def pointers(self, manifest: Manifest) -> tuple[str, ...]:
        """The fields of a manifest that its autoscaler writes; none when it has no autoscaler."""
        ref = ref_of(manifest)
        if not self.is_target(ref):
            return ()
        versions = self.custom.get((ref.group, ref.kind))
        if versions is None:  # a built-in kind, or a definition that may not be read
            return (REPLICAS_POINTER,)
        return versions.get(manifest["apiVersion"].rpartition("/")[2], ())


def autoscaling(objects: Iterable[Manifest]) -> Autoscaling:
    """Read autoscalers and CustomResourceDefinitions; of two definitions of a kind the first counts."""
    targets: set[Target] = set()
    custom: dict[Kind, Mapping[str, tuple[str, ...]]] = {}
    for manifest in objects:
        targets |= set(scale_targets(manifest))
        if kind_of(manifest) == CRD:
            spec = mapping(manifest.get("spec"))
            kind = (str(spec.get("group")), str(mapping(spec.get("names")).get("kind")))
            custom.setdefault(kind, _scale_pointers(spec))
    return Autoscaling(frozenset(targets), custom)


def scale_targets(manifest: Manifest) -> Iterator[Target]:
    """What an object scales: every autoscaler has `spec.scaleTargetRef`.

    For a HorizontalPodAutoscaler it is complete; others, as KEDA, take it for a Deployment.
    """
    target = mapping(mapping(manifest.get("spec")).get("scaleTargetRef"))
    if not target.get("name"):
        return
    version, kind = target.get("apiVersion"), target.get("kind")
    if kind_of(manifest) != HPA:
        version, kind = version or "apps/v1", kind or "Deployment"
    namespace = str(mapping(manifest.get("metadata")).get("namespace") or "")
    yield group_of(str(version or "")), str(kind or ""), str(target["name"]), namespace


def scaled_by_others(metadata: Mapping[str, Any]) -> tuple[str, ...]:
    """Pointers of the fields that were written last through the scale subresource."""
    return tuple(
        sorted(
            field_set.pattern_of(path)
            for entry in manager_entries(metadata)
            if entry.get("subresource") == "scale"
            for path in field_set.leaves(entry.get("fieldsV1") or {})
        )
    )


def kind_of(manifest: Manifest) -> Kind:
    """(group, kind)"""
    return group_of(manifest["apiVersion"]), manifest["kind"]


def mapping(value: Any) -> Mapping[str, Any]:
    """The value, or an empty mapping for anything else."""
    return value if isinstance(value, Mapping) else {}


def _scale_pointers(spec: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    versions = [mapping(version) for version in spec.get("versions") or ()]
    own: dict[str, str] = {}
    for version in versions:
        scale = mapping(mapping(version.get("subresources")).get("scale"))
        if path := scale.get("specReplicasPath"):
            own[str(version.get("name"))] = pointer.build(str(path).strip(".").split("."))
    if mapping(spec.get("conversion")).get("strategy") == "Webhook":
        return {name: (at,) for name, at in own.items()}
    # Without conversion an autoscaler's value stays where the version that it uses has it.
    every = tuple(sorted(set(own.values())))
    return {str(version.get("name")): every for version in versions}
