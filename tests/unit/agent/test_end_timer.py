"""The kernel ends a process at the time that it has set, also when it is stopped."""

import os
import signal
import sys
import time

import pytest

from towpath.agent.end_timer import EndTimer
from towpath.fence import boot_time

pytestmark = [
    pytest.mark.timeout(120),
    pytest.mark.skipif(sys.platform != "linux", reason="agents run on Linux"),
]


def forked(*times: float) -> int:
    """A process that has set these times, in seconds from now, and sleeps."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        timer = EndTimer()
        for seconds in times:
            timer.set(boot_time() + seconds)
        os.write(writing, b"set")
        time.sleep(100)
        os._exit(1)
    os.close(writing)
    os.read(reading, 3)
    os.close(reading)
    return child


def test_a_stopped_process_is_ended_where_it_stands() -> None:
    child = forked(1.0)
    os.kill(child, signal.SIGSTOP)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == -signal.SIGKILL


def test_the_time_that_was_set_last_counts_and_one_that_is_past_ends_it_at_once() -> None:
    _, status = os.waitpid(forked(600.0, -5.0), 0)
    assert os.waitstatus_to_exitcode(status) == -signal.SIGKILL


def test_what_is_forked_from_it_has_no_timer() -> None:
    child = os.fork()
    if child == 0:
        timer = EndTimer()
        below = os.fork()
        if below == 0:
            time.sleep(0.4)
            os._exit(7)
        timer.set(boot_time() + 600)
        _, status = os.waitpid(below, 0)
        os._exit(os.waitstatus_to_exitcode(status))
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 7
