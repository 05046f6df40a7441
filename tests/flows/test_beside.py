"""Work beside a run: in its context, waited for, done again when it failed."""

import contextvars
import threading

import pytest

from tasks.runs.beside import Beside

RUN: contextvars.ContextVar[str] = contextvars.ContextVar("run", default="none")


def test_nobody_waits_for_it_until_its_end_is_asked_for() -> None:
    may_go_on, done = threading.Event(), []
    beside = Beside(lambda: (may_go_on.wait(30), done.append(1)))
    assert done == []
    may_go_on.set()
    beside.finish()
    assert done == [1]
    beside.finish()
    assert done == [1]


def test_it_belongs_to_the_run_that_began_it() -> None:
    token, seen = RUN.set("mine"), []
    Beside(lambda: seen.append(RUN.get())).finish()
    RUN.reset(token)
    assert seen == ["mine"]


def test_what_failed_is_done_again_and_its_error_is_raised_then() -> None:
    calls: list[str] = []

    def fails_twice() -> None:
        calls.append(threading.current_thread().name)
        if len(calls) < 3:
            raise ValueError("away")

    beside = Beside(fails_twice)
    with pytest.raises(ValueError, match="away"):
        beside.finish()
    beside.finish()
    assert len(calls) == 3
    assert calls[0] == "beside"
    beside.finish()
    assert len(calls) == 3
