"""Puts a lost inventory together again: from the labels of what is live, and from who applied it."""

from towpath.adapters.kubernetes import ApiRefusedError, Cluster, Resource
from towpath.engine.observe import concurrently
from towpath.fingerprint import own_entry
from towpath.hooks import HOOK
from towpath.inventory import PART_OF, Inventory, Owned, Owner, after
from towpath.objects import Manifest, ref_of


def rebuild(cluster: Cluster, owner: Owner) -> Inventory | None:
    """What carries the owner's label and was applied by us; None when nothing does. Writes nothing.

    Only the namespace is looked through: cluster-scoped objects that Git still has come back with the sync.
    """

    def of_kind(resource: Resource) -> list[Manifest]:
        selector = f"{PART_OF}={owner.applyset}"
        try:
            return list(
                cluster.list(
                    resource.group, resource.kind, owner.namespace, labels=selector, metadata_only=True
                )
            )
        except ApiRefusedError as error:
            if error.status in (403, 404, 405):
                return []  # what may not be read was not applied by us either
            raise

    found = [live for group in concurrently(of_kind, cluster.discover().listable()) for live in group]
    # A person may have copied an object with its labels; a controller may pass labels on to what it makes.
    ours = [
        live
        for live in found
        if own_entry(live["metadata"])
        and not live["metadata"].get("ownerReferences")
        and HOOK not in (live["metadata"].get("annotations") or {})
    ]
    if not ours:
        return None
    objects = {ref_of(live): Owned(ref_of(live), live["metadata"]["uid"]) for live in ours}
    return after(owner, "", "", objects)
