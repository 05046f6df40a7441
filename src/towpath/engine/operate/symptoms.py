"""What the cluster tells about the unhealthy objects of a tree: their events, and the ends of their logs.

Logs may hold anybody's data. They are shown to the person whose account may read them, masked, and stored
nowhere.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Protocol

from towpath.adapters.kubernetes import LogQuery
from towpath.engine.live.concurrent import concurrently
from towpath.engine.operate.object_tree import Event, LogTail, Node, ObjectTree
from towpath.engine.verify.failure_details import failing_containers
from towpath.errors import TowpathError
from towpath.health import Status
from towpath.health.verdict import mapping_at, number
from towpath.objects import Manifest, ObjectRef
from towpath.printable import printable
from towpath.redact.lines import KEY_LINES, LineRedactor

EVENTS = 3
"""Events of one object that are shown: the newest warnings."""
LINES = 10
"""Lines of one log that are shown."""
PODS = 3
"""Pods of an app whose logs are read: what fails, fails alike in all of them."""
OBJECTS = 20
"""Objects of an app whose events are read."""
TIMEOUT = 10.0
LONGEST = 500
_WORST_FIRST = (Status.DEGRADED, Status.PROGRESSING, Status.MISSING)


class Telling(Protocol):
    """What is asked of a cluster."""

    def events(self, ref: ObjectRef, *, uid: str | None = None) -> list[Manifest]: ...

    def pod_log(
        self, namespace: str, pod: str, container: str, query: LogQuery, *, timeout: float | None = None
    ) -> Iterator[str]: ...


def with_symptoms(cluster: Telling, tree: ObjectTree, live: Mapping[ObjectRef, Manifest]) -> ObjectTree:
    """The tree with events and logs of what is unhealthy. What cannot be read is left out, never raised."""
    unwell = [node for root in tree.nodes for node in root.walk() if node.unwell]
    unwell.sort(key=lambda node: (_WORST_FIRST.index(node.health.status), node.ref))
    chosen = unwell[:OBJECTS]
    pods = [node.ref for node in unwell if (node.ref.group, node.ref.kind) == ("", "Pod")][:PODS]
    told = dict(
        zip(
            (node.ref for node in chosen),
            concurrently(lambda n: _events(cluster, n, live), chosen),
            strict=True,
        )
    )
    logs = dict(zip(pods, concurrently(lambda ref: _logs(cluster, live[ref]), pods), strict=True))

    def explained(node: Node) -> Node:
        return replace(
            node,
            events=told.get(node.ref, ()),
            logs=logs.get(node.ref, ()),
            children=tuple(map(explained, node.children)),
        )

    return replace(tree, nodes=tuple(map(explained, tree.nodes)))


def _events(cluster: Telling, node: Node, live: Mapping[ObjectRef, Manifest]) -> tuple[Event, ...]:
    there = live.get(node.ref)
    try:
        found = cluster.events(node.ref, uid=there["metadata"].get("uid") if there else None)
    except TowpathError:
        return ()
    warnings = [_event(each) for each in found if each.get("type") == "Warning"]
    newest = {(event.reason, event.message): event for event in warnings}
    return tuple(newest.values())[-EVENTS:]


def _event(event: Manifest) -> Event:
    series = mapping_at(event, "series")
    at = series.get("lastObservedTime") or event.get("lastTimestamp") or event.get("eventTime") or ""
    return Event(
        type=str(event.get("type")),
        reason=clean_line(str(event.get("reason"))),
        message=clean_line(str(event.get("message"))),
        count=number(series, "count", number(event, "count", 1)),
        at=str(at),
    )


def _logs(cluster: Telling, pod: Manifest) -> tuple[LogTail, ...]:
    namespace, name = pod["metadata"]["namespace"], pod["metadata"]["name"]
    found = []
    for container, previous in failing_containers(pod):
        # A key or a Secret that begins before the lines that are shown is masked in them, too.
        query, redactor = LogQuery(tail=LINES + KEY_LINES, previous=previous), LineRedactor()
        try:
            read = cluster.pod_log(namespace, name, container, query, timeout=TIMEOUT)
            lines = tuple(clean_line(text, redactor) for text in read)
        except TowpathError:
            continue
        if lines:
            found.append(LogTail(container, previous, lines[-LINES:]))
    return tuple(found)


def clean_line(text: str, redactor: LineRedactor | None = None) -> str:
    """One line that others wrote: masked, without control characters, not too long."""
    line = (redactor or LineRedactor()).redact(printable(text)).replace("\n", " ").rstrip()
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"
