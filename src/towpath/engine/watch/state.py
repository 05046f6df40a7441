"""What a watcher sees: live metadata, inventories, what Git wants, each kept up to date; and what differs.

Written by the threads that follow collections and the branch, read by the one that reconciles.
"""

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType

from towpath.adapters.kubernetes import Collection, WatchEvent
from towpath.applyset.inventory import INVENTORY_LABEL, Inventory
from towpath.applyset.inventory_configmap import from_configmap
from towpath.drift.work_queue import (
    SETTLE,
    ReconcileCase,
    WatchFinding,
    WorkQueue,
    git_mark,
    own_apply_time,
    trim_metadata,
)
from towpath.engine.live.observe import NamespaceState
from towpath.engine.watch.comparison import Comparison, app_of, inventories_in, waiting_refs
from towpath.engine.watch.wanted import Wanted
from towpath.errors import TowpathError
from towpath.fields.canonical import digest
from towpath.objects import Manifest, ObjectRef, ref_of

NOTHING: Mapping[str, str] = MappingProxyType({})


class WatchState:
    """One environment. `wake`: the work queue may have something new. Private methods hold the lock."""

    def __init__(self, environment: str, namespace: str, wake: Callable[[], None]) -> None:
        self.environment = environment
        self.inventories = Collection("", "ConfigMap", namespace, labels=INVENTORY_LABEL)
        self._wake, self._lock = wake, threading.RLock()
        self._queue, self._known = WorkQueue(), Comparison(environment, namespace)
        self._findings: dict[str, dict[ObjectRef, WatchFinding]] = {}
        self._git: dict[str, str] = {}
        self._withdrawn: dict[str, str] = {}
        self._decided_by: Mapping[str, str] = {}
        self._applied_at: dict[ObjectRef, str] = {}

    # What the watches tell

    def see_inventories(self, manifests: Iterable[Manifest]) -> tuple[str, ...]:
        """All inventories there are. Returns why some cannot be read; those stay as they were before."""
        with self._lock:
            before = self._known.applied or {}
            found, problems = inventories_in(manifests, self.environment, before)
            self._known.applied = found
            for app in before.keys() | found.keys() | (self._known.wanted or {}).keys():
                self._renew(app, before.get(app), found.get(app))
        self._wake()
        return problems

    def see_inventory(self, event: WatchEvent) -> tuple[str, ...]:
        """One inventory that was written or deleted. Returns why it cannot be read."""
        try:
            new = None if event.type == "DELETED" else from_configmap(event.object)
        except TowpathError as error:
            return (error.message,)
        if new is not None and new.owner.environment != self.environment:
            return ()
        with self._lock:
            app, applied = app_of(event.object), self._known.applied or {}
            old, self._known.applied = applied.pop(app, None), applied
            applied |= {app: new} if new else {}
            self._renew(app, old, new)
        self._wake()
        return ()

    def see_all(self, collection: Collection, manifests: Iterable[Manifest]) -> None:
        """All objects of a collection."""
        with self._lock:
            self._known.live[collection] = {ref_of(each): trim_metadata(each) for each in manifests}
            for app, refs in self._known.held_in(collection).items():
                self._judge_all(app, refs)
        self._wake()

    def see(self, collection: Collection, event: WatchEvent) -> None:
        """One object of a collection."""
        ref = ref_of(event.object)
        with self._lock:
            objects = self._known.live.setdefault(collection, {})
            if event.type == "DELETED":
                objects.pop(ref, None)
            else:
                objects[ref] = trim_metadata(event.object)
            news = [self._judge_all(app, [ref]) for app in self._known.holders(ref)]
        if any(news):
            self._wake()

    def see_namespace(self, state: NamespaceState) -> None:
        """The environment's namespace came or went, and all that is in it."""
        with self._lock:
            if state == self._known.namespace_state:
                return
            self._known.namespace_state = state
            for app in {*(self._known.applied or {}), *(self._known.wanted or {})}:
                self._judge_all(app, [*self._known.refs(app), *self._findings.get(app, {})])
                self._note_inventory(app)
                self._compare(app)
        self._wake()

    def want(self, wanted: Mapping[str, Wanted], decided_by: Mapping[str, str] = NOTHING) -> None:
        """What Git has now, for every app of the environment.

        A difference that stayed is news again when what it is `decided_by` has changed, too.
        """
        with self._lock:
            first = self._known.wanted is None
            before, self._known.wanted = self._known.wanted or {}, wanted
            self._decided_by = decided_by
            for app in before.keys() | wanted.keys() | (self._known.applied or {}).keys():
                old, new = before.get(app, Wanted()), wanted.get(app, Wanted())
                refs = self._known.refs(app) | old.objects.keys()
                for ref in refs if first else old.changed(new, refs):
                    self._judge(app, ref)
                told = self._git.get(app, "")
                tried = told and self._queue.was_tried(app, told)
                self._compare(app)
                if tried and not self._git.get(app):
                    # What a run has told is not true any more: it was mended, or taken back.
                    self._withdrawn[app] = digest(["withdrawn", told])
                    self._compare(app)
        self._wake()

    def collections(self) -> frozenset[Collection]:
        """Where the owned objects are; the inventories come beside them."""
        with self._lock:
            return self._known.collections()

    def by_name_only(self, collection: Collection) -> None:
        """This account may not see a kind in the whole cluster: it is watched by namespace, or by name."""
        with self._lock:
            self._known.by_name_only(collection)

    def forget(self, collection: Collection) -> None:
        """A collection is not watched any more."""
        with self._lock:
            self._known.live.pop(collection, None)

    def ready(self) -> bool:
        """Whether everything that must be known was read at least once."""
        with self._lock:
            return self._known.is_read() and self._known.collections() <= self._known.live.keys()

    def drifted(self) -> dict[str, int]:
        """Objects that are not as they were left, by app; every app that Git or an inventory has."""
        with self._lock:
            apps = self._known.apps()
            return {app: sum(not each.only_left_fields for each in self._drifted(app)) for app in apps}

    def unapplied(self) -> frozenset[str]:
        """Apps of which Git has something that was not carried out."""
        with self._lock:
            old = self._withdrawn
            return frozenset(app for app, mark in self._git.items() if mark and mark != old.get(app))

    def marks(self) -> dict[str, object]:
        """App -> what changes with its inventory and its differences, not with each write to its objects."""
        with self._lock:
            differs = {app: frozenset(f.mark for f in each.values()) for app, each in self._findings.items()}
            marks = {app: (self._known.mark_of(app), self._git.get(app)) for app in self._known.apps()}
            return {app: (*mark, differs.get(app) or None) for app, mark in marks.items()}

    def next_due(self) -> float | None:
        """When to call `due`, by `time.monotonic`."""
        with self._lock:
            return self._queue.next_due()

    def due(self, tries: Callable[[str], int]) -> tuple[ReconcileCase, ...]:
        """Why to reconcile which app now. `tries`: how many runs the same difference of an app may cause."""
        now = time.monotonic()
        with self._lock:
            return tuple(filter(None, [self._case(app, tries, now) for app in self._queue.take(now)]))

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
                self._queue.note(app, time.monotonic(), wait=wait)
        self._wake()

    def look_again(self) -> None:
        """Look at every app with a difference: what was held back may be held back no longer."""
        with self._lock:
            apps = {app for app in self._known.apps() if self._findings.get(app) or self._git.get(app)}
        self.again(apps, 0.01)

    def answered(self, cases: Iterable[ReconcileCase]) -> None:
        """A run dealt with these. What still differs is looked at once more when the dust has settled."""
        now = time.monotonic()
        with self._lock:
            for case in cases:
                self._queue.answered(case, [each.ref for each in self._drifted(case.app)], now)
                if case.git and case.git == self._withdrawn.get(case.app):
                    del self._withdrawn[case.app]
                    self._compare(case.app)
                if self._findings.get(case.app) or self._git.get(case.app):
                    self._queue.note(case.app, now, wait=SETTLE)

    def forgive(self) -> None:
        """The environment's policies have changed: what was left alone is looked at again."""
        with self._lock:
            self._queue.forgive()
        self.look_again()

    def _drifted(self, app: str, *, live: bool = True) -> list[WatchFinding]:
        return [each for each in self._findings.get(app, {}).values() if each.drifted is live]

    def _case(self, app: str, tries: Callable[[str], int], now: float) -> ReconcileCase | None:
        return self._queue.case(app, self._drifted(app), self._git.get(app, ""), now, tries(app))

    def _renew(self, app: str, old: Inventory | None, new: Inventory | None) -> None:
        """Judge what the new inventory says otherwise than the old one."""
        self._note_inventory(app)  # before what it owned is forgotten
        changed = self._known.record(app, new)
        if not (old and new) or old.deletions != new.deletions or old.desired_digest != new.desired_digest:
            changed |= waiting_refs([old, new]) | (self._known.refs(app) if not (old and new) else set())
        for each in changed:
            if not self._known.holders(each):
                self._applied_at.pop(each, None)
            self._judge(app, each)
        self._compare(app, wait=SETTLE if new else 0.0)

    def _note_inventory(self, app: str) -> None:
        lost, ref = self._known.judge_inventory(app)
        if lost:
            self._find(WatchFinding(app, ref, digest(["lost", app])))
        elif self._known.needs_no_inventory(app):
            self._settle(app, ref)

    def _compare(self, app: str, *, wait: float = 0.0) -> None:
        """Git against the inventory. A sync under way will write the inventory again within `wait`."""
        if not self._known.is_read():
            return
        unapplied, confirmed = self._drifted(app, live=False), self._known.wanted_of(app).confirmed
        mark = self._known.broken(app) or git_mark(unapplied, confirmed)
        if mark:
            mark = digest([mark, self._decided_by.get(app, self._decided_by.get("", ""))])
            self._withdrawn.pop(app, None)
        self._git[app] = mark or self._withdrawn.get(app, "")
        if self._git[app]:
            self._queue.note(app, time.monotonic(), wait=wait)
        else:
            self._queue.settled(app)

    def _judge_all(self, app: str, refs: Iterable[ObjectRef]) -> bool:
        """Judge these objects as they are now; whether any has news."""
        findings, drifted, git = self._findings.setdefault(app, {}), False, False
        for ref in refs:
            before = findings.get(ref)
            drifted |= self._judge(app, ref) and findings[ref].drifted
            both = (before, findings.get(ref))
            git |= len({each.mark if each and not each.drifted else "" for each in both}) > 1
        if git:
            self._compare(app)
        return drifted or git

    def _judge(self, app: str, ref: ObjectRef) -> bool:
        """Whether the object is not as in Git; its app is noted when it was changed live."""
        said, finding = self._known.judge(app, ref, self._applied_at.get(ref))
        if not said:  # Git is carried out; whether it was changed live is not known
            if (before := self._findings.get(app, {}).get(ref)) and not before.drifted:
                self._settle(app, ref)
            return False
        if finding is not None:
            self._find(finding)
            return True
        self._settle(app, ref)
        owned, live = self._known.owned_by(app).get(ref), self._known.live_of(ref)[1]
        if live and owned and owned.fingerprint:
            self._applied_at[ref] = own_apply_time(live)
        return False

    def _find(self, finding: WatchFinding) -> None:
        now, findings = time.monotonic(), self._findings.setdefault(finding.app, {})
        known = findings.get(finding.ref)
        findings[finding.ref] = replace(finding, since=known.since if known == finding else now)
        if finding.drifted:
            self._queue.note(finding.app, now, wait=SETTLE if finding.doubtful else 0.0)

    def _settle(self, app: str, ref: ObjectRef) -> None:
        self._findings.get(app, {}).pop(ref, None)
        self._queue.settled(ref)
