"""One environment as a watch knows it: live metadata, inventories, and what Git wants, compared per object.

Not safe for threads: WatchState holds a lock around it.
"""

from collections.abc import Iterable, Iterator, Mapping

from towpath.adapters.kubernetes import Collection
from towpath.applyset.inventory import PART_OF_LABEL, Inventory, OwnedObject, Owner, app_of_inventory
from towpath.applyset.inventory_configmap import from_configmap
from towpath.drift.comparison import lost_inventory
from towpath.drift.work_queue import WatchFinding, judge_object
from towpath.engine.live.observe import NamespaceState
from towpath.engine.watch.wanted import Wanted
from towpath.errors import TowpathError
from towpath.objects import Manifest, ObjectRef

FEW = 3
"""So many cluster-scoped objects of a kind are watched by name: the kind's own watch tells of everybody's."""
NOTHING = Wanted()
Kind = tuple[str, str]


class Comparison:
    """`applied` and `wanted` are None until they were read; `live` has what was listed, by collection."""

    def __init__(self, environment: str, namespace: str) -> None:
        self._environment, self._namespace = environment, namespace
        self.live: dict[Collection, dict[ObjectRef, Manifest]] = {}
        self.applied: dict[str, Inventory] | None = None
        self.wanted: Mapping[str, Wanted] | None = None
        self.namespace_state: NamespaceState = "present"
        self._owned: dict[str, dict[ObjectRef, OwnedObject]] = {}
        self._holders: dict[ObjectRef, tuple[str, ...]] = {}
        self._places: dict[Kind, dict[str, int]] = {}
        """Kind -> namespace -> how many objects are held there."""
        self._names: dict[Kind, set[str]] = {}
        """The cluster-scoped objects of a kind."""
        self._named: set[Kind] = set()
        self._collections: frozenset[Collection] | None = None

    def is_read(self) -> bool:
        """Whether inventories and Git were read at least once."""
        return self.applied is not None and self.wanted is not None

    def apps(self) -> list[str]:
        """Every app that Git or an inventory has, by name."""
        applied = self.applied or {}
        wanted = {app for app, each in (self.wanted or {}).items() if not each.absent}
        return sorted(applied.keys() | wanted)

    def mark_of(self, app: str) -> tuple[str, str, int]:
        """What an inventory says of the last sync; it changes with each that carried out something else."""
        inventory = (self.applied or {}).get(app)
        return (
            (inventory.commit, inventory.desired_digest, len(inventory.objects)) if inventory else ("", "", 0)
        )

    def wanted_of(self, app: str) -> Wanted:
        """What Git has of the app; nothing when it left Git."""
        return (self.wanted or {}).get(app, NOTHING)

    def broken(self, app: str) -> str:
        """Why the app cannot be compared; empty: it can."""
        wanted = self.wanted_of(app)
        return "" if wanted.absent and app not in (self.applied or {}) else wanted.broken

    def owned_by(self, app: str) -> Mapping[ObjectRef, OwnedObject]:
        """What the app's inventory has."""
        return self._owned.get(app, {})

    def holders(self, ref: ObjectRef) -> tuple[str, ...]:
        """The apps whose inventories have the object: mostly one."""
        return self._holders.get(ref, ())

    def refs(self, app: str) -> set[ObjectRef]:
        """All objects that Git or the inventory has of the app."""
        return {*self.wanted_of(app).objects, *self.owned_by(app)}

    def record(self, app: str, inventory: Inventory | None) -> set[ObjectRef]:
        """The inventory is another one now; the objects of which it says something else than before."""
        before, after = self._owned.pop(app, {}), inventory.by_ref if inventory else {}
        if after:
            self._owned[app] = after
        for ref in before.keys() ^ after.keys():
            known = self.holders(ref)
            others = tuple(each for each in known if each != app)
            now = (*others, app) if ref in after else others
            if now:
                self._holders[ref] = now
            else:
                self._holders.pop(ref, None)
            if bool(known) != bool(now):
                self._count(ref, 1 if now else -1)
        return {ref for ref in before.keys() | after.keys() if before.get(ref) != after.get(ref)}

    # What must be watched

    def collections(self) -> frozenset[Collection]:
        """Where the owned objects are."""
        if self._collections is None:
            self._collections = frozenset(each for kind in self._places for each in self._of_kind(kind))
        return self._collections

    def collection_of(self, ref: ObjectRef) -> Collection:
        """The one that an object is watched in."""
        kind = (ref.group, ref.kind)
        if self._is_whole(kind):
            return Collection(*kind, metadata_only=True)
        return Collection(*kind, ref.namespace, "" if ref.namespace else ref.name, metadata_only=True)

    def _of_kind(self, kind: Kind) -> Iterator[Collection]:
        if self._is_whole(kind):
            yield Collection(*kind, metadata_only=True)
            return
        for namespace in filter(None, self._places[kind]):
            yield Collection(*kind, namespace, metadata_only=True)
        for name in self._names.get(kind, ()):
            yield Collection(*kind, name=name, metadata_only=True)

    def _is_whole(self, kind: Kind) -> bool:
        """Whether a kind is watched in the whole cluster: it is in several namespaces, or more than FEW."""
        if kind in self._named:
            return False
        names = self._names.get(kind)
        return len(names) > FEW if names else len(self._places.get(kind, ())) > 1

    def _count(self, ref: ObjectRef, more: int) -> None:
        """An object is held by somebody now, or by nobody any more (-1)."""
        kind = (ref.group, ref.kind)
        places = self._places.setdefault(kind, {})
        before = len(places)
        places[ref.namespace] = places.get(ref.namespace, 0) + more
        if not places[ref.namespace]:
            del places[ref.namespace]
        if not ref.namespace:
            names = self._names.setdefault(kind, set())
            (names.add if more > 0 else names.discard)(ref.name)
        if not ref.namespace or len(places) != before:
            self._collections = None  # else it is watched already, or still
        if not places:
            del self._places[kind]

    def by_name_only(self, collection: Collection) -> None:
        """This account may not see a kind in the whole cluster: it is watched by namespace, or by name."""
        self._named.add((collection.group, collection.kind))
        self._collections = None

    def held_in(self, collection: Collection) -> dict[str, list[ObjectRef]]:
        """The owned objects of a collection, by app."""
        found: dict[str, list[ObjectRef]] = {}
        for ref, apps in self._holders.items():
            of_kind = (ref.group, ref.kind) == (collection.group, collection.kind)
            if of_kind and self.collection_of(ref) == collection:
                for app in apps:
                    found.setdefault(app, []).append(ref)
        return found

    # How it differs

    def live_of(self, ref: ObjectRef) -> tuple[bool, Manifest | None]:
        """(whether its collection was listed, the object's metadata)."""
        objects = self.live.get(self.collection_of(ref))
        return objects is not None, (objects or {}).get(ref)

    def judge(self, app: str, ref: ObjectRef, applied_at: str | None) -> tuple[bool, WatchFinding | None]:
        """(whether it can be said, how the object differs). An app that is broken is not compared."""
        if self.wanted is None or self.applied is None:
            return False, None
        if self.broken(app):
            return True, None
        git, owned, owner = self.wanted_of(app), self.owned_by(app).get(ref), self._owner(app)
        wanted = git.objects.get(ref)
        if self.namespace_state != "present":
            return True, judge_object(owner, ref, wanted, owned, None, namespace=self.namespace_state)
        listed, live = self.live_of(ref)
        if owned and not listed:
            if wanted and owned.uid and wanted.is_recorded(owned.applied_digest):
                return False, None
            live = _as_left(owned, owner)
        inventory = self.applied.get(app)
        waits = (
            inventory is not None and ref in inventory.deletions and inventory.desired_digest in git.digests
        )
        return True, judge_object(owner, ref, wanted, owned, live, waits=waits, applied_at=applied_at)

    def judge_inventory(self, app: str) -> tuple[bool, ObjectRef]:
        """(whether the inventory is gone, and its objects are not; its ConfigMap)."""
        owner = self._owner(app)
        lost = self.namespace_state != "present"
        if lost or self.applied is None or app in self.applied or self.broken(app):
            return False, owner.ref
        refs = self.wanted_of(app).objects
        known = {ref: live for ref in refs if (live := self.live_of(ref)[1])}
        return lost_inventory(owner, refs, known) is not None, owner.ref

    def needs_no_inventory(self, app: str) -> bool:
        """Whether a lost inventory of the app is no news any more: it is there, or nothing needs one."""
        has = app in (self.applied or {})
        return has or app not in (self.wanted or {}) or self.namespace_state != "present"

    def _owner(self, app: str) -> Owner:
        return Owner(app, self._environment, self._namespace)


