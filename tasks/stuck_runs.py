"""Runs that nobody works on any more though they have not ended: found by the loop, and set going again.

A promotion that was taken for dead while it waited for people asks again. A run whose worker died between
claiming and starting it is scheduled again. A run that died at work is marked Crashed by the server's watch
for heartbeats, and stays so: it says how far it came.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from prefect.client.orchestration import SyncPrefectClient, get_client
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
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.logging import get_run_logger
from prefect.states import AwaitingRetry, Scheduled

from tasks.approval_gate import PATIENCE
from tasks.runs.step import step
from towpath.orchestration import keys
from towpath.orchestration.execution import server_clock

START_SECONDS = 600.0
"""A process starts in seconds; a pod may wait minutes for its image."""


@step("resume waiting promotions to {environment}")
def resume_waiting_promotions(environment: str) -> int:
    """Set promotions going again that were marked Crashed while they waited. Their number.

    Who waits has no process and sends no heartbeat; where the server lost the event of the suspension, its
    watch for dead runs takes the run for dead. Begun again from the top it asks again: nothing is approved.
    """

    def died(client: SyncPrefectClient, run: FlowRun) -> bool:
        return crashed_while_waiting(client.read_flow_run_states(run.id))

    said = "Marked crashed while it waited: it asks again."
    return _set_going(died, AwaitingRetry, said, flow=_PROMOTE, run=_crashed(environment))


@step("schedule runs of {environment} that were claimed and never started")
def reschedule_unstarted_runs(environment: str) -> int:
    """Give runs that stay Pending back to the work pool; their number. Done again it finds none.

    They never began, so they send no heartbeat and nobody else notices. Builds count here too: their pool has
    no loop of its own. Should the claim's process start after all, Prefect lets only one of the two run.
    """

    def died(client: SyncPrefectClient, run: FlowRun) -> bool:
        now = client.read_flow_run(run.id).state  # a worker may have gone on meanwhile
        return now is not None and left_pending(now, server_clock.now())

    said = "Claimed by a worker that never started it: scheduled again."
    return _set_going(died, Scheduled, said, deployment=_of(environment), run=_PENDING)


def _set_going(  # noqa: PLR0913
    died: Callable[[SyncPrefectClient, FlowRun], bool],
    again: Callable[..., State],
    said: str,
    *,
    run: FlowRunFilter,
    flow: FlowFilter | None = None,
    deployment: DeploymentFilter | None = None,
) -> int:
    """Give the runs that the filters find and that `died` the state `again`; their number."""
    with get_client(sync_client=True) as client:
        found = client.read_flow_runs(flow_filter=flow, flow_run_filter=run, deployment_filter=deployment)
        dead = [each for each in found if died(client, each)]
        for each in dead:
            get_run_logger().warning("%s: %s", each.name, said)
            state = again(scheduled_time=server_clock.now(), message=said)
            client.set_flow_run_state(each.id, state, force=True)
    return len(dead)


def left_pending(state: State, now: datetime) -> bool:
    """Whether a run is claimed, and has been for longer than any start takes."""
    return state.type == StateType.PENDING and (now - state.timestamp).total_seconds() > START_SECONDS


def crashed_while_waiting(states: Sequence[State]) -> bool:
    """Whether a run's newest state is Crashed and the one before it was a wait."""
    last_two = [state.type for state in sorted(states, key=lambda state: state.timestamp)[-2:]]
    return last_two == [StateType.PAUSED, StateType.CRASHED]


def _of(environment: str) -> DeploymentFilter:
    flows = (keys.PROMOTE, keys.RECONCILE, keys.ROLLBACK)
    names = [keys.deployment_name(flow, environment) for flow in flows]
    return DeploymentFilter(name=DeploymentFilterName(any_=[*names, keys.deployment_name(keys.DELIVER)]))


_PENDING = FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.PENDING])))
_PROMOTE = FlowFilter(name=FlowFilterName(any_=[keys.PROMOTE]))


def _crashed(environment: str) -> FlowRunFilter:
    since = server_clock.now() - timedelta(seconds=PATIENCE)
    return FlowRunFilter(
        tags=FlowRunFilterTags(all_=[keys.environment_tag(environment)]),
        state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.CRASHED])),
        start_time=FlowRunFilterStartTime.model_validate({"after_": since}),
    )
