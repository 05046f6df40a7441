"""What becomes of runs that a killed agent left."""

import pytest
from prefect.client.schemas.objects import State, StateType

from towpath.orchestration.execution.left_runs import is_left, next_state
from towpath.orchestration.keys import LOST


@pytest.mark.parametrize(
    ("left", "name", "becomes"),
    [
        (StateType.RUNNING, "Running", (StateType.SCHEDULED, "AwaitingRetry")),
        (StateType.RUNNING, "Retrying", (StateType.SCHEDULED, "AwaitingRetry")),
        (StateType.PENDING, "Pending", (StateType.SCHEDULED, "Scheduled")),
        (StateType.PENDING, "Submitting", (StateType.SCHEDULED, "Scheduled")),
        (StateType.CRASHED, LOST, (StateType.SCHEDULED, "AwaitingRetry")),
        (StateType.CANCELLING, "Cancelling", (StateType.CANCELLED, "Cancelled")),
        (StateType.PAUSED, "Suspended", None),
        (StateType.COMPLETED, "Completed", None),
        (StateType.FAILED, "Failed", None),
        (StateType.CANCELLED, "Cancelled", None),
    ],
)
def test_each_goes_on_as_its_state_says(
    left: StateType, name: str, becomes: tuple[StateType, str] | None
) -> None:
    state = next_state(State(type=left, name=name))
    assert (state and (state.type, state.name)) == becomes


@pytest.mark.parametrize(
    ("left", "becomes"),
    [
        (StateType.RUNNING, StateType.CRASHED),
        (StateType.PENDING, StateType.CRASHED),
        (StateType.CANCELLING, StateType.CRASHED),
        (StateType.CRASHED, None),
        (StateType.COMPLETED, None),
        (StateType.FAILED, None),
    ],
)
def test_a_run_of_a_watcher_ends(left: StateType, becomes: StateType | None) -> None:
    state = next_state(State(type=left), watch=True)
    assert (state and state.type) == becomes


@pytest.mark.parametrize(
    ("worker", "since", "silent", "left"),
    [
        ("pod-a", 60.0, {"pod-a": 9.5}, True),
        ("pod-a", 60.0, {"pod-a": 2.0}, False),
        ("pod-a", 60.0, {"pod-a": 9.5, "pod-b": 1.0}, True),
        ("pod-a", 60.0, {"pod-b": 1.0}, True),  # the server forgot it
        ("pod-a", 60.0, {}, True),
        ("pod-a", 8.0, {"pod-a": 30.0}, False),  # just taken: its agent was idle, and said little
        ("pod-a", 8.0, {}, False),
        (None, 60.0, {}, True),
        (None, 60.0, {"pod-a": 9.5, "pod-b": 12.0}, True),
        (None, 60.0, {"pod-a": 9.5, "pod-b": 3.0}, False),  # one that lives may be about to begin it
        (None, 3.0, {}, False),
    ],
)
def test_a_run_is_left_when_nothing_is_heard_of_its_agent(
    worker: str | None, since: float, silent: dict[str, float], left: bool
) -> None:
    assert is_left(worker, since, silent, 9.0) is left


def test_a_run_without_a_state_stays_as_it_is() -> None:
    assert next_state(None) is None
