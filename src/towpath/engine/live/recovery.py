"""Puts a lost inventory together again: from the labels of what is live, and from who applied it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

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
from towpath.engine.live.lists import list_everywhere
from towpath.fields.managed_fields import own_entry
from towpath.kube.apply_order import HOOK_ANNOTATION
from towpath.kube.autoscaling import Kind
from towpath.objects import Manifest, ObjectRef, ref_of

T = TypeVar("T")


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
    search = _Search(cluster, owners)
    found = search.inside(places)
    if found or any(not ref.namespace and ref.kind != "Namespace" for ref in declared):
        found += search.cluster_scoped(declared)
    by_set: dict[str, list[Manifest]] = {}
    for live in found:
        by_set.setdefault(live["metadata"]["labels"][PART_OF_LABEL], []).append(live)
    inventories = {}
    for owner in owners:
        if ours := by_set.get(owner.applyset):
            objects = {ref_of(live): OwnedObject(ref_of(live), live["metadata"]["uid"]) for live in ours}
            inventories[owner.app] = inventory_after_sync(owner, "", "", objects)
    return inventories


class _Search:
    """Looks for what carries the label of the owners. What may not be read was not applied by us either."""

    def __init__(self, cluster: Cluster, owners: list[Owner]) -> None:
        self._cluster, first = cluster, owners[0]
        one, all_ = (
            f"{PART_OF_LABEL}={first.applyset}",
            f"{PART_OF_LABEL},{ENVIRONMENT_LABEL}={first.environment}",
        )
        self._asked: dict[str, Any] = {"labels": one if len(owners) == 1 else all_, "metadata_only": True}

    def inside(self, places: set[str]) -> list[Manifest]:
        """In these namespaces. A kind may be readable in some of them only."""

        def of_kind(resource: Resource) -> list[Manifest]:
            kind = (resource.group, resource.kind)
            whole = self._tried(lambda: list_everywhere(self._cluster, kind, places, **self._asked))
            if whole is not None:
                return whole
            return [live for place in sorted(places) for live in self._listed(kind, place) or ()]

        return self._of_all_kinds(of_kind, namespaced=True)

    def cluster_scoped(self, declared: Iterable[ObjectRef]) -> list[Manifest]:
        """Cluster-scoped objects; of a kind that may not be listed, those that Git declares."""
        named = list(declared)

        def of_kind(resource: Resource) -> list[Manifest]:
            kind = (resource.group, resource.kind)
            listed = self._listed(kind, None)
            if listed is not None:
                return list(listed)
            found = (self._read(ref) for ref in named if (ref.group, ref.kind) == kind)
            return [live for live in found if live is not None]

        return self._of_all_kinds(of_kind, namespaced=False)

    def _of_all_kinds(
        self, of_kind: Callable[[Resource], list[Manifest]], *, namespaced: bool
    ) -> list[Manifest]:
        found = concurrently(of_kind, self._cluster.discover().listable(namespaced=namespaced))
        return [live for group in found for live in group if _is_ours(live)]

    def _listed(self, kind: Kind, place: str | None) -> Sequence[Manifest] | None:
        return self._tried(lambda: self._cluster.list(*kind, place, **self._asked))

    def _read(self, ref: ObjectRef) -> Manifest | None:
        return self._tried(lambda: self._cluster.get(ref, metadata_only=True))

    @staticmethod
    def _tried(ask: Callable[[], T]) -> T | None:
        """None where this is refused, or no such thing is served."""
        try:
            return ask()
        except ApiRefusedError as error:
            if error.status not in (403, 404, 405):
                raise
            return None


def _is_ours(live: Manifest) -> bool:
    """A person may copy an object with its labels; a controller may pass labels on to what it makes."""
    metadata, ref = live["metadata"], ref_of(live)
    if PART_OF_LABEL not in (metadata.get("labels") or {}):
        return False
    is_hook = (ref.group, ref.kind) == JOB and HOOK_ANNOTATION in (metadata.get("annotations") or {})
    return own_entry(metadata) is not None and not metadata.get("ownerReferences") and not is_hook
