"""Runs that an agent left when it was killed: its successor of the same name sets them going again at once.

Flows are idempotent: a run begins again from the top, finds what is done, and does the rest.
"""

import logging
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateName,
    FlowRunFilterStateType,
    FlowRunFilterTags,
    WorkPoolFilter,
    WorkPoolFilterName,
)
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.exceptions import PrefectHTTPStatusError
from prefect.states import AwaitingRetry, Crashed, Scheduled

from towpath.orchestration import keys

WORKER_LABEL = "prefect.worker.name"

_ENDED = (StateType.COMPLETED, StateType.FAILED, StateType.CANCELLED)
_LOG = logging.getLogger(__name__)


async def set_left_runs_going(pool: str, worker: str) -> list[str]:
    """Release the locks of the runs that an earlier agent of this name left, and give them a state again.

    Called before the worker takes anything: whatever is under way by its name then, nobody works on.
    Returns a line for each.
    """
    async with get_client() as client:
        runs = [run for run in await _unfinished(client, pool) if run.labels.get(WORKER_LABEL) == worker]
        said = []
        for run in runs:
            state = next_state(run.state)
            if state is None:
                continue
            await release_lease(client, run.labels)
            await client.set_flow_run_state(run.id, state, force=True)
            said.append(f"{run.name} was left by an agent that ended: {state.name}")
        return said


async def end_left_watch_runs(environment: str) -> list[str]:
    """Mark reconciles Crashed that the watcher of an ended agent ran; the next one does their work."""
    running = FlowRunFilter(
        state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.RUNNING])),
        tags=FlowRunFilterTags(all_=[keys.environment_tag(environment), keys.WATCH_TAG]),
    )
    async with get_client() as client:
        runs = await client.read_flow_runs(flow_run_filter=running)
        for run in runs:
            await release_lease(client, run.labels)
            message = "The agent that ran it has ended; the next reconcile does the rest."
            await client.set_flow_run_state(run.id, Crashed(message=message), force=True)
        return [f"{run.name} was left by an agent that ended: Crashed" for run in runs]


def note_lease(run: UUID, lease: UUID) -> None:
    """Write the lease under which a run holds its environment's lock into the run's labels.

    A server that does not take it costs a killed run's successor the rest of the lease, and nothing else.
    """
    try:
        with get_client(sync_client=True) as client:
            client.update_flow_run_labels(run, {keys.LEASE_LABEL: str(lease)})
    except Exception as error:  # noqa: BLE001 - Prefect raises many kinds, and the work goes on
        _LOG.debug("the lease of %s was not noted: %s", run, error)


def next_state(state: State[Any] | None) -> State[Any] | None:
    """What becomes of a run that nobody works on; None: it stays as it is. Pure."""
    if state is None or state.type in _ENDED or state.type == StateType.PAUSED:
        return None
    if state.type == StateType.CANCELLING:
        return State(type=StateType.CANCELLED, name="Cancelled", message="Its agent ended before it did.")
    if state.type == StateType.PENDING:
        return Scheduled(message="Its agent ended before it began.")
    return AwaitingRetry(message="Its agent ended: it goes on.")


async def release_lease(client: PrefectClient, labels: Mapping[str, Any]) -> None:
    """Release the lock that a run of these labels held, if it still does."""
    lease = labels.get(keys.LEASE_LABEL)
    if not lease:
        return
    try:
        await client.release_concurrency_slots_with_lease(UUID(str(lease)))
    except (PrefectHTTPStatusError, ValueError) as error:
        _LOG.debug("lease %s is not there any more: %s", lease, error)


async def _unfinished(client: PrefectClient, pool: str) -> list[FlowRun]:
    in_pool = WorkPoolFilter(name=WorkPoolFilterName(any_=[pool]))
    types = FlowRunFilterStateType(any_=[StateType.RUNNING, StateType.PENDING, StateType.CANCELLING])
    lost = FlowRunFilterState(name=FlowRunFilterStateName(any_=[keys.LOST]))
    under_way = await client.read_flow_runs(
        flow_run_filter=FlowRunFilter(state=FlowRunFilterState(type=types)), work_pool_filter=in_pool
    )
    return under_way + await client.read_flow_runs(
        flow_run_filter=FlowRunFilter(state=lost), work_pool_filter=in_pool
    )
