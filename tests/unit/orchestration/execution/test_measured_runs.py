"""By which word a run's end is counted, and which runs wait."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from prefect.client.schemas.objects import FlowRun, State, StateType

from towpath.adapters.run_metrics import ENDS
from towpath.orchestration.execution.measured_runs import due, end_of
from towpath.orchestration.keys import JOINED, LOST, REFUSED, SUPERSEDED


@pytest.mark.parametrize(
    ("kind", "name", "word"),
    [
        (StateType.COMPLETED, "Completed", "completed"),
        (StateType.COMPLETED, JOINED, "completed"),
        (StateType.FAILED, "Failed", "failed"),
        (StateType.FAILED, REFUSED, "refused"),
        (StateType.COMPLETED, REFUSED, "completed"),
        (StateType.CRASHED, "Crashed", "crashed"),
        (StateType.CRASHED, LOST, "crashed"),
        (StateType.CANCELLED, SUPERSEDED, "cancelled"),
        (StateType.CANCELLING, "Cancelling", "cancelled"),
        (StateType.PAUSED, "Suspended", "suspended"),
        (StateType.SCHEDULED, "AwaitingRetry", "rescheduled"),
        (StateType.RUNNING, "Running", "unknown"),
        (StateType.PENDING, "Pending", "unknown"),
    ],
)
def test_an_end_is_counted_by_its_state(kind: StateType, name: str, word: str) -> None:
    assert end_of(State(type=kind, name=name)) == word
    assert word in ENDS


def test_an_end_of_which_the_server_says_nothing_is_unknown() -> None:
    assert end_of(None) == "unknown"


def test_a_run_waits_from_the_time_for_which_it_was_scheduled() -> None:
    now = datetime.now(UTC)
    times = [now - timedelta(seconds=5), now, now + timedelta(seconds=5), None]
    runs = [FlowRun(flow_id=uuid4(), next_scheduled_start_time=at) for at in times]
    assert due(runs, now) == 3
