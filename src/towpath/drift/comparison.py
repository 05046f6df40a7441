"""The one comparison of what is live with Git, by metadata alone: of syncs, reconciles and watches. Pure.

A watch compares one object at each event, a reconcile all objects of an app: both by `object_drift`, so that
neither calls anything drift that the other does not.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from towpath.applyset.inventory import PART_OF_LABEL, Inventory, OwnedObject, Owner
from towpath.applyset.left_fields import left_message
from towpath.applyset.prune import PruneCandidate, decide_pruning
from towpath.applyset.wanted_object import WantedObject
from towpath.drift.model import DriftEntry, latest_writers
from towpath.kube.finalizers import termination
from towpath.objects import Manifest, ObjectRef

NO_RULES = WantedObject("")
PRESENT = "present"


def app_drift(
    owner: Owner,
    wanted: Mapping[ObjectRef, WantedObject],
    inventory: Inventory | None,
    live: Mapping[ObjectRef, Manifest],
    *,
    applied: bool,
) -> Iterator[DriftEntry]:
    """What differs of an app that Git or an inventory has; `applied`: the last sync was of the same Git."""
    if inventory is None and (lost := lost_inventory(owner, wanted, live)):
        yield lost
    owned = inventory.by_ref if inventory else {}
    waiting = frozenset(inventory.deletions if inventory and applied else ())
    for ref in {**wanted, **owned}:
        entry = object_drift(owner, ref, wanted.get(ref), owned.get(ref), live.get(ref), waits=ref in waiting)
        if entry:
            yield entry


def object_drift(  # noqa: PLR0913
    owner: Owner,
    ref: ObjectRef,
    wanted: WantedObject | None,
    owned: OwnedObject | None,
    live: Manifest | None,
    *,
    waits: bool = False,
    namespace: str = PRESENT,
) -> DriftEntry | None:
    """How one object differs from Git; None: it does not. `live` needs metadata only.

    `wanted` is what Git has, `owned` what the inventory has. `waits`: the last sync has decided to delete it.
    `namespace` is the state of the environment's; nothing is told of what is elsewhere while it is not there.
    """
    if namespace != PRESENT:
        message = f"namespace {owner.namespace} is {namespace}"
        return DriftEntry(owner.app, ref, "deleted", message=message) if wanted else None
    if wanted is None:
        return left_git(owner, owned, live, waits=waits) if owned else None
    if owned is None:
        return DriftEntry(
            owner.app,
            ref,
            "unapplied",
            message="no sync has recorded it yet",
            desired_digest=wanted.applied_digest,
        )
    drifted = compare_object(owner.app, owned, live, wanted)
    if owned.uid and not wanted.is_recorded(owned.applied_digest):
        message = "Git has changed since the last sync"
        if drifted and not drifted.left_to:
            message += f"; it was {drifted.kind} by hand, too"
        who = drifted.managers if drifted else ()
        drifted = DriftEntry(owner.app, ref, "unapplied", managers=who, message=message)
    return replace(drifted, desired_digest=wanted.applied_digest) if drifted else None


def compare_object(  # noqa: PLR0911
    app: str, owned: OwnedObject, live: Manifest | None, wanted: WantedObject = NO_RULES
) -> DriftEntry | None:
    """How a live object differs from what the last apply left; None: it does not."""
    ref = owned.ref
    if not owned.uid:
        return DriftEntry(app, ref, "unapplied", message="its apply was never confirmed")
    if owned.is_gone_when_finished(live):
        return None
    if live is None:
        return DriftEntry(app, ref, "deleted")
    metadata = live["metadata"]
    if metadata["uid"] != owned.uid:
        return DriftEntry(
            app, ref, "deleted", managers=latest_writers(metadata), message="another one has its name"
        )
    if "deletionTimestamp" in metadata:
        return DriftEntry(app, ref, "deleted", message=termination(metadata))
    edits = wanted.edits(metadata)
    if not edits and wanted.is_as_applied(owned, metadata):
        return None
    left = wanted.left_fields(owned, metadata)
    words = left_message(left), left_message(left, fields=False)
    return DriftEntry(app, ref, "modified", managers=edits, message=words[0], left_to=words[1])


def left_git(owner: Owner, owned: OwnedObject, live: Manifest | None, *, waits: bool) -> DriftEntry | None:
    """An object of the inventory that Git does not have; None when it is gone."""
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


def lost_inventory(
    owner: Owner, wanted: Iterable[ObjectRef], live: Mapping[ObjectRef, Manifest]
) -> DriftEntry | None:
    """The inventory of an owner that has none, where something live is the owner's all the same."""
    if any(_is_part_of(live.get(ref), owner) for ref in wanted):
        return DriftEntry(
            owner.app, owner.ref, "deleted", message="the inventory is gone, its objects are not"
        )
    return None


def _is_part_of(live: Manifest | None, owner: Owner) -> bool:
    return live is not None and (live["metadata"].get("labels") or {}).get(PART_OF_LABEL) == owner.applyset
