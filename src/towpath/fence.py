"""Lets an agent write only while it leads: each write asks here directly before it is sent.

The time until which it leads lies in memory that its processes share, and each of them compares it with its
own clocks. So a process that was stopped in between finds the time past when it goes on, and writes nothing.
Where no fence was put up, as in a command or in an agent that is alone, everything may be written.
"""

import mmap
import threading
import time
from collections.abc import Callable

from towpath.errors import NotLeadingError

_NANO = 1_000_000_000
_BOOT, _WALL = 0, 1
_NEVER, _CLOSED = 0, -1


def boot_time() -> float:
    """Seconds of a clock that goes on while the machine sleeps, and that nobody sets (Linux)."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class Fence:
    """Closed at first. One process opens it again and again; those that are forked from it look at it.

    The time of day is compared, too: it may tell of a pause through which the other clock has slept.
    """

    def __init__(self, clock: Callable[[], float] = boot_time, wall: Callable[[], float] = time.time) -> None:
        self.clock, self.wall = clock, wall
        self._shared = memoryview(mmap.mmap(-1, mmap.PAGESIZE)).cast("q")
        self._lock = threading.Lock()

    def open(self, until: float, wall_until: float) -> bool:
        """Let write until then, by both clocks. False, and nothing, once it was open and is not any more."""
        with self._lock:
            if self._shared[_BOOT] != _NEVER and self.left() <= 0:
                return False
            self._shared[_WALL] = int(wall_until * _NANO)
            self._shared[_BOOT] = int(until * _NANO)
            return True

    def close(self) -> None:
        """Let nothing be written any more, for good."""
        with self._lock:
            self._shared[_BOOT] = _CLOSED

    @property
    def until(self) -> float | None:
        """When it closes, by the clock; None while it is not open."""
        found = self._shared[_BOOT]
        return found / _NANO if found > 0 else None

    def left(self) -> float:
        """Seconds for which it is open; 0 and less when it is not."""
        until = self.until
        if until is None:
            return 0.0
        return min(until - self.clock(), self._shared[_WALL] / _NANO - self.wall())


_fence: Fence | None = None


def put_up(fence: Fence | None) -> None:
    """Let this process, and those forked from it, write only while the fence is open."""
    global _fence  # noqa: PLW0603
    _fence = fence


def is_put_up() -> bool:
    """Whether this process writes only while it leads."""
    return _fence is not None


def require_leadership(what: str) -> None:
    """NotLeadingError unless this process may write now. Called directly before `what` is sent."""
    if _fence is not None and _fence.left() <= 0:
        raise NotLeadingError(
            f"{what}: this agent does not lead its environment any more, so nothing was written",
            remedy="The agent that leads now does the rest.",
        )
