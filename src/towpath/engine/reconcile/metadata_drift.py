"""Compares apps with what is live by metadata alone: nothing is asked of the API server. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from towpath.applyset.apply_object import ApplyObject
from towpath.applyset.inventory import PART_OF_LABEL, Inventory, OwnedObject, Owner
from towpath.applyset.prune import PruneCandidate, decide_pruning
from towpath.drift.model import DriftEntry, compare_object
from towpath.engine.live.app_state import owner_of
from towpath.engine.live.observe import Live
from towpath.engine.source.render import Rendered
from towpath.kube.finalizers import termination
from towpath.objects import Manifest, ObjectRef


def metadata_drift(
    rendered: Sequence[Rendered],
    desired: Mapping[str, dict[ObjectRef, ApplyObject]],
    inventories: Mapping[str, Inventory],
    live: Live,
) -> list[DriftEntry]:
    """What differs of every app that Git or an inventory has."""
    by_app = {each.app: each for each in rendered}
    entries: list[DriftEntry] = []
    for app in sorted(by_app.keys() | inventories.keys()):
        git, inventory = by_app.get(app), inventories.get(app)
        owner = owner_of(git) if git else inventories[app].owner
        entries += _of_app(owner, desired.get(app, {}), git, inventory, live)
    return entries


def _of_app(
    owner: Owner,
    desired: dict[ObjectRef, ApplyObject],
    git: Rendered | None,
    inventory: Inventory | None,
    live: Live,
) -> Iterator[DriftEntry]:
    app, owned = owner.app, inventory.by_ref if inventory else {}
    applied = bool(git and inventory and git.is_recorded(inventory.desired, live.digest_key))
    waiting = frozenset(inventory.deletions if inventory and applied else ())
    if inventory is None and any(_is_part_of(live.metadata.get(ref), owner) for ref in desired):
        yield DriftEntry(app, owner.ref, "deleted", message="the inventory is gone, its objects are not")
    for ref in {**desired, **owned}:
        wanted, has, now = desired.get(ref), owned.get(ref), live.metadata.get(ref)
        if has is None:
            yield DriftEntry(app, ref, "unapplied", message="no sync has recorded it yet")
        elif wanted is None:
            if entry := left_git_entry(owner, has, now, waits=ref in waiting):
                yield entry
        else:
            drifted = compare_object(
                app, has, now, wanted.ignored, wanted.ignored_managers, wanted.taken_back
            )
            if has.uid and not wanted.is_recorded(has.applied_digest):
                message = "Git has changed since the last sync"
                if drifted:
                    message += f"; it was {drifted.kind} by hand, too"
                who = drifted.managers if drifted else ()
                yield DriftEntry(app, ref, "unapplied", managers=who, message=message)
            elif drifted:
                yield replace(drifted, wanted=wanted.applied_digest)


def left_git_entry(
    owner: Owner, owned: OwnedObject, live: Manifest | None, *, waits: bool
) -> DriftEntry | None:
    """An object of the inventory that Git does not have; None when it is gone. Pure.

    `waits`: the last sync has decided to delete it.
    """
    pruning = decide_pruning([PruneCandidate(owned, live)], owner)
    for ref, reason in pruning.kept:
        return DriftEntry(owner.app, ref, "kept", message=f"no longer in Git, not deleted: {reason}")
    for ref, _ in pruning.delete:
        assert live is not None  # noqa: S101 - else it were gone
        if not waits:
            return DriftEntry(owner.app, ref, "unapplied", message="no longer in Git, not deleted yet")
        deleting = "deletionTimestamp" in live["metadata"]
        message = termination(live["metadata"]) if deleting else "deleted when the app is verified"
        return DriftEntry(owner.app, ref, "waiting", message=f"no longer in Git; {message}")
    return None


def _is_part_of(live: Manifest | None, owner: Owner) -> bool:
    return live is not None and (live["metadata"].get("labels") or {}).get(PART_OF_LABEL) == owner.applyset
