"""Watching: events of one collection as they come, for one request or, by `follow`, for ever."""

import json
import random
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import urllib3

from towpath.adapters.kubernetes.errors import translate, unreachable
from towpath.errors import TransientError
from towpath.objects import Manifest

FIRST_PAUSE = 0.2
LONGEST_PAUSE = 5.0
"""Seconds between two attempts while the API server is away."""
_AT_ONCE = 0.2
_BREATH = 0.5


@dataclass(frozen=True, slots=True)
class WatchEvent:
    """`type` is ADDED, MODIFIED, DELETED or BOOKMARK (only the resourceVersion of `object` counts then)."""

    type: str
    object: Manifest


class WatchExpiredError(TransientError):
    """410: the resourceVersion is too old; list again and watch from there."""


@dataclass(frozen=True, slots=True, order=True)
class Collection:
    """What one watch covers: a kind in a namespace, or (cluster-scoped) the object of one name.

    `labels` is a selector; with `metadata_only` objects have no more than their metadata, and without
    `managed_fields` all but these.
    """

    group: str
    kind: str
    namespace: str = ""
    name: str = ""
    labels: str = ""
    metadata_only: bool = False
    managed_fields: bool = True

    @property
    def fields(self) -> str:
        return f"metadata.name={self.name}" if self.name else ""

    @property
    def selectors(self) -> dict[str, Any]:
        """What `list_with_version` and `watch` take beside the kind and the namespace."""
        chosen = {"fields": self.fields, "labels": self.labels, "metadata_only": self.metadata_only}
        given = {key: value for key, value in chosen.items() if value}
        return given if self.managed_fields else {**given, "managed_fields": False}


class Watchable(Protocol):
    """What is asked of a cluster."""

    def list_with_version(  # noqa: PLR0913
        self,
        group: str,
        kind: str,
        namespace: str | None = None,
        *,
        labels: str = "",
        fields: str = "",
        metadata_only: bool = False,
        managed_fields: bool = True,
    ) -> tuple[list[Manifest], str]: ...

    def watch(  # noqa: PLR0913
        self,
        group: str,
        kind: str,
        namespace: str | None = None,
        *,
        since: str,
        seconds: float,
        labels: str = "",
        fields: str = "",
        metadata_only: bool = False,
        managed_fields: bool = True,
    ) -> Iterator[WatchEvent]: ...


class Sink(Protocol):
    """Who is told what happens in a collection, always from the thread that follows it."""

    def listed(self, collection: Collection, objects: list[Manifest]) -> None:
        """These are all objects that there are now."""

    def changed(self, collection: Collection, event: WatchEvent) -> None:
        """One object came, changed or went; never a BOOKMARK."""

    def resumed(self, collection: Collection) -> None:
        """After an interruption the API server has answered again."""

    def interrupted(self, collection: Collection, error: TransientError) -> None:
        """The watch broke off or its start is gone (WatchExpiredError); it is being resumed."""


def follow(
    cluster: Watchable, collection: Collection, sink: Sink, closed: threading.Event, *, window: float
) -> None:
    """List once, then watch from there until `closed`; resumes at the last event or bookmark after a break.

    Lists again only when the API server no longer knows where we were (410). `window` is about how many
    seconds one request stays open, and so may outlive `closed`. Raises what the API server refuses for good.
    """
    since, failures = "", 0
    while not closed.is_set():
        try:
            if not since:
                objects, since = cluster.list_with_version(
                    collection.group, collection.kind, collection.namespace or None, **collection.selectors
                )
                sink.listed(collection, objects)
            found = _request(cluster, collection, since, window)
            if failures:
                sink.resumed(collection)
            for event in _unhurried(found, closed):
                failures = 0
                since = event.object.get("metadata", {}).get("resourceVersion") or since
                if event.type != "BOOKMARK":
                    sink.changed(collection, event)
                if closed.is_set():
                    return
            failures = 0
        except TransientError as error:
            sink.interrupted(collection, error)
            expired = isinstance(error, WatchExpiredError)
            since = "" if expired else since
            # Who is told for the first time that his place is gone lists again at once.
            if failures or not expired:
                pause = error.retry_after or min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(failures, 10))
                closed.wait(pause * random.uniform(1.0, 1.25))  # noqa: S311 (jitter)
            failures += 1


def _request(cluster: Watchable, collection: Collection, since: str, window: float) -> Iterator[WatchEvent]:
    return cluster.watch(
        collection.group,
        collection.kind,
        collection.namespace or None,
        since=since,
        # Not all of many watches end at the same moment.
        seconds=window * random.uniform(0.8, 1.0),  # noqa: S311 (jitter)
        **collection.selectors,
    )


def _unhurried(found: Iterator[WatchEvent], closed: threading.Event) -> Iterator[WatchEvent]:
    """The events; a server that ends watches at once must not make us spin."""
    started, empty = time.monotonic(), True
    for event in found:
        empty = False
        yield event
    if empty and time.monotonic() - started < _AT_ONCE:
        closed.wait(_BREATH)


def events(response: urllib3.BaseHTTPResponse, *, what: str, server: str) -> Iterator[WatchEvent]:
    """Events of an open watch response; ends when the server ends it. Gives up the connection."""
    buffer = b""
    try:
        for chunk in response.stream(65536, decode_content=True):
            buffer += chunk
            *lines, buffer = buffer.split(b"\n")
            for line in lines:
                if line:
                    yield _event(line, what=what, server=server)
    except urllib3.exceptions.ReadTimeoutError:
        return  # nothing happened in time: the caller's deadline decides
    except urllib3.exceptions.HTTPError as error:
        raise unreachable(server, error) from error
    finally:
        response.close()
        response.release_conn()


def _event(line: bytes, *, what: str, server: str) -> WatchEvent:
    try:
        raw = json.loads(line)
        kind, found = raw["type"], raw["object"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise TransientError(f"{what}: {server} sent what is no event") from error
    if kind != "ERROR":
        return WatchEvent(kind, found)
    if found.get("code") == 410:
        raise WatchExpiredError(f"{what}: {found.get('message', 'resource version too old')}")
    raise translate(int(found.get("code", 500)), {}, json.dumps(found).encode(), what=what, server=server)
