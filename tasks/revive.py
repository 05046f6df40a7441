"""Runs that nobody works on any more though they have not ended: found by the loop, and set going again.

A promotion that was taken for dead while it waited for people asks again. A run whose worker died between
claiming and starting it is scheduled again. A run that died at work is marked Crashed by the server's watch
for heartbeats, and stays so: it says how far it came.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterName,
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
from prefect.states import AwaitingRetry, Scheduled
from prefect.types import DateTime

from tasks.gate import PATIENCE
from tasks.step import step

BUILDS = "deliver"
"""Name of the deployment whose runs are builds."""
START_SECONDS = 600.0
"""A process starts in seconds; a pod may wait minutes for its image."""


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


@step("schedule runs of {environment} that were claimed and never started")
def reschedule(environment: str) -> int:
    """Give runs that stay Pending back to the work pool; their number. Done again it finds none.

    They never began, so they send no heartbeat and nobody else notices. Builds count here too: their pool has
    no loop of its own. Should the claim's process start after all, Prefect lets only one of the two run.
    """
    found = 0
    with get_client(sync_client=True) as client:
        for run in client.read_flow_runs(deployment_filter=_of(environment), flow_run_filter=_PENDING):
            now = client.read_flow_run(run.id).state  # a worker may have gone on meanwhile
            if now is None or not left_pending(now, DateTime.now("UTC")):
                continue
            get_run_logger().warning("%s was claimed and never started: scheduled again", run.name)
            client.set_flow_run_state(
                run.id,
                Scheduled(message="Claimed by a worker that never started it: scheduled again."),
                force=True,
            )
            found += 1
    return found


def left_pending(state: State, now: datetime) -> bool:
    """Whether a run is claimed, and has been for longer than any start takes."""
    return state.type == StateType.PENDING and (now - state.timestamp).total_seconds() > START_SECONDS


def crashed_while_waiting(states: Sequence[State]) -> bool:
    """Whether a run's newest state is Crashed and the one before it was a wait."""
    last_two = [state.type for state in sorted(states, key=lambda state: state.timestamp)[-2:]]
    return last_two == [StateType.PAUSED, StateType.CRASHED]


def _of(environment: str) -> DeploymentFilter:
    return DeploymentFilter(name=DeploymentFilterName(any_=[environment, BUILDS]))


_PENDING = FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.PENDING])))
_PROMOTE = FlowFilter(name=FlowFilterName(any_=["promote"]))


def _crashed(environment: str) -> FlowRunFilter:
    return FlowRunFilter(
        tags=FlowRunFilterTags(all_=[f"environment:{environment}"]),
        state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.CRASHED])),
        start_time=FlowRunFilterStartTime(after_=DateTime.now("UTC") - timedelta(seconds=PATIENCE)),
    )
