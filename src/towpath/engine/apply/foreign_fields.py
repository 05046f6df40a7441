"""Applies an object beside other controllers: a field of theirs that Git has not changed is left to them.

What Git wanted at the last apply is known without any digest of single values (they could be a Secret's): the
digest of the whole object is in the inventory. If it differs, the commit of that apply is rendered again, and
counts where its object has exactly the recorded digest.
"""

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from towpath.adapters.kubernetes import ApiConflictError, Cluster, FieldOwner
from towpath.applyset.apply_object import ApplyObject, prepare_objects
from towpath.applyset.inventory import OwnedObject
from towpath.applyset.left_fields import (
    OWNER_LABEL_FIELDS,
    is_owner_label,
    is_taken_back,
    left_message,
)
from towpath.drift.model import DriftEntry
from towpath.engine.apply.server_side_apply import TRIES, apply_object
from towpath.engine.live.app_state import AppState
from towpath.engine.source.render import EarlierApp
from towpath.errors import TowpathError
from towpath.fields import field_set, pointer
from towpath.fields.managed_fields import manager_entries
from towpath.kube.apply_order import wave_of
from towpath.kube.diff import Difference, field_difference
from towpath.objects import Manifest, ObjectRef

AppliedBefore = Callable[[str], EarlierApp | None]
"""Renders the app as it was at a commit; None when nothing can be said about it."""
OldObjects = Callable[[str], Sequence[Mapping[ObjectRef, ApplyObject]]]
"""The objects that the app had at a commit, in each of the ways in which they can have been applied."""
NEEDED_BY_ALL = ("rbac.authorization.k8s.io", "admissionregistration.k8s.io", "apiextensions.k8s.io")
"""API groups whose objects others need without naming them."""


@dataclass
class LastApply:
    """What Git wanted of each object at its last apply; a commit is rendered once, and only if needed.

    `commit` is that of the last sync that succeeded.
    """

    owned: Mapping[ObjectRef, OwnedObject]
    render: OldObjects = lambda _: ()
    commit: str = ""

    def __post_init__(self) -> None:
        self._rendered: dict[str, Sequence[Mapping[ObjectRef, ApplyObject]]] = {}
        self._lock = threading.Lock()

    def _at(self, commit: str) -> Sequence[Mapping[ObjectRef, ApplyObject]]:
        with self._lock:
            if commit not in self._rendered:
                try:
                    self._rendered[commit] = self.render(commit) if commit else ()
                except TowpathError:
                    # That commit is gone or does not render any more: nothing is known then.
                    self._rendered[commit] = ()
            return self._rendered[commit]

    def unknown_commit(self, desired: ApplyObject) -> str:
        """The commit of the object's last apply, where nothing can be said about it; else empty."""
        owned = self.owned.get(desired.ref)
        commit = (owned.commit or self.commit) if owned and owned.uid else ""
        return commit if commit and not self._at(commit) else ""

    def is_unchanged(self, desired: ApplyObject, path: field_set.Path) -> bool:
        """Whether Git certainly wants the same value of this field as at the last apply."""
        owned = self.owned.get(desired.ref)
        if owned is None or not owned.uid or not owned.applied_digest:
            return False
        if desired.has_content(owned.applied_digest):
            return True
        ways = (objects.get(desired.ref) for objects in self._at(owned.commit or self.commit))
        old = next((each for each in ways if each and each.has_content(owned.applied_digest)), None)
        if old is None:
            return False
        before = field_set.pointer_of(path, old.manifest)
        now = field_set.pointer_of(path, desired.manifest)
        return (
            before is not None
            and now is not None
            and pointer.read(old.manifest, before) == pointer.read(desired.manifest, now)
        )


def nothing_before(_: str) -> EarlierApp | None:
    """For a caller without Git: only an object that has not changed at all is known."""
    return None


def last_apply(state: AppState, before: AppliedBefore) -> LastApply:
    """The last apply of each object of an app, by its inventory."""

    def render(commit: str) -> Sequence[Mapping[ObjectRef, ApplyObject]]:
        if (app := before(commit)) is None:
            return ()
        # What scales an object now may have come after that apply.
        return [_prepared(state, app, scalers) for scalers in (state.live.scalers, ())]

    return LastApply(state.owned, render, state.inventory.commit if state.inventory else "")


def _prepared(
    state: AppState, app: EarlierApp, scalers: Sequence[Manifest]
) -> Mapping[ObjectRef, ApplyObject]:
    rules, taken_back = app.environment.ignore, app.environment.taken_back(state.owner.app)
    live, key = state.live.metadata, state.live.digest_key
    objects = app.rendered.objects
    old = prepare_objects(objects, state.owner, rules, scalers, live, key=key, taken_back=taken_back)
    return {each.ref: each for each in old}


@dataclass(frozen=True, slots=True)
class Applied:
    """The object after an apply, and the fields that were left to other controllers."""

    manifest: Manifest
    left_fields: tuple[FieldOwner, ...] = ()
    places: tuple[tuple[str, str], ...] = ()
    """Of `left_fields`: the pointers into the live object and into the manifest."""

    @property
    def pointers(self) -> tuple[str, ...]:
        """Of `left_fields`, into the live object."""
        return tuple(at for at, _ in self.places)


