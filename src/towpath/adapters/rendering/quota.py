"""What all renders of one run may take together, so that a repository of many traps costs no more than one.

Memory: a renderer says how much it may need and waits until there is so much left. Time: YAML is read by one
thread at a time (Python would not be faster with more), and after `max_too_large` apps that were too large
nothing more is read or rendered, and what runs is ended.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from towpath.errors import TooLargeError

MEMORY = 176
"""MiB that may be in use by the renderers of one run at once."""


class StoppedError(Exception):
    """Not an error of this app: others took all that a run may take."""


class RenderQuota:
    """Shared by the threads of one run."""

    def __init__(self, *, max_too_large: int = 1) -> None:
        self.stopped = threading.Event()
        self._too_large_left = max_too_large
        self._memory = MEMORY
        self._freed = threading.Condition()
        self._reading = threading.Lock()

    def too_large(self) -> None:
        """Count an app that needed more than it may have."""
        with self._freed:
            self._too_large_left -= 1
            if self._too_large_left <= 0:
                self.stopped.set()

    def check(self) -> None:
        """Raise StoppedError when nothing more is to be started."""
        if self.stopped.is_set():
            raise StoppedError

    @contextmanager
    def memory(self, mebibytes: int) -> Iterator[None]:
        """Wait until `mebibytes` are free, and hold them."""
        with self._freed:
            self._freed.wait_for(lambda: self._memory >= mebibytes)
            self._memory -= mebibytes
        try:
            self.check()
            yield
        finally:
            with self._freed:
                self._memory += mebibytes
                self._freed.notify_all()

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Be the one thread that reads YAML."""
        with self._reading:
            self.check()
            try:
                yield
            except TooLargeError:
                self.stopped.set()  # threads do not share the next one's time, they add to it
                raise
