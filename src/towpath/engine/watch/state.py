"""What a watcher sees: live metadata, inventories, what Git wants, each kept up to date; and what differs.

Written by the threads that follow collections and the branch, read by the one that reconciles.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType

from towpath.adapters.kubernetes import Collection, WatchEvent
from towpath.applyset.inventory import INVENTORY_LABEL, Inventory, OwnedObject, from_configmap
from towpath.drift.work_queue import (
    SETTLE,
    ReconcileCase,
    WatchFinding,
    WorkQueue,
    judge_object,
    own_apply_time,
    trim_metadata,
)
from towpath.engine.watch.wanted import Wanted, all_taken_back, app_of, watched_objects
from towpath.errors import TowpathError
from towpath.kube.canonical import digest
from towpath.kube.managed_fields import KNOWN_TOOLS
from towpath.objects import Manifest, ObjectRef, ref_of

NOTHING: Mapping[str, str] = MappingProxyType({})
FEW = 3
"""So many cluster-scoped objects of a kind are watched by name: the kind's own watch tells of everybody's."""


class WatchState:
    """One environment. `wake` is called when the work queue may have something new."""

    def __init__(self, environment: str, namespace: str, wake: Callable[[], None]) -> None:
        self.environment = environment
        self._taken_back = KNOWN_TOOLS
        self.inventories = Collection("", "ConfigMap", namespace, labels=INVENTORY_LABEL)
        self._wake = wake
        self._lock = threading.RLock()
        self._agenda = WorkQueue()
        self._live: dict[Collection, dict[ObjectRef, Manifest]] = {}
        self._applied: dict[str, Inventory] | None = None
        self._owned: dict[ObjectRef, tuple[str, OwnedObject]] = {}
        self._wanted: Mapping[str, Wanted] | None = None
        self._findings: dict[str, dict[ObjectRef, WatchFinding]] = {}
        self._git: dict[str, str] = {}
        self._withdrawn: dict[str, str] = {}
        self._decided_by: Mapping[str, str] = {}
        self._applied_at: dict[ObjectRef, str] = {}
        self._whole: frozenset[tuple[str, str]] = frozenset()
        self._named: set[tuple[str, str]] = set()

    # What the watches tell

    def see_inventories(self, manifests: Iterable[Manifest]) -> tuple[str, ...]:
        """All inventories there are. Returns why some cannot be read; those stay as they were before."""
        problems = []
        with self._lock:
            before = self._applied or {}
            found: dict[str, Inventory] = {}
            for manifest in manifests:
                app = app_of(manifest)
                try:
                    inventory = from_configmap(manifest)
                except TowpathError as error:
                    problems.append(error.message)
                    found |= {app: before[app]} if app in before else {}
                else:
                    found |= {app: inventory} if inventory.owner.environment == self.environment else {}
            self._applied = found
            for app in before.keys() | found.keys() | (self._wanted or {}).keys():
                self._renew(app, before.get(app), found.get(app))
        self._wake()
        return tuple(problems)

    def see_inventory(self, event: WatchEvent) -> tuple[str, ...]:
        """One inventory that was written or deleted. Returns why it cannot be read."""
        app = app_of(event.object)
        try:
            new = None if event.type == "DELETED" else from_configmap(event.object)
        except TowpathError as error:
            return (error.message,)
        with self._lock:
            applied = dict(self._applied or {})
            if new is not None and new.owner.environment != self.environment:
                return ()
            old = applied.pop(app, None)
            self._applied = applied | ({app: new} if new else {})
            self._renew(app, old, new)
        self._wake()
        return ()

    def see_all(self, collection: Collection, manifests: Iterable[Manifest]) -> None:
        """All objects of a collection."""
        with self._lock:
            self._live[collection] = {
                ref_of(each): trim_metadata(each, self._taken_back) for each in manifests
            }
            for ref in [ref for ref in self._owned if self.collection_of(ref) == collection]:
                self._judge(ref)
        self._wake()

    def see(self, collection: Collection, event: WatchEvent) -> None:
        """One object of a collection."""
        ref = ref_of(event.object)
        with self._lock:
            objects = self._live.setdefault(collection, {})
            if event.type == "DELETED":
                objects.pop(ref, None)
            else:
                objects[ref] = trim_metadata(event.object, self._taken_back)
            news = self._judge(ref)
        if news:
            self._wake()

    def want(self, wanted: Mapping[str, Wanted], decided_by: Mapping[str, str] = NOTHING) -> None:
        """What Git has now, for every app of the environment.

        A difference that stayed is news again when what it is `decided_by` has changed, too.
        """
        with self._lock:
            before, self._wanted = self._wanted or {}, wanted
            self._taken_back = all_taken_back(wanted.values())
            self._decided_by = decided_by
            for app in before.keys() | wanted.keys() | (self._applied or {}).keys():
                old, new = before.get(app, Wanted()), wanted.get(app, Wanted())
                for ref in {ref for each in (old, new) for ref in each.compared}:
                    if old.compared_by(ref) != new.compared_by(ref):
                        self._judge(ref)
                told = self._git.get(app, "")
                tried = told and self._agenda.was_tried(app, told)
                self._compare(app)
                if tried and not self._git.get(app):
                    # What a run has told is not true any more: it was mended, or taken back.
                    self._withdrawn[app] = digest(["withdrawn", told])
                    self._compare(app)
        self._wake()

    # What must be watched

    def collections(self) -> frozenset[Collection]:
        """Where the owned objects are; the inventories come beside them."""
        with self._lock:
            return frozenset(self.collection_of(ref) for ref in self._owned)

    def collection_of(self, ref: ObjectRef) -> Collection:
        """The one that an owned object is watched in."""
        kind = (ref.group, ref.kind)
        name = "" if ref.namespace or (kind in self._whole and kind not in self._named) else ref.name
        return Collection(*kind, ref.namespace, name, metadata_only=True)

    def by_name_only(self, collection: Collection) -> None:
        """This account may not see the whole of a cluster-scoped kind: its objects are watched one by one."""
        with self._lock:
            self._named.add((collection.group, collection.kind))

    def forget(self, collection: Collection) -> None:
        """A collection is not watched any more."""
        with self._lock:
            self._live.pop(collection, None)

    # What follows

    def ready(self) -> bool:
        """Whether everything that must be known was read at least once."""
        with self._lock:
            known = self._applied is not None and self._wanted is not None
            return known and self.collections() <= self._live.keys()

    def drifted(self) -> dict[str, int]:
        """Objects that are not as they were left, by app; every app that Git or an inventory has."""
        with self._lock:
            return {app: len(self._findings.get(app, ())) for app in self._apps()}

    def unapplied(self) -> frozenset[str]:
        """Apps of which Git has something that was not carried out."""
        with self._lock:
            return frozenset(
                app for app, mark in self._git.items() if mark and mark != self._withdrawn.get(app)
            )

    def next_due(self) -> float | None:
        """When to call `due`, by `time.monotonic`."""
        with self._lock:
            return self._agenda.next_due()

    def due(self, tries: Callable[[str], int]) -> tuple[ReconcileCase, ...]:
        """Why to reconcile which app now. `tries`: how many runs the same difference of an app may cause."""
        now = time.monotonic()
        with self._lock:
            cases = [self._case(app, tries, now) for app in self._agenda.take(now)]
        return tuple(case for case in cases if case is not None)

    def confirm(
        self, cases: Iterable[ReconcileCase], tries: Callable[[str], int]
    ) -> tuple[ReconcileCase, ...]:
        """What of these cases still stands."""
        now = time.monotonic()
        with self._lock:
            again = [self._case(case.app, tries, now) for case in cases]
        return tuple(case for case in again if case is not None)

    def again(self, apps: Iterable[str], wait: float) -> None:
        """Look at these apps once more, after `wait` seconds at the earliest."""
        with self._lock:
            for app in apps:
                self._agenda.note(app, time.monotonic(), wait=wait)
        self._wake()

    def look_again(self) -> None:
        """Look at every app with a difference: what was held back may be held back no longer."""
        with self._lock:
            apps = {app for app in self._apps() if self._findings.get(app) or self._git.get(app)}
        self.again(apps, 0.01)

    def answered(self, cases: Iterable[ReconcileCase]) -> None:
        """A run dealt with these. What still differs is looked at once more when the dust has settled."""
        now = time.monotonic()
        with self._lock:
            for case in cases:
                self._agenda.answered(case, self._findings.get(case.app, {}).keys(), now)
                if case.git and case.git == self._withdrawn.get(case.app):
                    del self._withdrawn[case.app]
                    self._compare(case.app)
                if self._findings.get(case.app) or self._git.get(case.app):
                    self._agenda.note(case.app, now, wait=SETTLE)

    def forgive(self) -> None:
        """The environment's policies have changed: what was left alone is looked at again."""
        with self._lock:
            self._agenda.forgive()
        self.look_again()

    # Inside, with the lock held

    def _apps(self) -> list[str]:
        return sorted((self._applied or {}).keys() | (self._wanted or {}).keys())

    def _case(self, app: str, tries: Callable[[str], int], now: float) -> ReconcileCase | None:
        found = self._findings.get(app, {}).values()
        return self._agenda.case(app, found, self._git.get(app, ""), now, tries(app))

    def _renew(self, app: str, old: Inventory | None, new: Inventory | None) -> None:
        """Judge what the new inventory says otherwise than the old one."""
        before, after = (watched_objects(old) if old else {}), (watched_objects(new) if new else {})
        for ref in before.keys() - after.keys():
            self._owned.pop(ref, None)
            self._applied_at.pop(ref, None)
            self._settle(app, ref)
        self._owned |= {ref: (app, owned) for ref, owned in after.items()}
        many = Counter((ref.group, ref.kind) for ref in self._owned if not ref.namespace)
        self._whole = frozenset(kind for kind, count in many.items() if count > FEW)
        for ref, owned in after.items():
            if before.get(ref) != owned:
                self._judge(ref)
        self._compare(app, wait=SETTLE if new else 0.0)

    def _compare(self, app: str, *, wait: float = 0.0) -> None:
        """Git against the inventory. A sync under way will write the inventory again within `wait`."""
        if self._applied is None or self._wanted is None:
            return
        if mark := self._wanted.get(app, Wanted()).mark(self._applied.get(app)):
            mark = digest([mark, self._decided_by.get(app, self._decided_by.get("", ""))])
            self._withdrawn.pop(app, None)
        self._git[app] = mark or self._withdrawn.get(app, "")
        if self._git[app]:
            self._agenda.note(app, time.monotonic(), wait=wait)
        else:
            self._agenda.settled(app)

    def _judge(self, ref: ObjectRef) -> bool:
        """Whether the object is not as it was left; its app is noted then."""
        app, owned = self._owned.get(ref, ("", None))
        objects = self._live.get(self.collection_of(ref))
        if owned is None or objects is None:
            return False
        live, now = objects.get(ref), time.monotonic()
        left = (self._wanted or {}).get(app, Wanted()).compared_by(ref)
        finding = judge_object(app, owned, live, *left, applied_at=self._applied_at.get(ref))
        if finding is None:
            self._settle(app, ref)
            if live is not None and owned.fingerprint:
                self._applied_at[ref] = own_apply_time(live)
            return False
        known = self._findings.setdefault(app, {}).get(ref)
        since = known.since if known == finding else now
        self._findings[app][ref] = replace(finding, since=since)
        self._agenda.note(app, now, wait=SETTLE if finding.doubtful else 0.0)
        return True

    def _settle(self, app: str, ref: ObjectRef) -> None:
        self._findings.get(app, {}).pop(ref, None)
        self._agenda.settled(ref)
