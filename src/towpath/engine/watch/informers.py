"""The threads that follow collections for a watcher: one for the inventories, one per kind that they name."""

import threading
from collections.abc import Callable

from towpath.adapters.kubernetes import (
    ApiRefusedError,
    Cluster,
    Collection,
    WatchEvent,
    WatchExpiredError,
    follow,
)
from towpath.adapters.metrics import Metrics
from towpath.engine.watch.state import WatchState
from towpath.engine.watch.surroundings import Surroundings
from towpath.errors import TowpathError, TransientError, as_towpath_error
from towpath.objects import Manifest

WINDOW = 60.0
"""Seconds one watch request stays open: so late is a connection noticed that has died without a word."""
REFUSED_PAUSE = 10.0
"""Seconds until what was refused (a right that is missing, a kind that is not served) is asked for again."""

UNREAD_PAUSE = 60.0
"""As REFUSED_PAUSE, for what a watcher can do without."""


class Followers:
    """`connect` gives the connection to use from now on: credentials may have been renewed."""

    def __init__(
        self,
        connect: Callable[[], Cluster],
        state: WatchState,
        around: Surroundings,
        metrics: Metrics,
        say: Callable[[str], None],
    ) -> None:
        self._connect, self._state, self._around = connect, state, around
        self._metrics, self._say = metrics, say
        self._lock = threading.Lock()
        self._running: dict[Collection, threading.Event] = {}
        self._troubles: dict[Collection, str] = {}

    def start(self) -> None:
        """Follow the inventories, and from then on what they name and what is around."""
        self._start(self._state.inventories)

    def stop(self) -> None:
        """Let all of them end; none is waited for."""
        with self._lock:
            for closed in self._running.values():
                closed.set()

    def troubles(self) -> list[str]:
        """What cannot be followed at the moment, and why."""
        with self._lock:
            return sorted(self._troubles.values())

    def _start(self, collection: Collection) -> None:
        closed = self._running[collection] = threading.Event()
        name = f"watch {collection.kind} {collection.name}".rstrip()
        threading.Thread(target=self._keep, args=(collection, closed), name=name, daemon=True).start()

    def adjust(self) -> None:
        """Follow what the inventories name now and what is around, and nothing else."""
        with self._lock:  # else another thread's older answer could take back what this one starts
            wanted = {*self._state.collections(), *self._around.collections(), self._state.inventories}
            for collection in self._running.keys() - wanted:
                self._running.pop(collection).set()
                self._troubles.pop(collection, None)
                self._state.forget(collection)
            for collection in wanted - self._running.keys():
                self._start(collection)

    def _keep(self, collection: Collection, closed: threading.Event) -> None:
        while not closed.is_set():
            try:
                follow(self._connect(), collection, self, closed, window=WINDOW)
            except Exception as error:  # noqa: BLE001 - the thread goes on, and readiness tells
                self._refused(collection, as_towpath_error(error), closed)
                closed.wait(REFUSED_PAUSE)

    def _refused(self, collection: Collection, error: TowpathError, closed: threading.Event) -> None:
        status = error.status if isinstance(error, ApiRefusedError) else 0
        may_stay_unread = status in (403, 404) and collection not in self._state.collections()
        if may_stay_unread and self._around.refused(collection, served=status != 404):
            self._forgive(collection)
            self.adjust()
            closed.wait(UNREAD_PAUSE)
            return
        self._metrics.restarted(collection.kind, "refused")
        if status == 404:
            self._state.see_all(collection, ())  # the kind is not served: there are none
        if status == 403 and not (collection.namespace or collection.name):
            self._state.by_name_only(collection)
            self.adjust()
            return
        self._trouble(collection, error)

    def _trouble(self, collection: Collection, error: TowpathError) -> None:
        with self._lock:
            if collection not in self._running:
                return  # nobody follows it any more
            known = self._troubles.get(collection)
            self._troubles[collection] = error.message
        if known is None:
            self._say(f"{error.message}; {collection.kind} is watched again when that is over")

    def _forgive(self, collection: Collection) -> None:
        """It is not read, and need not be: what kept it from being read before is no trouble any more."""
        with self._lock:
            self._troubles.pop(collection, None)

    # As a Sink

    def listed(self, collection: Collection, objects: list[Manifest]) -> None:
        self._well(collection)
        if collection == self._state.inventories:
            self._tell(self._state.see_inventories(objects))
            self.adjust()
        else:
            self._state.see_all(collection, objects)
            self._around.see_all(collection, objects)

    def changed(self, collection: Collection, event: WatchEvent) -> None:
        self._well(collection)
        if collection == self._state.inventories:
            self._tell(self._state.see_inventory(event))
            self.adjust()
        else:
            self._state.see(collection, event)
            self._around.see(collection, event)

    def resumed(self, collection: Collection) -> None:
        self._well(collection)

    def interrupted(self, collection: Collection, error: TransientError) -> None:
        if isinstance(error, WatchExpiredError):
            self._metrics.restarted(collection.kind, "expired")
            return
        self._metrics.restarted(collection.kind, "interrupted")
        self._trouble(collection, error)

    def _well(self, collection: Collection) -> None:
        with self._lock:
            was = self._troubles.pop(collection, None)
        if was is not None:
            self._say(f"{collection.kind} is watched again")

    def _tell(self, problems: tuple[str, ...]) -> None:
        for problem in problems:
            self._say(problem)
