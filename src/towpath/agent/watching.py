"""The watcher within an agent: its threads, its metrics and its probes."""

import threading
import time
from collections.abc import Callable
from functools import partial

from towpath.adapters.metrics import Metrics
from towpath.engine.source.published import publish_state
from towpath.engine.watch.publisher import POLL, Publisher, seen_by
from towpath.engine.watch.watcher import Watcher
from towpath.orchestration.in_process import InProcessRuns
from towpath.progress import say
from towpath.settings import Settings

GRACE = 10.0
"""Seconds that a reconcile under way has to come to its end when the agent is told to stop."""
CHORES = 5.0
LOOK = 30.0
"""Seconds between two looks at the server's table of health."""


class Watching:
    """Keeps the watcher of one environment in threads of its own."""

    def __init__(  # noqa: PLR0913
        self,
        settings: Settings,
        url: str,
        environment: str,
        metrics: Metrics,
        *,
        agent: str,
        interval: float,
        publish: bool,
        ended: Callable[[], object],
    ) -> None:
        self._runs = InProcessRuns(url, environment, settings.cache, say, agent)
        self.watcher = Watcher(settings, environment, self._runs, metrics, say, interval=interval)
        self._publisher = (
            Publisher(environment, partial(seen_by, self.watcher), partial(publish_state, settings), say)
            if publish and settings.signing_key
            else None
        )
        self._ended = ended
        self.failure: BaseException | None = None
        self._thread = threading.Thread(target=self._keep, name="watcher", daemon=True)
        self._threads = [self._thread, threading.Thread(target=self._do_chores, name="chores", daemon=True)]
        if self._publisher:
            state = partial(self._publish, self._publisher)
            self._threads.append(threading.Thread(target=state, name="state", daemon=True))

    @property
    def current(self) -> str:
        """The id of the flow run that the watcher has under way; empty when it has none."""
        return self._runs.current

    def start(self) -> None:
        """Begin to watch."""
        for thread in self._threads:
            thread.start()

    @property
    def is_over(self) -> bool:
        """Whether nothing of it writes any more."""
        return not any(thread.is_alive() for thread in self._threads)

    def stop(self) -> None:
        """Begin nothing new, and wait a while for the reconcile that is under way."""
        self.watcher.stop()
        self._thread.join(GRACE)
        if self._thread.is_alive():
            self._runs.abandon("the agent was stopped before this run had ended; the next one goes on")

    def _keep(self) -> None:
        try:
            with self._runs.warm():
                self.watcher.keep()
        except BaseException as error:  # noqa: BLE001 - raised again by the main thread
            self.failure = error
        self._ended()

    def _publish(self, publisher: Publisher) -> None:
        while not self.watcher.wait(POLL):
            publisher.turn()

    def _do_chores(self) -> None:
        """What may take its time, again and again."""
        looked = -LOOK
        while not self.watcher.wait(CHORES):
            self._runs.tend()
            if time.monotonic() - looked < LOOK:
                continue
            looked = time.monotonic()
            if (health := self._runs.health()) is not None:
                self.watcher.set_health(health)
                if self._publisher:
                    self._publisher.set_health(health)
            if (at := self._runs.last_success()) is not None:
                self.watcher.succeeded(at)
