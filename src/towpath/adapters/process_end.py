"""Waits for the end of a program, and ends it with its whole process group."""

import contextlib
import math
import os
import select
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator

from towpath.adapters.memory_watch import MemoryWatch

GRACE = 2.0
"""Seconds that a program has to end by itself."""
KILL = getattr(signal, "SIGKILL", signal.SIGTERM)  # Windows has none
_SLICE = 0.1
"""Seconds after which `stop` is looked at."""


def wait_until(
    ended: Callable[[float], bool], deadline: float, stop: threading.Event | None, watch: MemoryWatch | None
) -> bool:
    """Call `ended` with seconds to wait until it is true; False after `deadline` or once `stop` is set."""
    while True:
        left = max(0.0, deadline - time.monotonic())
        if ended(min(left, _SLICE if stop else left, watch.pause if watch else left)):
            return True
        if left == 0 or (stop is not None and stop.is_set()):
            return False
        if watch and not watch.exceeded:
            watch.look()


@contextlib.contextmanager
def end_of(process: subprocess.Popen[bytes]) -> Iterator[Callable[[float], bool]]:
    """A function that waits some seconds for the end of the program, and says whether it has ended."""

    def wait(seconds: float | None = None) -> bool:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=seconds)
        return process.returncode is not None

    try:
        descriptor = os.pidfd_open(process.pid)
    except (AttributeError, OSError):  # not Linux: `wait` looks again and again, every 50 ms in the end
        yield wait
        return
    try:
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        yield lambda seconds: bool(poll.poll(math.ceil(seconds * 1000))) and wait()
    finally:
        os.close(descriptor)


def end_of_thread(thread: threading.Thread) -> Callable[[float], bool]:
    def wait(seconds: float) -> bool:
        thread.join(timeout=seconds)
        return not thread.is_alive()

    return wait


def end_group(process: subprocess.Popen[bytes], *, gently: bool = True) -> None:
    """Send SIGTERM to the whole group, then SIGKILL; the group lives as long as any grandchild does."""
    if not gently:
        signal_group(process.pid, KILL)
        process.wait()
        return
    signal_group(process.pid, signal.SIGTERM)
    deadline = time.monotonic() + GRACE
    while time.monotonic() < deadline:
        process.poll()
        if not signal_group(process.pid, 0):
            return
        time.sleep(0.02)
    signal_group(process.pid, KILL)
    process.wait()


def signal_group(group: int, number: int) -> bool:
    """Send a signal to a process group; False when there is no such group."""
    if not hasattr(os, "killpg"):  # Windows: the program alone, and at once
        if number:
            with contextlib.suppress(OSError):
                os.kill(group, signal.SIGTERM)
        return False
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True
