"""Who may write, and until when; a process that was stopped meanwhile judges by its own clock."""

import os
import signal
import sys
import time
from collections.abc import Iterator

import pytest

from towpath.errors import NotLeadingError
from towpath.fence import Fence, boot_time, put_up, require_leadership


class Clocks:
    """Seconds since the boot, and the time of day."""

    boot, wall = 1000.0, 1_700_000_000.0

    def fence(self) -> Fence:
        return Fence(lambda: self.boot, lambda: self.wall)


@pytest.fixture
def standing() -> Iterator[Clocks]:
    yield Clocks()
    put_up(None)


def test_without_a_fence_everything_may_be_written() -> None:
    require_leadership("apply x")


def test_nothing_is_written_before_it_leads_nor_after_its_time(standing: Clocks) -> None:
    fence = standing.fence()
    put_up(fence)
    with pytest.raises(NotLeadingError, match="apply x: this agent does not lead"):
        require_leadership("apply x")
    assert fence.open(standing.boot + 10, standing.wall + 10)
    require_leadership("apply x")
    standing.boot += 10
    with pytest.raises(NotLeadingError):
        require_leadership("apply x")


@pytest.mark.parametrize(("boot", "wall"), [(10.0, 0.0), (0.0, 10.0), (10.0, -3600.0), (60.0, 60.0)])
def test_either_clock_ends_it(boot: float, wall: float) -> None:
    clocks = Clocks()
    fence = clocks.fence()
    fence.open(clocks.boot + 10, clocks.wall + 10)
    clocks.boot, clocks.wall = clocks.boot + boot, clocks.wall + wall
    assert fence.left() <= 0


def test_a_time_of_day_that_is_set_back_does_not_prolong_it() -> None:
    clocks = Clocks()
    fence = clocks.fence()
    fence.open(clocks.boot + 10, clocks.wall + 10)
    clocks.wall -= 3600
    assert fence.left() == pytest.approx(10)


def test_it_is_not_opened_again_once_its_time_is_over() -> None:
    clocks = Clocks()
    fence = clocks.fence()
    fence.open(clocks.boot + 10, clocks.wall + 10)
    clocks.boot += 11
    assert not fence.open(clocks.boot + 10, clocks.wall + 10)
    assert fence.left() <= 0


def test_what_is_closed_stays_closed() -> None:
    clocks = Clocks()
    fence = clocks.fence()
    fence.open(clocks.boot + 10, clocks.wall + 10)
    fence.close()
    assert (fence.left(), fence.until) == (0, None)
    assert not fence.open(clocks.boot + 10, clocks.wall + 10)


@pytest.mark.skipif(sys.platform == "win32", reason="agents run on Linux")
def test_a_forked_process_that_was_stopped_writes_nothing_when_it_goes_on() -> None:
    fence = Fence()
    assert fence.open(boot_time() + 600, time.time() + 600)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        put_up(fence)
        try:
            while True:
                require_leadership("a write")
                os.write(writing, b"x")
                time.sleep(0.005)
        except NotLeadingError:
            os._exit(7)
        os._exit(8)
    os.close(writing)
    assert os.read(reading, 1) == b"x", "it leads, and writes"
    os.kill(child, signal.SIGSTOP)
    os.waitpid(child, os.WUNTRACED)
    os.set_blocking(reading, False)
    while _read(reading):
        pass
    # As the parent renews it: in memory that both share, so that the child sees its end, too.
    assert fence.open(boot_time() + 0.2, time.time() + 600)
    time.sleep(0.3)
    os.kill(child, signal.SIGCONT)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 7
    assert not _read(reading)
    os.close(reading)


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 4096)
    except BlockingIOError:
        return b""
