import threading

import pytest

from towpath.adapters.rendering.quota import MEMORY, RenderQuota, StoppedError
from towpath.errors import TooLargeError


def test_who_needs_more_than_is_free_waits_for_it() -> None:
    budget, order = RenderQuota(), []
    begun = threading.Event()

    def second() -> None:
        begun.set()
        with budget.memory(MEMORY):
            order.append("second")

    thread = threading.Thread(target=second)
    with budget.memory(MEMORY // 2), budget.memory(MEMORY // 2):
        thread.start()
        begun.wait()
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


def test_after_so_many_that_were_too_large_nothing_is_started() -> None:
    budget = RenderQuota(max_too_large=2)
    budget.too_large()
    with budget.memory(1):
        pass
    budget.too_large()
    assert budget.stopped.is_set()
    with pytest.raises(StoppedError), budget.memory(1):
        pass
    with pytest.raises(StoppedError), budget.reading():
        pass


def test_what_is_too_large_to_be_read_stops_the_reading() -> None:
    budget = RenderQuota(max_too_large=9)
    with pytest.raises(TooLargeError), budget.reading():
        raise TooLargeError("larger than 8 MiB", file="a.yaml")
    with pytest.raises(StoppedError), budget.reading():
        pass
