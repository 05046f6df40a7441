"""The logs of an app's pods: which containers are meant, and their lines."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from towpath.adapters.kubernetes import ApiRefusedError, LogQuery
from towpath.engine.operate.app_objects import AppObjects
from towpath.engine.operate.object_tree import object_tree
from towpath.errors import UnknownNameError
from towpath.health.verdict import items, mapping_at, number
from towpath.kube.containers import CONTAINER_STATUS_LISTS, containers
from towpath.objects import Manifest
from towpath.printable import printable
from towpath.redact.lines import LineRedactor

DEFAULT_CONTAINER = "kubectl.kubernetes.io/default-container"
"""Annotation of a pod: the container whose log is meant when none is named, as kubectl has it."""


class LogReader(Protocol):
    """What is asked of a cluster."""

    def pod_log(
        self, namespace: str, pod: str, container: str, query: LogQuery, *, timeout: float | None = None
    ) -> Iterator[str]: ...


@dataclass(frozen=True, slots=True)
class Choice:
    """Which containers of a pod: those of a name, all, or (neither) the one that is meant by default."""

    container: str | None = None
    all_containers: bool = False

    def of(self, pod: Manifest) -> list[str]:
        """Names of the chosen containers, in their order."""
        names = [str(each.get("name")) for each in containers(pod)]
        if self.all_containers:
            return names
        if self.container is not None:
            return [name for name in names if name == self.container]
        default = mapping_at(pod, "metadata", "annotations").get(DEFAULT_CONTAINER)
        main = [str(each.get("name")) for each in items(mapping_at(pod, "spec"), "containers")]
        return [default] if default in names else main[:1]


@dataclass(frozen=True, slots=True, order=True)
class LogSource:
    """One run of one container: after a restart its log is another one."""

    environment: str
    namespace: str
    pod: str
    container: str
    uid: str = ""
    restarts: int = 0


@dataclass(frozen=True, slots=True)
class LogLine:
    """One masked line; `time` is RFC 3339, empty where it was not asked for."""

    source: LogSource
    time: str
    text: str

    def to_json(self) -> dict[str, Any]:
        """For `--output json`."""
        source = self.source
        return {
            "environment": source.environment,
            "namespace": source.namespace,
            "pod": source.pod,
            "container": source.container,
            "time": self.time or None,
            "line": self.text,
        }


def pods_of(found: AppObjects) -> list[Manifest]:
    """The pods of an app's objects and of its hooks, by name."""
    tree = object_tree(found)
    refs = {node.ref for root in tree.nodes for node in root.walk() if node.ref.kind == "Pod"}
    return [found.live[ref] for ref in sorted(refs) if ref in found.live]


def sources_of(environment: str, pod: Manifest, choice: Choice, *, begun: bool = False) -> list[LogSource]:
    """The logs of a pod's chosen containers; with `begun` only of those that run or have ended."""
    metadata = pod["metadata"]
    states = {str(each.get("name")): each for each in _statuses(pod)}
    found = []
    for name in choice.of(pod):
        status = states.get(name, {})
        state = mapping_at(status, "state")
        if not begun or "running" in state or "terminated" in state:
            restarts = number(status, "restartCount")
            place = (metadata["namespace"], metadata["name"], name, str(metadata.get("uid", "")))
            found.append(LogSource(environment, *place, restarts))
    return found


def is_running(pod: Manifest | None, source: LogSource) -> bool:
    """Whether the very run of a container that `source` means goes on."""
    if pod is None or str(pod["metadata"].get("uid", "")) != source.uid:
        return False
    return any(
        each.get("name") == source.container
        and number(each, "restartCount") == source.restarts
        and "running" in mapping_at(each, "state")
        for each in _statuses(pod)
    )


def require_container(pods: Sequence[Manifest], choice: Choice) -> None:
    """UnknownNameError, with the nearest name, when no pod has the container that is named."""
    known = {str(each.get("name")) for pod in pods for each in containers(pod)}
    if choice.container is not None and known and choice.container not in known:
        raise UnknownNameError("container", choice.container, known, where="the pods of the app")


def read_logs(cluster: LogReader, sources: Iterable[LogSource], query: LogQuery) -> Iterator[LogLine]:
    """The lines of each log in turn. One that is not there yet is told as a line about it."""
    for source in sources:
        redactor = LineRedactor()
        try:
            lines = cluster.pod_log(source.namespace, source.pod, source.container, query)
            yield from (log_line(source, text, redactor, timed=query.timestamps) for text in lines)
        except ApiRefusedError as error:
            if error.status not in (400, 404):
                raise
            yield LogLine(replace(source, uid=""), "", f"(no log: {clean(error.reason, redactor)})")


def log_line(source: LogSource, text: str, redactor: LineRedactor, *, timed: bool) -> LogLine:
    """A line as the API server sends it; with `timed` it begins with its time. `redactor`: the source's."""
    time, _, rest = text.partition(" ") if timed else ("", "", text)
    return LogLine(source, time, clean(rest, redactor))


def clean(text: str, redactor: LineRedactor) -> str:
    """Masked, and without what steers a terminal."""
    return redactor.redact(printable(text)).replace("\n", " ").rstrip()


def _statuses(pod: Manifest) -> Iterator[Manifest]:
    status = mapping_at(pod, "status")
    for key in CONTAINER_STATUS_LISTS:
        yield from items(status, key)
