"""What becomes of runs that a killed agent left."""

import pytest
from prefect.client.schemas.objects import State, StateType

from towpath.orchestration.keys import LOST
from towpath.orchestration.left_runs import next_state


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


def test_a_run_without_a_state_stays_as_it_is() -> None:
    assert next_state(None) is None
