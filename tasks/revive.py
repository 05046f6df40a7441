"""Promotions that were taken for dead while they waited for people: found by the loop, and asked again."""

from collections.abc import Sequence
from datetime import timedelta

from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    FlowFilter,
    FlowFilterName,
    FlowRunFilter,
    FlowRunFilterStartTime,
    FlowRunFilterState,
    FlowRunFilterStateType,
    FlowRunFilterTags,
)
from prefect.client.schemas.objects import State, StateType
from prefect.logging import get_run_logger
from prefect.states import AwaitingRetry
from prefect.types import DateTime

from tasks.gate import PATIENCE
from tasks.step import step


@step("revive waiting promotions to {environment}")
def revive(environment: str) -> int:
    """Set promotions going again that were marked Crashed while they waited. Their number.

    Who waits has no process and sends no heartbeat; where the server lost the event of the suspension, its
    watch for dead runs takes the run for dead. Begun again from the top it asks again: nothing is approved.
    """
    revived = 0
    with get_client(sync_client=True) as client:
        for run in client.read_flow_runs(flow_filter=_PROMOTE, flow_run_filter=_crashed(environment)):
            if crashed_while_waiting(client.read_flow_run_states(run.id)):
                get_run_logger().warning("%s was marked crashed while it waited: it asks again", run.name)
                client.set_flow_run_state(
                    run.id,
                    AwaitingRetry(message="Marked crashed while it waited: it asks again."),
                    force=True,
                )
                revived += 1
    return revived


def crashed_while_waiting(states: Sequence[State]) -> bool:
    """Whether a run's newest state is Crashed and the one before it was a wait."""
    last_two = [state.type for state in sorted(states, key=lambda state: state.timestamp)[-2:]]
    return last_two == [StateType.PAUSED, StateType.CRASHED]


_PROMOTE = FlowFilter(name=FlowFilterName(any_=["promote"]))


def _crashed(environment: str) -> FlowRunFilter:
    return FlowRunFilter(
        tags=FlowRunFilterTags(all_=[f"environment:{environment}"]),
        state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.CRASHED])),
        start_time=FlowRunFilterStartTime(after_=DateTime.now("UTC") - timedelta(seconds=PATIENCE)),
    )
