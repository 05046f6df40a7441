"""Prepares rendered objects for apply: with Towpath's labels, without the fields that others own."""

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from towpath.applyset.digest_key import sealed
from towpath.applyset.inventory import OwnedObject, Owner
from towpath.applyset.wanted_object import WantedObject
from towpath.fields import pointer
from towpath.fields.canonical import digest
from towpath.fields.managed_fields import (
    KNOWN_TOOLS,
    FieldChange,
    IgnoredManagers,
    Metadata,
    TakenBack,
    is_towpath,
    manager_entries,
    pointers_left_to_managers,
)
from towpath.kube.autoscaling import Autoscaling, autoscaling, scaled_by_others
from towpath.objects import Manifest, ObjectRef, ref_of
from towpath.redact.manifests import secret_values

IGNORE_ANNOTATION = "towpath.dev/ignore"
"""Annotation: JSON pointers of ignored fields of this object, separated by commas."""
TAKE_OVER_ANNOTATION = "towpath.dev/take-over"
"""Annotation: field managers from which Towpath takes this object over, separated by commas."""
AGGREGATED_KIND = ("rbac.authorization.k8s.io", "ClusterRole")
RULES_POINTER = "/rules"
NO_OBJECTS: Mapping[ObjectRef, Manifest] = {}


class FieldRule(Protocol):
    """An ignore rule of an environment (`config.IgnoreRule`)."""

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
    """One object of the environment. `initial` is the body of a create, `manifest` that of an apply.

    `ignored` are pointers, `ignored_managers` field managers whose fields are ignored. `applied_digest`
    changes with Git and the rules, but not when such a manager takes or gives up a field. Of a Secret it is
    an HMAC; `plain_digest` is then what inventories had before, and stays in this process.
    """

    ref: ObjectRef
    manifest: Manifest
    initial: Manifest = field(repr=False)
    ignored: tuple[str, ...]
    applied_digest: str
    ignored_managers: IgnoredManagers = ()
    plain_digest: str = field(default="", repr=False)
    taken_back: TakenBack = KNOWN_TOOLS
    content_digests: tuple[str, ...] = field(default=(), repr=False)
    """As `applied_digest` and `plain_digest`, without the declaration from whom Towpath takes over."""

    @property
    def wanted(self) -> WantedObject:
        """What comparisons by metadata need of it."""
        return WantedObject(
            self.applied_digest,
            self.ignored,
            self.ignored_managers,
            self.plain_digest,
            self.taken_back,
            self.initial,
        )

    def is_recorded(self, applied_digest: str) -> bool:
        """Whether the digest of an inventory says that this very content was applied."""
        return self.wanted.is_recorded(applied_digest)

    def has_content(self, applied_digest: str) -> bool:
        """As `is_recorded`, whoever owned the object then."""
        return self.is_recorded(applied_digest) or applied_digest in self.content_digests

    def without(self, pointers: Iterable[str]) -> "ApplyObject":
        """The object with these fields ignored too."""
        ignored = tuple(sorted({*self.ignored, *pointers}))
        return replace(self, manifest=pointer.without(self.manifest, pointers), ignored=ignored)

    def is_settled(self, owned: OwnedObject | None, live: Manifest | None) -> bool:
        """Whether the live object is as the last apply left it, and Git wants the same.

        `live` needs metadata only. What has ended well and deletes itself may be gone.
        """
        if owned is not None and owned.is_gone_when_finished(live):
            return self.is_recorded(owned.applied_digest)
        if owned is None or live is None or "deletionTimestamp" in live["metadata"]:
            return False
        metadata, wanted = live["metadata"], self.wanted
        return (
            owned.uid == metadata["uid"]
            and wanted.is_recorded(owned.applied_digest)
            and wanted.is_as_applied(owned, metadata)
            and not wanted.edits(metadata)
        )

    def is_left(self, owned: OwnedObject, live: Manifest | None) -> bool:
        """Whether it differs from the last apply in nothing but fields that other controllers have taken."""
        if live is None or "deletionTimestamp" in live["metadata"] or live["metadata"]["uid"] != owned.uid:
            return False
        return bool(self.wanted.left_fields(owned, live["metadata"]))

    def edits(self, metadata: Metadata) -> tuple[FieldChange, ...]:
        """The edits by hand that the live object still has."""
        return self.wanted.edits(metadata)

    def former_managers(self, metadata: Metadata, *, first: bool) -> tuple[str, ...]:
        """The managers of the live object from which Towpath takes over at the next apply.

        At the `first` apply of what was there before, people's tools are among them; later they made edits.
        """
        entries = (entry for entry in manager_entries(metadata) if not entry.get("subresource"))
        found = {entry["manager"] for entry in entries if not is_towpath(entry["manager"])}
        back = self.taken_back
        return tuple(sorted(m for m in found if back.is_former(m) or (first and back.is_person(m))))