def apply_beside(
    cluster: Cluster, desired: ApplyObject, known: Manifest | None, last: LastApply, *, dry_run: bool = False
) -> Applied:
    """As apply_object, without the fields of other controllers that Git has not changed.

    Raises ApiConflictError with only the fields that Git has changed itself.
    """
    left: list[FieldOwner] = []
    places: list[tuple[str, str]] = []
    back, force = desired.taken_back, False
    for _ in range(TRIES):
        try:
            applied = apply_object(cluster, desired, known, dry_run=dry_run, force=force)
            return Applied(applied, tuple(left), tuple(places))
        except ApiConflictError as conflict:
            others = [owner for owner in conflict.owners if not is_taken_back(owner.manager, back)]
            managers = {owner.manager for owner in others}
            version = desired.manifest["apiVersion"].rpartition("/")[2]
            live = cluster.get(desired.ref, version=version) if managers and known is not None else None
            paths = _foreign_paths(live, desired.manifest, managers) if live is not None else {}
            if live is None or not paths:
                raise
            force = all(owner.field in OWNER_LABEL_FIELDS for owner in others)
            paths = {path: manager for path, manager in paths.items() if not is_owner_label(path)}
            changed = [path for path in paths if not last.is_unchanged(desired, path)]
            if changed:
                owners = tuple(FieldOwner(paths[path], field_set.display_path(path)) for path in changed)
                raise _conflict(desired, owners, conflict, last.unknown_commit(desired)) from conflict
            left += [FieldOwner(paths[path], field_set.display_path(path)) for path in paths]
            sent = {path: at for path in paths if (at := field_set.pointer_of(path, desired.manifest))}
            places += [(at, sent[path]) for path in sent if (at := field_set.pointer_of(path, live))]
            desired = replace(desired, manifest=pointer.without(desired.manifest, sent.values()))
    return Applied(apply_object(cluster, desired, known, dry_run=dry_run), tuple(left), tuple(places))


@dataclass(frozen=True, slots=True)
class LeftFields:
    """The fields that a sync leaves to other controllers, with both values."""

    owners: tuple[FieldOwner, ...] = ()
    differences: tuple[Difference, ...] = ()


def left_fields(desired: ApplyObject, live: Manifest, applied: Applied) -> LeftFields:
    """What was left of a live object; of each field both values as a whole, of a list or a map too."""
    found = [field_difference(live, desired.manifest, *each) for each in dict.fromkeys(applied.places)]
    return LeftFields(applied.left_fields, tuple(sorted(found, key=lambda each: each.pointer)))


def unchanged_since_apply(desired: ApplyObject) -> LastApply:
    """For an object of which Git is known to want the same as at the last apply."""
    return LastApply({desired.ref: OwnedObject(desired.ref, "known", "", desired.applied_digest)})


def with_left(entry: DriftEntry | None, changes: Sequence[Difference], left: LeftFields) -> DriftEntry | None:
    """The entry of an object with fields that are left to other controllers; `changes` are taken back."""
    if entry is None:
        return None
    short = "" if changes else left_message(left.owners, fields=False)
    return replace(entry, message=left_message(left.owners), left_to=short)


def taken_over_message(managers: Sequence[str]) -> str:
    """`taken over from helm`; empty when there are none."""
    return f"taken over from {', '.join(managers)}" if managers else ""


def independent(
    stage: Iterable[Manifest],
    failures: Sequence[tuple[ObjectRef, TowpathError]],
    desired: Mapping[ObjectRef, ApplyObject],
) -> list[Manifest]:
    """What of a later stage does not need the objects that failed.

    Only after conflicts: such an object is live, as it was. What has its name anywhere needs it, and so does
    all that comes in a later wave. Rights, admission and definitions are needed by all.
    """
    kept = list(stage)
    for ref, error in failures:
        if not isinstance(error, ApiConflictError) or not error.owners or ref.group in NEEDED_BY_ALL:
            return []
        wave = (wave_of(desired[ref].initial) or 0) if ref in desired else 0
        kept = [each for each in kept if (wave_of(each) or 0) <= wave and not _has_text(each, ref.name)]
    return kept


def _foreign_paths(live: Manifest, wanted: Manifest, managers: set[str]) -> dict[field_set.Path, str]:
    """Fields that these managers own and whose value is not the wanted one, each with its manager."""
    paths: dict[field_set.Path, str] = {}
    for entry in manager_entries(live["metadata"]):
        if entry["manager"] not in managers:
            continue
        for path in field_set.leaves(entry.get("fieldsV1") or {}):
            declared = field_set.declared_path(path, wanted)
            if declared is None or not path[-1].startswith("f:"):
                continue
            at_live, at_wanted = (field_set.pointer_of(declared, each) for each in (live, wanted))
            value = pointer.read(live, at_live) if at_live else None
            if value != pointer.read(wanted, at_wanted or ""):
                paths[declared] = entry["manager"]
    return paths


def _conflict(
    desired: ApplyObject, owners: tuple[FieldOwner, ...], error: ApiConflictError, unknown: str
) -> ApiConflictError:
    fields = ", ".join(f"{owner.field} ({owner.manager})" for owner in owners)
    what = "Git changes fields that another field manager owns"
    if unknown:
        what = (
            f"another field manager owns fields that Git may have changed since its last apply (commit"
            f" {unknown[:7]} cannot be rendered here)"
        )
    return ApiConflictError(
        f"apply {desired.ref}: {what}: {fields}",
        owners=owners,
        remedy=error.remedy,
    )


def _has_text(value: object, text: str) -> bool:
    if isinstance(value, Mapping):
        return any(_has_text(each, text) for each in value.values())
    if isinstance(value, list):
        return any(_has_text(each, text) for each in value)
    return value == text
