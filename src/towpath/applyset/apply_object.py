"""Rendered objects made ready to apply: labelled as ours, without the fields that others decide."""

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from towpath.applyset.inventory import OwnedObject, Owner
from towpath.kube import pointer
from towpath.kube.canonical import digest
from towpath.kube.managed_fields import IgnoredManagers, fingerprint, foreign_edits, pointers_left_to_managers
from towpath.objects import Manifest, ObjectRef, group_of, ref_of

IGNORE_ANNOTATION = "towpath.dev/ignore"
"""Annotation: JSON pointers, separated by commas, that are left alone in this object."""
REPLICAS_POINTER = "/spec/replicas"
AGGREGATED_KIND = ("rbac.authorization.k8s.io", "ClusterRole")
RULES_POINTER = "/rules"
NO_OBJECTS: Mapping[ObjectRef, Manifest] = {}


class FieldRule(Protocol):
    """An ignore rule of an environment."""

    @property
    def kind(self) -> str: ...
    @property
    def name(self) -> str | None: ...
    @property
    def pointer(self) -> str | None: ...
    @property
    def manager(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class ApplyObject:
    """One object. `initial` is what a new object starts with, `manifest` what is kept equal to Git.

    `ignored` are pointers, `yielded` field managers whose fields are theirs. `applied` changes with Git and
    the rules, not with what a manager takes or gives back.
    """

    ref: ObjectRef
    manifest: Manifest
    initial: Manifest = field(repr=False)
    ignored: tuple[str, ...]
    applied_digest: str
    ignored_managers: IgnoredManagers = ()

    def without(self, pointers: Iterable[str]) -> "ApplyObject":
        """As it is, but for these fields, which are left alone."""
        ignored = tuple(sorted({*self.ignored, *pointers}))
        return replace(self, manifest=pointer.without(self.manifest, pointers), ignored=ignored)

    def is_settled(self, owned: OwnedObject | None, live: Manifest | None) -> bool:
        """Whether the live object is as we left it, which is as Git wants it. `live` may be metadata only."""
        if owned is None or live is None or "deletionTimestamp" in live["metadata"]:
            return False
        metadata = live["metadata"]
        return (
            bool(owned.fingerprint)
            and owned.uid == metadata["uid"]
            and owned.applied_digest == self.applied_digest
            and owned.fingerprint == fingerprint(metadata)
            and not foreign_edits(metadata, self.ignored, self.ignored_managers)
        )


def prepare_objects(
    objects: Iterable[Manifest],
    owner: Owner,
    rules: Iterable[FieldRule] = (),
    scaled: Iterable[Manifest] = (),
    live: Mapping[ObjectRef, Manifest] = NO_OBJECTS,
) -> tuple[ApplyObject, ...]:
    """Every object, once. `scaled` are live HorizontalPodAutoscalers; those among `objects` count as well.

    `live` (metadata is enough) tells which fields are a manager's that a rule leaves them to.
    """
    objects = list(objects)
    targets = scale_targets([*objects, *scaled])
    rules = tuple(rules)
    return tuple(_prepare(manifest, owner, rules, targets, live) for manifest in objects)


def scale_targets(objects: Iterable[Manifest]) -> frozenset[tuple[str, str, str]]:
    """(group, kind, name) of what HorizontalPodAutoscalers scale."""
    found = set()
    for manifest in objects:
        if manifest["kind"] == "HorizontalPodAutoscaler":
            target = (manifest.get("spec") or {}).get("scaleTargetRef") or {}
            found.add(
                (group_of(target.get("apiVersion", "")), target.get("kind", ""), target.get("name", ""))
            )
    return frozenset(found)


def _prepare(
    manifest: Manifest,
    owner: Owner,
    rules: tuple[FieldRule, ...],
    targets: frozenset[tuple[str, str, str]],
    live: Mapping[ObjectRef, Manifest],
) -> ApplyObject:
    ref = ref_of(manifest)
    # The server drops empty maps and lists: sent, they would differ from live for ever.
    metadata = {key: value for key, value in manifest["metadata"].items() if value not in ({}, [], None)}
    metadata["labels"] = {**(metadata.get("labels") or {}), **owner.labels}
    metadata.pop("managedFields", None)
    initial = {k: v for k, v in manifest.items() if k != "status"} | {"metadata": metadata}
    if ref.kind == "Secret" and not ref.group:
        initial = _encoded(initial)
    mine = [rule for rule in rules if rule.kind in ("*", ref.kind) and rule.name in (None, ref.name)]
    ignored = {rule.pointer for rule in mine if rule.pointer and not rule.manager}
    yielded = tuple(sorted({(rule.manager, rule.pointer or "") for rule in mine if rule.manager}))
    annotation = (metadata.get("annotations") or {}).get(IGNORE_ANNOTATION, "")
    ignored |= {at.strip() for at in annotation.split(",") if at.strip().startswith("/")}
    if (ref.group, ref.kind, ref.name) in targets:
        ignored.add(REPLICAS_POINTER)
    if (ref.group, ref.kind) == AGGREGATED_KIND and manifest.get("aggregationRule"):
        ignored.add(RULES_POINTER)  # a controller puts them together
    kept = pointer.without(initial, sorted(ignored))
    applied = digest(kept)
    if yielded and (found := live.get(ref)):
        kept = pointer.without(kept, pointers_left_to_managers(found["metadata"], yielded, kept))
    return ApplyObject(ref, kept, initial, tuple(sorted(ignored)), applied, yielded)


def _encoded(secret: Manifest) -> Manifest:
    """`stringData` as `data`: the server never gives it back, and would not remove a key that left it."""
    texts = secret.get("stringData") or {}
    encoded = {key: base64.b64encode(str(text).encode()).decode() for key, text in texts.items()}
    rest = {key: value for key, value in secret.items() if key != "stringData"}
    return rest | {"data": {**(secret.get("data") or {}), **encoded}} if encoded else rest
