"""A quota of memory and time shared by all renders of a run: many oversized apps cost no more than one.

Memory: a renderer requests what it may need and waits until that much is free. Time: one thread at a time
reads YAML (more threads would not be faster in Python). After `max_too_large` apps that exceeded a limit,
nothing more is read or rendered, and running renderers are ended.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from towpath.errors import TooLargeError

MEMORY = 144
"""MiB that may be in use by the renderers of one run at once."""


class StoppedError(Exception):
    """The quota of the run is spent. Not an error of this app."""


class RenderQuota:
    """The quota of one run, shared by its threads."""

    def __init__(self, *, max_too_large: int = 1) -> None:
        self.stopped = threading.Event()
        self._too_large_left = max_too_large
        self._memory = MEMORY
        self._freed = threading.Condition()
        self._reading = threading.Lock()

    def too_large(self) -> None:
        """Count an app that exceeded a limit."""
        with self._freed:
            self._too_large_left -= 1
            if self._too_large_left <= 0:
                self.stopped.set()

    def check(self) -> None:
        """Raise StoppedError when the quota is spent."""
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
        """Hold the lock under which one thread at a time reads YAML."""
        with self._reading:
            self.check()
            try:
                yield
            except TooLargeError:
                self.stopped.set()  # the other threads would each spend as much again
                raise
