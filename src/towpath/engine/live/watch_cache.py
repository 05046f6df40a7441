"""A live picture of some collections of a cluster, kept by watches, that a caller can wait on."""

import threading
from collections.abc import Iterable
from dataclasses import replace
from types import TracebackType
from typing import Self

from towpath.adapters.kubernetes import (
    ApiRefusedError,
    Collection,
    Watchable,
    WatchEvent,
    WatchExpiredError,
    follow,
)
from towpath.engine.live.lists import SPREAD
from towpath.errors import TowpathError, TransientError, as_towpath_error
from towpath.objects import Manifest, ObjectRef, ref_of

__all__ = ["Collection", "LivePicture", "Watchable"]

WINDOW = 10.0
"""Seconds one watch request stays open: so long may a thread outlive the picture."""
EVERYWHERE: frozenset[str] = frozenset()


def gathered(collections: Iterable[Collection]) -> dict[Collection, frozenset[str]]:
    """What to watch: a kind that is wanted in many namespaces as a whole, with these namespaces."""
    kinds: dict[Collection, set[str]] = {}
    for each in collections:
        kinds.setdefault(replace(each, namespace=""), set()).add(each.namespace)
    found: dict[Collection, frozenset[str]] = {}
    for kind, places in kinds.items():
        if len(places) > SPREAD and "" not in places:
            found[kind] = frozenset(places)
        else:
            found |= {replace(kind, namespace=place): EVERYWHERE for place in places}
    return found


class LivePicture:
    """Watches each collection in a thread of its own until closed; the caller takes snapshots and waits.

    Objects are without `managedFields`, which say nothing of health.
    """

    def __init__(self, cluster: Watchable, collections: Iterable[Collection]) -> None:
        self._cluster = cluster
        self._places = {
            replace(each, managed_fields=False): places for each, places in gathered(collections).items()
        }
        self._objects: dict[Collection, dict[ObjectRef, Manifest]] = {}
        self._changed = threading.Condition()
        self._version = 0
        self._closed = threading.Event()
        self._fatal: TowpathError | None = None
        self.trouble: TransientError | None = None
        """Why a watch is interrupted at the moment."""

    def __enter__(self) -> Self:
        for collection in sorted(self._places):
            self._start(collection)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with self._changed:
            self._closed.set()
            self._objects.clear()  # its threads, which hold it, end some seconds later

    def snapshot(self) -> tuple[int, dict[ObjectRef, Manifest] | None]:
        """The version of the picture, and every object in it; None until each collection was read once.

        Raises what the API server refused for good.
        """
        with self._changed:
            if self._fatal:
                raise self._fatal
            if len(self._objects) < len(self._places):
                return self._version, None
            merged: dict[ObjectRef, Manifest] = {}
            for objects in self._objects.values():
                merged.update(objects)
            return self._version, merged

    def wait(self, version: int, seconds: float) -> None:
        """Return when the picture is newer than `version`, or after `seconds`."""
        with self._changed:
            self._changed.wait_for(lambda: self._version != version, timeout=max(0.0, seconds))

    def _start(self, collection: Collection) -> None:
        name = f"watch {collection.kind}"
        threading.Thread(target=self._keep, args=(collection,), name=name, daemon=True).start()

    def _keep(self, collection: Collection) -> None:
        try:
            follow(self._cluster, collection, self, self._closed, window=WINDOW)
        except Exception as error:  # noqa: BLE001 - raised again in the thread that looks
            if isinstance(error, ApiRefusedError) and error.status == 403 and self._places[collection]:
                self._part(collection)
                return
            with self._changed:
                self._fatal = as_towpath_error(error)
                self._touch()

    def _part(self, whole: Collection) -> None:
        """This account may not see the kind in the whole cluster: it is watched by namespace."""
        with self._changed:
            parts = [replace(whole, namespace=place) for place in sorted(self._places.pop(whole))]
            self._places |= dict.fromkeys(parts, EVERYWHERE)
            self._objects.pop(whole, None)
        for part in parts:
            self._start(part)

    def _concerns(self, collection: Collection, live: Manifest) -> bool:
        places = self._places[collection]
        return not places or live["metadata"].get("namespace", "") in places

    def listed(self, collection: Collection, objects: list[Manifest]) -> None:
        with self._changed:
            if self._closed.is_set():
                return
            self._objects[collection] = {
                ref_of(item): item for item in objects if self._concerns(collection, item)
            }
            self.trouble = None
            self._touch()

    def changed(self, collection: Collection, event: WatchEvent) -> None:
        ref = ref_of(event.object)
        with self._changed:
            if self._closed.is_set() or not self._concerns(collection, event.object):
                return
            if event.type == "DELETED":
                self._objects[collection].pop(ref, None)
            else:
                self._objects[collection][ref] = event.object
            self.trouble = None
            self._touch()

    def resumed(self, collection: Collection) -> None:  # noqa: ARG002
        self.trouble = None

    def interrupted(self, collection: Collection, error: TransientError) -> None:  # noqa: ARG002
        if not isinstance(error, WatchExpiredError):
            self.trouble = error

    def _touch(self) -> None:
        self._version += 1
        self._changed.notify_all()