def app_of(configmap: Manifest) -> str:
    """The app of an inventory; empty for a ConfigMap that is none."""
    return app_of_inventory(configmap["metadata"]["name"])


def inventories_in(
    configmaps: Iterable[Manifest], environment: str, before: Mapping[str, Inventory]
) -> tuple[dict[str, Inventory], tuple[str, ...]]:
    """(an environment's inventories by app, why some cannot be read: these are as they were `before`)."""
    found: dict[str, Inventory] = {}
    problems: list[str] = []
    for configmap in configmaps:
        app = app_of(configmap)
        try:
            inventory = from_configmap(configmap)
        except TowpathError as error:
            problems.append(error.message)
            found |= {app: before[app]} if app in before else {}
            continue
        found |= {app: inventory} if inventory.owner.environment == environment else {}
    return found, tuple(problems)


def waiting_refs(inventories: Iterable[Inventory | None]) -> set[ObjectRef]:
    """What any of the inventories says is to be deleted."""
    return {ref for inventory in inventories if inventory for ref in inventory.deletions}


def _as_left(owned: OwnedObject, owner: Owner) -> Manifest:
    """An object of a kind that was not listed yet: taken to be there."""
    return {"metadata": {"uid": owned.uid, "labels": {PART_OF_LABEL: owner.applyset}}}