def prepare_objects(  # noqa: PLR0913
    objects: Iterable[Manifest],
    owner: Owner,
    rules: Iterable[FieldRule] = (),
    autoscalers: Iterable[Manifest] = (),
    live: Mapping[ObjectRef, Manifest] = NO_OBJECTS,
    *,
    key: bytes | None = None,
    taken_back: TakenBack = KNOWN_TOOLS,
) -> tuple[ApplyObject, ...]:
    """One ApplyObject for each of `objects`, in their order.

    `autoscalers` are live autoscalers and definitions of custom kinds; those in `objects` come first: the
    fields that they scale are ignored. `live` (metadata is enough) tells which fields managers own now. `key`
    makes the digests of Secrets (digest_key.py). `taken_back` are managers from which fields are taken back.
    """
    objects = list(objects)
    scaling = autoscaling([*objects, *autoscalers])
    rules, labels = tuple(rules), owner.labels
    return tuple(_prepare(manifest, labels, rules, scaling, live, key, taken_back) for manifest in objects)


def _prepare(  # noqa: PLR0913, PLR0917
    manifest: Manifest,
    owner_labels: Mapping[str, str],
    rules: tuple[FieldRule, ...],
    scaling: Autoscaling,
    live: Mapping[ObjectRef, Manifest],
    key: bytes | None,
    taken_back: TakenBack,
) -> ApplyObject:
    ref = ref_of(manifest)
    # The server drops empty maps and lists: sent, they would differ from live for ever.
    metadata = {key: value for key, value in manifest["metadata"].items() if value not in ({}, [], None)}
    metadata["labels"] = {**(metadata.get("labels") or {}), **owner_labels}
    metadata.pop("managedFields", None)
    initial = {k: v for k, v in manifest.items() if k != "status"} | {"metadata": metadata}
    if is_secret(ref):
        initial = _with_encoded_data(initial)
    matching = [rule for rule in rules if rule.kind in ("*", ref.kind) and rule.name in (None, ref.name)]
    ignored = {rule.pointer for rule in matching if rule.pointer and not rule.manager}
    ignored_managers = tuple(
        sorted({(rule.manager, rule.pointer or "") for rule in matching if rule.manager})
    )
    ignored |= _ignored_by_object(ref, manifest, scaling)
    if former := (metadata.get("annotations") or {}).get(TAKE_OVER_ANNOTATION):
        taken_back = taken_back.with_former(name.strip() for name in former.split(",") if name.strip())
    kept = pointer.without(initial, sorted(ignored))
    applied, plain = digest(kept), ""
    if is_secret(ref):
        applied, plain = _digest_of_secret(kept, applied, key), applied
    content: tuple[str, ...] = ()
    if taken_back.former:
        # To declare it is a change in Git: it is carried out once, and what follows is drift.
        content, plain = (applied, plain), ""
        applied = applied and digest([applied, taken_back.former])
    if scaling.is_target(ref) and ref in live:
        # Where the definition may not be read, the autoscaler's writes tell. They are no commit.
        scaled = scaled_by_others(live[ref]["metadata"])
        ignored |= set(scaled)
        kept = pointer.without(kept, scaled)
    if ignored_managers and (live_object := live.get(ref)):
        kept = pointer.without(
            kept, pointers_left_to_managers(live_object["metadata"], ignored_managers, kept)
        )
    return ApplyObject(
        *(ref, kept, initial, tuple(sorted(ignored)), applied, ignored_managers, plain),
        taken_back=taken_back,
        content_digests=tuple(filter(None, content)),
    )


def _ignored_by_object(ref: ObjectRef, manifest: Manifest, scaling: Autoscaling) -> set[str]:
    """Pointers that the object's annotation, its kind or an autoscaler of its has others write."""
    annotation = (manifest["metadata"].get("annotations") or {}).get(IGNORE_ANNOTATION, "")
    ignored = {at.strip() for at in annotation.split(",") if at.strip().startswith("/")}
    ignored |= set(scaling.pointers(manifest))
    if (ref.group, ref.kind) == AGGREGATED_KIND and manifest.get("aggregationRule"):
        ignored.add(RULES_POINTER)  # a controller puts them together
    return ignored


def is_secret(ref: ObjectRef) -> bool:
    """Whether the object is a Secret of Kubernetes itself."""
    return ref.kind == "Secret" and not ref.group


def _digest_of_secret(secret: Manifest, plain: str, key: bytes | None) -> str:
    """Empty without a key: then nobody knows whether Git has changed it, and it is applied at each sync."""
    if key:
        return sealed(key, plain)
    return "" if any(secret_values(secret)) else plain


def _with_encoded_data(secret: Manifest) -> Manifest:
    """The Secret with `stringData` in `data`: the API server never returns `stringData`."""
    texts = secret.get("stringData") or {}
    # A null is an empty text, as for the server.
    encoded = {key: base64.b64encode(str(text or "").encode()).decode() for key, text in texts.items()}
    rest = {key: value for key, value in secret.items() if key != "stringData"}
    return rest | {"data": {**(secret.get("data") or {}), **encoded}} if encoded else rest


def with_recorded_digests(
    owned: Mapping[ObjectRef, OwnedObject], desired: Mapping[ObjectRef, ApplyObject]
) -> dict[ObjectRef, OwnedObject]:
    """The objects of an inventory without plain digests of Secrets, which former versions wrote.

    What Git has no more needs none. Without `desired` nothing is known, and nothing changed.
    """
    new = dict(owned)
    for ref, each in owned.items() if desired else ():
        if is_secret(ref) and ref not in desired and each.applied_digest:
            new[ref] = replace(each, applied_digest="")
        elif (wanted := desired.get(ref)) and wanted.plain_digest and wanted.is_recorded(each.applied_digest):
            new[ref] = replace(each, applied_digest=wanted.applied_digest)
    return new
