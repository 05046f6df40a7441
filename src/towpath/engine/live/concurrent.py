"""Many requests at a time."""

from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

THREADS = 16
"""Requests at a time. etcd writes to disk once for all that come together: more at a time cost it less."""
T = TypeVar("T")
R = TypeVar("R")


def concurrently(work: Callable[[T], R], items: Iterable[T]) -> list[R]:
    """`work` of each item, in the items' order.

    After an error, no other item is begun; the error of the first such item is raised when all have ended.
    """
    waiting = deque(enumerate(items))
    if len(waiting) < 2:
        return [work(item) for _, item in waiting]
    done: dict[int, R] = {}
    failed: dict[int, BaseException] = {}

    def share() -> None:
        while waiting and not failed:
            try:
                number, item = waiting.popleft()
            except IndexError:  # another thread took the last one
                return
            try:
                done[number] = work(item)
            except BaseException as error:  # noqa: BLE001 - raised below
                failed[number] = error

    # One future for each thread: for each item, they would cost a tenth of a sync.
    with ThreadPoolExecutor(min(THREADS, len(waiting))) as pool:
        shares = [pool.submit(share) for _ in range(min(THREADS, len(waiting)))]
        try:
            for each in shares:
                each.result()
        finally:  # also when this process is told to end
            waiting.clear()
    if failed:
        raise failed[min(failed)]
    return [done[number] for number in sorted(done)]
