"""What the cluster can tell about an unhealthy object: its worst pod, warnings, where its log is."""

from collections.abc import Iterator
from typing import Protocol

from towpath.engine.live.pods import WORKLOADS, Snapshot, current_pods, current_replica_set
from towpath.errors import TowpathError
from towpath.health import Status, assess
from towpath.health.verdict import items, mapping_at, number
from towpath.kube.containers import CONTAINER_STATUS_LISTS
from towpath.objects import Manifest, ObjectRef, ref_of
from towpath.printable import printable
from towpath.redact import redact

_WARNINGS = 3
_MAX_LINE = 300
_WORST_FIRST = (Status.DEGRADED, Status.UNKNOWN, Status.PROGRESSING)


class Telling(Protocol):
    """What is asked of a cluster."""

    def events(self, ref: ObjectRef, *, uid: str | None = None) -> list[Manifest]: ...


def explain(cluster: Telling, live: Manifest, snapshot: Snapshot) -> list[str]:
    """Lines about an unhealthy object, redacted. What cannot be read is left out, never raised."""
    ref = ref_of(live)
    if (ref.group, ref.kind) not in WORKLOADS:
        return list(_warnings(cluster, live))
    pods = [(assess(pod), pod) for pod in current_pods(live, snapshot)]
    bad = [(health, pod) for health, pod in pods if health.status in _WORST_FIRST]
    bad.sort(key=lambda each: (_WORST_FIRST.index(each[0].status), each[1]["metadata"]["name"]))
    lines = [] if ref.kind == "Pod" else list(_warnings(cluster, live))
    if not pods and (
        replica_set := current_replica_set(live, snapshot) if ref.kind == "Deployment" else None
    ):
        lines.extend(_warnings(cluster, replica_set))
    for health, pod in bad[:1]:
        lines.append(_short(f"Pod {pod['metadata']['name']}: {health.message}"))
        lines.extend(_warnings(cluster, pod))
        lines.extend(_log(pod))
    return lines


def _warnings(cluster: Telling, live: Manifest) -> Iterator[str]:
    try:
        events = cluster.events(ref_of(live), uid=live["metadata"].get("uid"))
    except TowpathError:
        return
    seen = dict.fromkeys(
        f"{event.get('reason')}: {event.get('message')}" for event in events if event.get("type") == "Warning"
    )
    for text in list(seen)[-_WARNINGS:]:
        yield _short(f"event {text}")


def failing_containers(pod: Manifest) -> Iterator[tuple[str, bool]]:
    """Containers of a pod that fail and have a log; True: it is in that of the container before."""
    status = mapping_at(pod, "status")
    for container in (each for key in CONTAINER_STATUS_LISTS for each in items(status, key)):
        if (
            container.get("ready") is True
            or mapping_at(container, "state", "terminated").get("exitCode") == 0
        ):
            continue
        # A container that waits to be restarted has nothing to say; the one before it has.
        previous = bool(mapping_at(container, "state", "waiting")) and number(container, "restartCount") > 0
        if mapping_at(container, "state", "waiting") and not previous:
            continue
        yield str(container.get("name")), previous


def _log(pod: Manifest) -> Iterator[str]:
    """Where a failing container's log is. What is in it stays there: it may hold anybody's data."""
    metadata = pod["metadata"]
    for container, previous in failing_containers(pod):
        yield (
            f"its log: kubectl -n {metadata['namespace']} logs {metadata['name']} -c {container}"
            + (" --previous" if previous else "")
        )


def _short(text: str) -> str:
    line = " ".join(redact(printable(text)).split())
    return line if len(line) <= _MAX_LINE else f"{line[: _MAX_LINE - 1]}…"
