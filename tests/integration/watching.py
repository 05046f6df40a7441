"""A watcher in this process that only looks, of an environment of a real repository."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from towpath.adapters.metrics import Metrics
from towpath.engine.reconcile.rounds import Further, only_one
from towpath.engine.watch.run_protocol import Ended, Unrecorded
from towpath.engine.watch.watcher import Watcher
from towpath.settings import Settings

PATIENCE = 120.0


class Held:
    """Flow runs while somebody else holds the environment's lock: nothing is carried out."""

    @contextmanager
    def locked(self) -> Iterator[bool | None]:
        yield False

    def is_away(self) -> bool:
        return False

    def run(self, apps: Sequence[str] | None, further: Further = only_one) -> Ended | None:
        return None

    def record(self, past: Unrecorded) -> bool:
        return False


@dataclass
class Watching:
    watcher: Watcher
    said: list[str] = field(default_factory=list)

    def drifted(self) -> dict[str, int]:
        """Objects that are not as they were left, by app; nothing while it does not see everything."""
        return seen.drifted() if (seen := self.watcher.seen) else {}


@contextmanager
def watching(settings: Settings, environment: str = "test") -> Iterator[Watching]:
    said: list[str] = []
    watcher = Watcher(settings, environment, Held(), Metrics(environment), said.append, interval=1)
    thread = threading.Thread(target=watcher.keep, daemon=True)
    thread.start()
    try:
        until(lambda: not watcher.not_ready(), "it is ready", watcher.not_ready)
        yield Watching(watcher, said)
    finally:
        watcher.stop()
        thread.join(30)


def until(holds: Callable[[], bool], promise: str, shown: Callable[[], object] = str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, f"not true: {promise}; {shown()}"
        time.sleep(0.05)
