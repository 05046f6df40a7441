"""Jobs and other work that the cluster deletes once it has ended, by a time to live: done is not missing.

Such an object is finished when it was seen complete, or when its Job controller has told so in an event. Its
inventory entry remembers that for the object's uid: the same content is not run again, other content is.
"""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace

from towpath.adapters.kubernetes import Cluster
from towpath.applyset.inventory import Inventory, OwnedObject, Owner
from towpath.applyset.inventory_configmap import to_configmap
from towpath.engine.live.observe import read_inventory
from towpath.errors import TowpathError
from towpath.health import Status, assess
from towpath.health.verdict import conditions_by_type, is_true, mapping_at
from towpath.objects import Manifest, ObjectRef, ref_of

JOB = ("batch", "Job")
_JOB_CONTROLLER = "job-controller"
_TIMES = ("ttlSecondsAfterFinished", "timeToLiveSeconds", "ttlStrategy")
"""Fields of a specification by which a controller deletes the object after it has ended."""
_MAY_DELETE_ITSELF = frozenset((*_TIMES, "runPolicy"))
_ENDED = ("completionTime", "completedAt", "finishedAt", "endTime", "terminationTime")


def deletes_itself(manifest: Manifest) -> bool:
    """Whether the cluster deletes the object some time after it has ended."""
    spec = mapping_at(manifest, "spec")
    if _MAY_DELETE_ITSELF.isdisjoint(spec):
        return False
    fields = [each.get(name) for each in (spec, mapping_at(spec, "runPolicy")) for name in _TIMES]
    return any(value if isinstance(value, dict) else _is_seconds(value) for value in fields)


def _is_seconds(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def is_complete(live: Manifest) -> bool:
    """Whether the object says that it has ended well; a failed one, and one that still runs, do not."""
    ref = ref_of(live)
    if (ref.group, ref.kind) == JOB:
        return is_true(conditions_by_type(live).get("Complete"))
    settled = {**live, "metadata": {**live["metadata"], "deletionTimestamp": None}}
    ended = any(mapping_at(live, "status").get(name) for name in _ENDED)
    return ended and assess(settled).status is Status.HEALTHY


def told_complete(cluster: Cluster, owned: OwnedObject) -> bool:
    """Whether an event of the Job controller tells that this very Job, gone now, was complete."""
    if (owned.ref.group, owned.ref.kind) != JOB or not owned.uid:
        return False
    try:
        events = cluster.events(owned.ref, uid=owned.uid)
    except TowpathError:
        return False  # who may not read events runs the Job again, as before
    return any(
        event.get("reason") == "Completed" and mapping_at(event, "source").get("component") == _JOB_CONTROLLER
        for event in events
    )


def with_finished(
    cluster: Cluster,
    inventory: Inventory,
    manifests: Iterable[Manifest],
    present: Iterable[ObjectRef],
) -> Inventory:
    """The inventory with what has ended well and is gone; asks only about what is in none of `present`.

    `manifests` are those of Git. Writes nothing.
    """
    there, owned = frozenset(present), inventory.by_ref
    gone = (ref_of(each) for each in manifests if deletes_itself(each))
    open_ = (owned[ref] for ref in gone if ref not in there and ref in owned and not owned[ref].finished)
    return _marked(inventory, {each.ref for each in open_ if told_complete(cluster, each)})


def remember_finished(cluster: Cluster, owner: Owner, manifests: Iterable[Manifest]) -> None:
    """Write down what has ended well. Nothing is read where Git has nothing that deletes itself.

    Raises nothing of ours: what cannot be written now is remembered next time.
    """
    refs = [ref_of(each) for each in manifests if deletes_itself(each)]
    if not refs:
        return
    with suppress(TowpathError):
        inventory, version = read_inventory(cluster, owner)
        owned = inventory.by_ref if inventory else {}
        open_ = (owned[ref] for ref in refs if ref in owned and not owned[ref].finished)
        ended = {each.ref for each in open_ if _ended(cluster, each)}
        if inventory and ended:
            cluster.replace(to_configmap(_marked(inventory, ended), version))


def finished_refs(cluster: Cluster, owner: Owner, manifests: Iterable[Manifest]) -> frozenset[ObjectRef]:
    """What has ended well and is gone, for the judgement of health; nothing where nothing deletes itself."""
    leaving = [each for each in manifests if deletes_itself(each)]
    inventory = read_inventory(cluster, owner)[0] if leaving else None
    if inventory is None:
        return frozenset()
    refs = {ref_of(each) for each in leaving}
    live = {ref: cluster.get(ref, metadata_only=True) for ref in refs}
    present = {ref for ref, each in live.items() if each and "deletionTimestamp" not in each["metadata"]}
    marked = with_finished(cluster, inventory, leaving, present).by_ref
    return frozenset(ref for ref in refs - present if ref in marked and marked[ref].finished)


def _ended(cluster: Cluster, owned: OwnedObject) -> bool:
    live = cluster.get(owned.ref)
    if live is None:
        return told_complete(cluster, owned)
    return bool(live["metadata"]["uid"] == owned.uid and is_complete(live))


def _marked(inventory: Inventory, refs: set[ObjectRef]) -> Inventory:
    if not refs:
        return inventory
    return replace(
        inventory,
        objects=tuple(
            replace(each, finished=True) if each.ref in refs else each for each in inventory.objects
        ),
    )
