"""Finds what a sync would change in one live object: its writes are tried by dry runs."""

from collections.abc import Sequence

from towpath.adapters.kubernetes import ApiRefusedError, Cluster
from towpath.applyset.apply_object import ApplyObject
from towpath.engine.apply.foreign_fields import Applied, LastApply, LeftFields, apply_beside, left_fields
from towpath.engine.preview.prediction import merged, patch_operations, removed_paths, without_paths
from towpath.errors import TowpathError
from towpath.fields import pointer
from towpath.fields.field_set import Path, leaves, paths_beyond, pointer_of
from towpath.fields.managed_fields import (
    KNOWN_TOOLS,
    RESTART_RULE,
    TakenBack,
    manager_entries,
    own_entry,
    person_entries,
    pointers_left_to_managers,
)
from towpath.fields.owner_rewrite import take_over
from towpath.kube.diff import Difference, declared_differences, differences, removed_field
from towpath.objects import Manifest

IN_THE_WAY = "edited by hand; a sync takes that back first"


def changes_beside(
    cluster: Cluster, desired: ApplyObject, live: Manifest, last: LastApply
) -> tuple[tuple[Difference, ...], LeftFields]:
    """What a sync would change in a live object, and what it would leave to other controllers.

    As the sync: what people added is taken over, so that the apply removes it, and the server sets its
    defaults again. Raises what the sync would raise.
    """
    managed_fields = take_over(
        live, desired.manifest, desired.ignored, desired.ignored_managers, desired.taken_back
    )
    removed = removed_paths(managed_fields or manager_entries(live["metadata"]), desired.manifest)
    try:
        applied = apply_beside(cluster, desired, live, last, dry_run=True)
        after = _with_defaults(cluster, desired, live, applied.manifest, removed)
    except ApiRefusedError:
        # What people added may be in the way of this apply, and is gone before that of the sync.
        found = _without_edits(cluster, desired, live, removed) if managed_fields else None
        if found is None:
            raise
        after, applied = found, Applied(found)
    rules = (*_left_alone(desired, live), *applied.pointers)
    changes = tuple(each for each in differences(live, after) if not pointer.covers(rules, each.pointer))
    return changes, left_fields(desired, live, applied)


def refused_changes(desired: ApplyObject, live: Manifest) -> tuple[Difference, ...]:
    """As changes_beside, of an object whose apply is refused: by what Git names, and what people added."""
    rules = _left_alone(desired, live)
    found = _added_by_people(desired, live)
    named = {each.pointer: each for each in declared_differences(live, desired.manifest)}
    # Of an item that people put into a list, the field that Git names is told rather than the whole of it.
    found = {at: each for at, each in found.items() if not any(pointer.covers([at], one) for one in named)}
    found |= named
    return tuple(found[at] for at in sorted(found) if not pointer.covers(rules, at))


def edits_in_the_way(live: Manifest, error: ApiRefusedError, taken_back: TakenBack = KNOWN_TOOLS) -> bool:
    """Whether a dry run was refused for lists into which people's tools wrote.

    A sync takes those edits back before it applies, which a dry run cannot try: two ports of one name.
    """
    metadata = live["metadata"]
    edited = {
        pointer_of(path, live)
        for entry in person_entries(metadata, taken_back)
        for path in leaves(entry.get("fieldsV1") or {})
    }
    lists = {pointer.build(tuple(name.partition("[")[0].split("."))) for name in error.fields if "[" in name}
    named = error.invalid_fields and len(error.fields) > 0 and all("[" in name for name in error.fields)
    return named and all(any(at and at.startswith(f"{each}/") for at in edited) for each in lists)


def _with_defaults(
    cluster: Cluster, desired: ApplyObject, live: Manifest, applied: Manifest, removed: Sequence[Path]
) -> Manifest:
    """The applied object without what is removed too, and with the server's defaults in its place."""
    after = without_paths(applied, removed)
    if after == applied:
        return applied
    try:
        return _try(cluster, desired, live, after)
    except TowpathError:
        return after  # no right to try it, or somebody wrote meanwhile: defaults look like removals


def _without_edits(
    cluster: Cluster, desired: ApplyObject, live: Manifest, removed: Sequence[Path]
) -> Manifest | None:
    """The object after a sync whose apply cannot be tried before; None when that is refused as well."""
    try:
        return _try(cluster, desired, live, merged(without_paths(live, removed), desired.manifest))
    except TowpathError:
        return None


def _try(cluster: Cluster, desired: ApplyObject, live: Manifest, after: Manifest) -> Manifest:
    version = desired.manifest["apiVersion"].rpartition("/")[2]
    return cluster.json_patch(desired.ref, patch_operations(live, after), version=version, dry_run=True)


def _added_by_people(desired: ApplyObject, live: Manifest) -> dict[str, Difference]:
    """By pointer: what people's tools added to a live object, and Git does not name."""
    found = {}
    ours = (own_entry(live["metadata"]) or {}).get("fieldsV1") or {}
    for entry in person_entries(live["metadata"], desired.taken_back):
        for path in paths_beyond(entry.get("fieldsV1") or {}, ours):
            at = pointer_of(path, live)
            # What Git names itself is told by comparing.
            if at is not None and pointer_of(path, desired.manifest) is None:
                found[at] = removed_field(live, at)
    return found


def _left_alone(desired: ApplyObject, live: Manifest) -> tuple[str, ...]:
    left = pointers_left_to_managers(live["metadata"], desired.ignored_managers, live)
    return (*desired.ignored, RESTART_RULE, *left)
