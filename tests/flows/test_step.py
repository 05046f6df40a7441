"""When a step is tried again."""

import time
from typing import Any

import pytest
from prefect.client.schemas.objects import TaskRun
from prefect.states import Failed

from tasks.runs.step import step, transient_only
from towpath.errors import RefusedError, TransientError


def is_tried_again(error: Exception) -> bool:
    @step("ask")
    def ask() -> None: ...

    run: Any = TaskRun(task_key="ask", dynamic_key="0")
    return transient_only(ask, run, Failed(data=error))


@pytest.mark.parametrize("error", [RefusedError("no"), ValueError("a bug")])
def test_a_refusal_or_a_bug_is_not_tried_again(error: Exception) -> None:
    assert not is_tried_again(error)


def test_a_passing_error_is() -> None:
    assert is_tried_again(TransientError("busy"))


def test_the_time_that_the_other_side_asks_for_is_waited() -> None:
    begin = time.monotonic()
    assert is_tried_again(TransientError("busy", retry_after=0.3))
    assert time.monotonic() - begin >= 0.3


def test_a_wait_of_an_hour_is_left_to_the_next_run() -> None:
    assert not is_tried_again(TransientError("busy", retry_after=3600))
