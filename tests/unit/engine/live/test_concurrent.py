"""Many requests at a time: in order, each once, and what becomes of errors."""

import os
import signal
import threading
import time

import pytest

from towpath.engine.live.concurrent import THREADS, concurrently


@pytest.mark.parametrize("count", [0, 1, 2, THREADS, 1000])
def test_each_item_is_worked_on_once_and_answers_are_in_their_order(count: int) -> None:
    seen: list[int] = []

    def work(item: int) -> int:
        seen.append(item)
        return -item

    assert concurrently(work, iter(range(count))) == [-item for item in range(count)]
    assert sorted(seen) == list(range(count))


def test_so_many_are_under_way_at_a_time() -> None:
    together = threading.Barrier(THREADS, timeout=20)
    assert concurrently(lambda _: together.wait() >= 0, range(THREADS * 3)) == [True] * THREADS * 3


def test_after_an_error_nothing_is_begun_and_what_is_under_way_ends() -> None:
    begun, ended = threading.Event(), threading.Event()

    def work(item: int) -> None:
        if item == 0:
            begun.set()
            time.sleep(0.2)
            ended.set()
        assert begun.wait(20)
        if item == 1:
            raise ValueError(str(item))
        assert item < THREADS

    with pytest.raises(ValueError, match="1"):
        concurrently(work, range(10_000))
    assert ended.is_set()


def test_of_several_errors_that_of_the_first_item_is_raised() -> None:
    together = threading.Barrier(2, timeout=20)

    def work(item: int) -> None:
        together.wait()
        raise ValueError(f"item {item}")

    with pytest.raises(ValueError, match="item 0"):
        concurrently(work, range(2))


def test_a_process_that_is_told_to_end_ends() -> None:
    def work(item: int) -> None:
        if item == 3:
            raise SystemExit(7)

    with pytest.raises(SystemExit, match="7"):
        concurrently(work, range(1000))


def test_nothing_is_begun_once_this_thread_is_told_to_end() -> None:
    done: list[int] = []

    def work(item: int) -> None:
        if item == 0:
            os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.01)
        done.append(item)

    with pytest.raises(KeyboardInterrupt):
        concurrently(work, range(10_000))
    assert len(done) < 5_000
