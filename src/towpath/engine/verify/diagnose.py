"""What the cluster can tell about an object that is not healthy: its worst pod, warnings, last log lines."""

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

LOG_LINES = 10
_WARNINGS = 3
_MAX_LINE = 300
_WORST_FIRST = (Status.DEGRADED, Status.UNKNOWN, Status.PROGRESSING)


class Telling(Protocol):
    """What is asked of a cluster."""

    def pod_logs(
        self,
        namespace: str,
        pod: str,
        container: str | None = None,
        *,
        lines: int = 20,
        previous: bool = False,
    ) -> str: ...

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
        lines.extend(_log(cluster, pod))
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


def _log(cluster: Telling, pod: Manifest) -> Iterator[str]:
    status = mapping_at(pod, "status")
    for container in (each for key in CONTAINER_STATUS_LISTS for each in items(status, key)):
        if (
            container.get("ready") is True
            or mapping_at(container, "state", "terminated").get("exitCode") == 0
        ):
            continue
        name = str(container.get("name"))
        # A container that waits to be restarted has nothing to say; the one before it has.
        previous = bool(mapping_at(container, "state", "waiting")) and number(container, "restartCount") > 0
        if mapping_at(container, "state", "waiting") and not previous:
            continue
        try:
            text = cluster.pod_logs(
                pod["metadata"]["namespace"],
                pod["metadata"]["name"],
                name,
                lines=LOG_LINES,
                previous=previous,
            )
        except TowpathError:
            continue
        lines = [line for line in redact(printable(text)).splitlines() if line.strip()]
        yield f"last log lines of container {name}:" if lines else f"container {name} logged nothing"
        yield from (f"  {line[:_MAX_LINE]}" for line in lines[-LOG_LINES:])


def _short(text: str) -> str:
    line = " ".join(redact(printable(text)).split())
    return line if len(line) <= _MAX_LINE else f"{line[: _MAX_LINE - 1]}…"
