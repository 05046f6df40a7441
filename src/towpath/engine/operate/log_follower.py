"""Follows the logs of an app: of its pods now, of those that come later, and of containers that restart."""

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from towpath.adapters.kubernetes import Cluster, Collection, LogQuery, WatchEvent, follow
from towpath.engine.operate.pod_logs import (
    Choice,
    LogLine,
    LogSource,
    is_running,
    log_line,
    sources_of,
)
from towpath.errors import TowpathError, TransientError, as_towpath_error
from towpath.objects import Manifest, ObjectRef
from towpath.redact.lines import LineRedactor

WINDOW = 300.0
"""About how many seconds a watch of pods stays open."""
SILENCE = 240.0
"""Seconds without a line after which a log is asked for anew: its connection may be dead."""
PAUSE = 1.0
"""Seconds before a log is asked for again that broke off."""


@dataclass(frozen=True, slots=True)
class Followed:
    """An app in one environment. `pods` reads the app's pods of this moment."""

    environment: str
    cluster: Cluster
    namespaces: tuple[str, ...]
    pods: Callable[[], Sequence[Manifest]]


@dataclass(slots=True)
class LogFollower:
    """Lines of all logs as they come, until whoever reads them stops."""

    query: LogQuery
    choice: Choice
    _lines: "queue.SimpleQueue[LogLine | TowpathError]" = field(default_factory=queue.SimpleQueue)
    _closed: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _begun: set[LogSource] = field(default_factory=set)

    def lines(self, places: Sequence[Followed]) -> Iterator[LogLine]:
        """Never ends by itself. Raises what an API server refuses for good."""
        try:
            for place in places:
                for namespace in place.namespaces:
                    collection = Collection("", "Pod", namespace, managed_fields=False)
                    self._start(self._watch, place, collection)
            while True:
                line = self._lines.get()
                if isinstance(line, TowpathError):
                    raise line
                yield line
        finally:
            self._closed.set()

    def begin(self, place: Followed, pod: Manifest) -> None:
        """Follow the chosen containers of a pod that have begun and are not followed yet."""
        for source in sources_of(place.environment, pod, self.choice, begun=True):
            with self._lock:
                new = source not in self._begun
                first = not any(replace(each, restarts=source.restarts) == source for each in self._begun)
                self._begun.add(source)
            if new:
                # What a container says after a restart is new from its first line on.
                query = self.query if first else replace(self.query, tail=None, since=None)
                self._start(self._follow, place, source, query)

    def _start(self, work: Callable[..., None], *arguments: object) -> None:
        threading.Thread(target=self._run, args=(work, *arguments), daemon=True).start()

    def _run(self, work: Callable[..., None], *arguments: object) -> None:
        try:
            work(*arguments)
        except Exception as error:  # noqa: BLE001 - raised again in the thread that reads
            self._lines.put(as_towpath_error(error))

    def _watch(self, place: Followed, collection: Collection) -> None:
        follow(place.cluster, collection, _Pods(self, place), self._closed, window=WINDOW)

    def _follow(self, place: Followed, source: LogSource, query: LogQuery) -> None:
        asked, last = replace(query, follow=True, timestamps=True), ""
        ref, redactor = ObjectRef("", "Pod", source.namespace, source.pod), LineRedactor()
        while not self._closed.is_set():
            known = last
            try:
                for text in place.cluster.pod_log(*source_names(source), asked, timeout=SILENCE):
                    at = moment(text)
                    if not known or at > known:
                        last = at
                        self._lines.put(log_line(source, text, redactor, timed=True))
                if not is_running(place.cluster.get(ref), source):
                    return
            except TransientError:
                pass  # it is asked for again
            self._closed.wait(PAUSE)
            if last:
                asked = replace(asked, tail=None, since=None, since_time=f"{last}Z")


class _Pods:
    """Told what happens to the pods of a namespace, of which only some are the app's."""

    def __init__(self, follower: LogFollower, place: Followed) -> None:
        self._follower, self._place = follower, place
        self._ours: dict[str, bool] = {}

    def listed(self, collection: Collection, objects: list[Manifest]) -> None:  # noqa: ARG002
        for pod in objects:
            self._seen(pod)

    def changed(self, collection: Collection, event: WatchEvent) -> None:  # noqa: ARG002
        if event.type != "DELETED":
            self._seen(event.object)

    def resumed(self, collection: Collection) -> None:
        """What came meanwhile is in the events."""

    def interrupted(self, collection: Collection, error: TransientError) -> None:
        """It is resumed by itself."""

    def _seen(self, pod: Manifest) -> None:
        uid = str(pod["metadata"].get("uid", ""))
        if uid not in self._ours:
            ours = {str(each["metadata"].get("uid", "")) for each in self._place.pods()}
            self._ours[uid] = uid in ours
        if self._ours[uid]:
            self._follower.begin(self._place, pod)


def source_names(source: LogSource) -> tuple[str, str, str]:
    """Namespace, pod and container, as a log is asked for."""
    return source.namespace, source.pod, source.container


def moment(text: str) -> str:
    """The time of a line in a form that sorts: of two in one second, the one with a fraction is later."""
    return text.partition(" ")[0].removesuffix("Z")
