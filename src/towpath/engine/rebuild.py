"""Puts a lost inventory together again: from the labels of what is live, and from who applied it."""

from collections.abc import Iterable

from towpath.adapters.kubernetes import ApiRefusedError, Cluster, Resource
from towpath.engine.observe import concurrently
from towpath.fingerprint import own_entry
from towpath.hooks import HOOK
from towpath.inventory import PART_OF, Inventory, Owned, Owner, after
from towpath.objects import Manifest, ObjectRef, ref_of


def rebuild(cluster: Cluster, owner: Owner, wanted: Iterable[ObjectRef] = ()) -> Inventory | None:
    """What carries the owner's label and was applied by us; None when nothing does. Writes nothing.

    `wanted` is what Git has. Cluster-scoped kinds are looked through when Git has an object of them, or the
    namespace has one of ours: a first sync, of which there are many on an emptied cluster, is spared that.
    """
    ours = _ours(cluster, owner, namespaced=True)
    if ours or any(not ref.namespace and ref.kind != "Namespace" for ref in wanted):
        ours += _ours(cluster, owner, namespaced=False)
    if not ours:
        return None
    objects = {ref_of(live): Owned(ref_of(live), live["metadata"]["uid"]) for live in ours}
    return after(owner, "", "", objects)


def _ours(cluster: Cluster, owner: Owner, *, namespaced: bool) -> list[Manifest]:
    where = owner.namespace if namespaced else None
    selector = f"{PART_OF}={owner.applyset}"

    def of_kind(kind: Resource) -> list[Manifest]:
        try:
            return list(cluster.list(kind.group, kind.kind, where, labels=selector, metadata_only=True))
        except ApiRefusedError as error:
            if error.status in (403, 404, 405):
                return []  # what may not be read was not applied by us either
            raise

    found = concurrently(of_kind, cluster.discover().listable(namespaced=namespaced))
    return [live for group in found for live in group if _is_ours(live["metadata"])]


def _is_ours(metadata: Manifest) -> bool:
    """A person may copy an object with its labels; a controller may pass labels on to what it makes."""
    return (
        own_entry(metadata) is not None
        and not metadata.get("ownerReferences")
        and HOOK not in (metadata.get("annotations") or {})
    )
