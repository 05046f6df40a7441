"""Puts a lost inventory together again: from the labels of what is live, and from who applied it."""

from collections.abc import Iterable, Mapping

from towpath.adapters.kubernetes import ApiRefusedError, Cluster, Resource
from towpath.applyset.hooks import JOB
from towpath.applyset.inventory import (
    ENVIRONMENT_LABEL,
    PART_OF_LABEL,
    Inventory,
    OwnedObject,
    Owner,
    inventory_after_sync,
)
from towpath.engine.live.concurrent import concurrently
from towpath.engine.live.lists import list_in
from towpath.kube.apply_order import HOOK_ANNOTATION
from towpath.kube.managed_fields import own_entry
from towpath.objects import Manifest, ObjectRef, ref_of


def rebuild(cluster: Cluster, owner: Owner, wanted: Iterable[ObjectRef] = ()) -> Inventory | None:
    """What carries the owner's label and was applied by us; None when nothing does. Writes nothing.

    `wanted` is what Git has. Cluster-scoped kinds are looked through when Git has an object of them, or the
    namespace has one of ours: a first sync, of which there are many on an emptied cluster, is spared that.
    """
    return rebuild_all(cluster, {owner: wanted}).get(owner.app)


def rebuild_all(cluster: Cluster, wanted: Mapping[Owner, Iterable[ObjectRef]]) -> dict[str, Inventory]:
    """As `rebuild`, for owners in one environment, by app: one request per kind, whatever their number."""
    owners = list(wanted)
    if not owners:
        return {}
    declared = [ref for refs in wanted.values() for ref in refs]
    places = {owners[0].namespace, *(ref.namespace for ref in declared if ref.namespace)}
    found = _labelled(cluster, owners, places)
    if found or any(not ref.namespace and ref.kind != "Namespace" for ref in declared):
        found += _labelled(cluster, owners, None)
    by_set: dict[str, list[Manifest]] = {}
    for live in found:
        by_set.setdefault(live["metadata"]["labels"][PART_OF_LABEL], []).append(live)
    inventories = {}
    for owner in owners:
        if ours := by_set.get(owner.applyset):
            objects = {ref_of(live): OwnedObject(ref_of(live), live["metadata"]["uid"]) for live in ours}
            inventories[owner.app] = inventory_after_sync(owner, "", "", objects)
    return inventories


def _labelled(cluster: Cluster, owners: list[Owner], places: set[str] | None) -> list[Manifest]:
    """What has a label of the owners in some namespaces; cluster-scoped where there are none."""
    first = owners[0]
    one, all_ = (
        f"{PART_OF_LABEL}={first.applyset}",
        f"{PART_OF_LABEL},{ENVIRONMENT_LABEL}={first.environment}",
    )
    selector = one if len(owners) == 1 else all_

    def of_kind(kind: Resource) -> list[Manifest]:
        try:
            name = (kind.group, kind.kind)
            if places is None:
                return list(cluster.list(*name, None, labels=selector, metadata_only=True))
            return list_in(cluster, name, places, labels=selector, metadata_only=True)
        except ApiRefusedError as error:
            if error.status in (403, 404, 405):
                return []  # what may not be read was not applied by us either
            raise

    found = concurrently(of_kind, cluster.discover().listable(namespaced=places is not None))
    return [live for group in found for live in group if _is_ours(live)]


def _is_ours(live: Manifest) -> bool:
    """A person may copy an object with its labels; a controller may pass labels on to what it makes."""
    metadata, ref = live["metadata"], ref_of(live)
    is_hook = (ref.group, ref.kind) == JOB and HOOK_ANNOTATION in (metadata.get("annotations") or {})
    return own_entry(metadata) is not None and not metadata.get("ownerReferences") and not is_hook
