"""A live picture of some collections of a cluster, kept by watches, that a caller can wait on."""

import random
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

from towpath.adapters.kubernetes import WatchEvent, WatchExpiredError
from towpath.errors import TowpathError, TransientError
from towpath.objects import Manifest, ObjectRef, ref_of

WINDOW = 10.0
"""Seconds one watch request stays open: so long may a thread outlive the picture."""
_LONGEST_PAUSE = 5.0


class Watchable(Protocol):
    """What is asked of a cluster."""

    def list_with_version(
        self, group: str, kind: str, namespace: str | None = None, *, fields: str = ""
    ) -> tuple[list[Manifest], str]: ...

    def watch(  # noqa: PLR0913
        self,
        group: str,
        kind: str,
        namespace: str | None = None,
        *,
        since: str,
        seconds: float,
        fields: str = "",
    ) -> Iterator[WatchEvent]: ...


@dataclass(frozen=True, slots=True, order=True)
class Collection:
    """What one watch covers: a kind in a namespace, or (cluster-scoped) the object of one name."""

    group: str
    kind: str
    namespace: str = ""
    name: str = ""

    @property
    def fields(self) -> str:
        return f"metadata.name={self.name}" if self.name else ""


class LivePicture:
    """Watches each collection in a thread of its own until closed; the caller takes snapshots and waits."""

    def __init__(self, cluster: Watchable, collections: Iterable[Collection]) -> None:
        self._cluster = cluster
        self._collections = tuple(sorted(set(collections)))
        self._objects: dict[Collection, dict[ObjectRef, Manifest]] = {}
        self._changed = threading.Condition()
        self._version = 0
        self._closed = threading.Event()
        self._fatal: TowpathError | None = None
        self.trouble: TransientError | None = None
        """Why a watch is interrupted at the moment."""

    def __enter__(self) -> Self:
        for collection in self._collections:
            threading.Thread(
                target=self._keep, args=(collection,), name=f"watch {collection.kind}", daemon=True
            ).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._closed.set()

    def snapshot(self) -> tuple[int, dict[ObjectRef, Manifest] | None]:
        """The version of the picture, and every object in it; None until each collection was read once.

        Raises what the API server refused for good.
        """
        with self._changed:
            if self._fatal:
                raise self._fatal
            if len(self._objects) < len(self._collections):
                return self._version, None
            merged: dict[ObjectRef, Manifest] = {}
            for objects in self._objects.values():
                merged.update(objects)
            return self._version, merged

    def wait(self, version: int, seconds: float) -> None:
        """Return when the picture is newer than `version`, or after `seconds`."""
        with self._changed:
            self._changed.wait_for(lambda: self._version != version, timeout=max(0.0, seconds))

    def _keep(self, collection: Collection) -> None:
        failures = 0
        while not self._closed.is_set():
            try:
                since = self._read(collection)
                failures = 0
                while not self._closed.is_set():
                    since = self._follow(collection, since)
            except WatchExpiredError:
                continue
            except TransientError as error:
                failures += 1
                self.trouble = error
                pause = error.retry_after or min(_LONGEST_PAUSE, 0.2 * 2**failures)
                self._closed.wait(pause * random.uniform(1.0, 1.25))  # noqa: S311 (jitter)
            except TowpathError as error:
                with self._changed:
                    self._fatal = error
                    self._touch()
                return

    def _read(self, collection: Collection) -> str:
        items, since = self._cluster.list_with_version(
            collection.group, collection.kind, collection.namespace or None, fields=collection.fields
        )
        with self._changed:
            self._objects[collection] = {ref_of(item): item for item in items}
            self.trouble = None
            self._touch()
        return since

    def _follow(self, collection: Collection, since: str) -> str:
        """Carry over one request's events; returns the resourceVersion to go on from."""
        started = time.monotonic()
        events = self._cluster.watch(
            collection.group,
            collection.kind,
            collection.namespace or None,
            since=since,
            seconds=WINDOW,
            fields=collection.fields,
        )
        for event in events:
            since = event.object.get("metadata", {}).get("resourceVersion") or since
            if event.type != "BOOKMARK":
                ref = ref_of(event.object)
                with self._changed:
                    if event.type == "DELETED":
                        self._objects[collection].pop(ref, None)
                    else:
                        self._objects[collection][ref] = event.object
                    self._touch()
            if self._closed.is_set():
                break
        if time.monotonic() - started < 0.2:
            # A server that ends watches at once must not make us spin.
            self._closed.wait(0.5)
        return since

    def _touch(self) -> None:
        self._version += 1
        self._changed.notify_all()
