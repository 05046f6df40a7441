"""Runs that an agent left when it was killed: the next agent of its pool sets them going again at once.

Flows are idempotent: a run begins again from the top, finds what is done, and does the rest.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateName,
    FlowRunFilterStateType,
    FlowRunFilterTags,
    Operator,
    WorkPoolFilter,
    WorkPoolFilterName,
)
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.exceptions import PrefectHTTPStatusError
from prefect.states import AwaitingRetry, Crashed, Scheduled

from towpath.orchestration import keys
from towpath.orchestration.execution import server_clock
from towpath.orchestration.execution.heartbeats import SILENT

BEGINNING = 60.0
"""Seconds after its start in which an agent takes over what another one left just before."""
LONG_SILENT = 90.0
"""As heartbeats.SILENT, later on: as long as the server itself waits until it calls a worker offline."""
APART = 4.0
"""Seconds between the two looks at what another one seems to have left: longer than a client waits when the
server was busy, so that a sign of life that it held has come in."""
LOOK = 2.0
RARELY = 60.0
"""Seconds between two looks at what others leave, in the beginning and later."""

_ENDED = (StateType.COMPLETED, StateType.FAILED, StateType.CANCELLED)
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Left:
    """A run that seems to be left. `heard`: when the agents that may work on it were last heard of."""

    run: FlowRun
    heard: Mapping[str, datetime | None]


@dataclass(frozen=True, slots=True)
class LeftRuns:
    """Looks for them in one pool. `name`: the agent that asks; `mine`: the runs that it works on."""

    environment: str | None
    name: str
    mine: Callable[[], Container[UUID]]

    @property
    def pool(self) -> str:
        """The work pool."""
        return keys.pool(self.environment)

    async def take_up_own(self) -> list[str]:
        """What an earlier agent of this name left: before this one takes anything. A line for each."""
        async with get_client() as client:
            await client.raise_for_api_version_mismatch()
            runs = await unfinished(client, self.pool, self.environment)
            return await self._take_up(client, [run for run in runs if _worker(run) == self.name])

    async def take_up_others(self, patience: float, apart: float = APART) -> list[str]:
        """What an agent of another name left, of which nothing was heard for `patience` seconds.

        So are runs of this agent that it does not work on: the server has lost their end, as with a database
        that was restored.

        A pod has another host name after each start. Agents that work say so every few seconds: see
        heartbeats.py. All times are the server's, which may be busy and hold what an agent says: it is looked
        twice, and an agent that was heard between the two looks lives.
        """
        async with get_client() as client:
            before = await self._left_by_others(client, patience)
            if not before:
                return []
            await asyncio.sleep(apart)
            now = await self._left_by_others(client, patience)
            return await self._take_up(client, still_left(before, now))

    async def _left_by_others(self, client: PrefectClient, patience: float) -> list[Left]:
        runs = await unfinished(client, self.pool, self.environment)
        runs = [run for run in runs if run.id not in self.mine()]
        if not runs:
            return []
        await client.send_worker_heartbeat(self.pool, self.name)
        heard = {
            worker.name: worker.last_heartbeat_time
            for worker in await client.read_workers_for_work_pool(self.pool)
            if worker.last_heartbeat_time is not None
        }
        now = heard.pop(self.name)
        silent = {name: (now - at).total_seconds() for name, at in heard.items()}
        return [
            Left(run, heard if worker is None else {worker: heard.get(worker)})
            for run, worker in ((each, _worker(each)) for each in runs)
            if is_left(worker, _since(run, now), silent, patience)
        ]

    async def keep_looking(self, say: Callable[[str], None]) -> None:
        """For what others leave: first for what was left before this agent began, then now and then."""
        begun = time.monotonic()
        while True:
            beginning = time.monotonic() - begun < BEGINNING
            try:
                said = await self.take_up_others(SILENT if beginning else LONG_SILENT)
            except Exception as error:  # noqa: BLE001 - Prefect raises many kinds, and it is asked again
                _LOG.debug("runs that others left are not known: %s", error)
                said = []
            for line in said:
                say(line)
            await asyncio.sleep(LOOK if beginning else RARELY)

    async def _take_up(self, client: PrefectClient, runs: list[FlowRun]) -> list[str]:
        """Release the locks of these runs, and give them a state again."""
        said = []
        for run in runs:
            state = None if run.id in self.mine() else _next_state(run)
            if state is None:
                continue
            await release_lease(client, run.labels)
            await client.set_flow_run_state(run.id, state, force=True)
            said.append(f"{run.name} was left by an agent that ended: {state.name}")
        return said


def is_left(worker: str | None, since: float, silent: Mapping[str, float], patience: float) -> bool:
    """Whether nobody works on a run that has had its state for `since` seconds. Pure.

    `worker`: who took it, None when that was not written down any more. `silent`: for how many seconds
    nothing was heard of the other agents.
    """
    if since < patience:
        return False
    if worker is None:
        return all(seconds >= patience for seconds in silent.values())
    return silent.get(worker, patience) >= patience


def still_left(before: Iterable[Left], now: Iterable[Left]) -> list[FlowRun]:
    """The runs that are left at both looks, with no sign of life and no other record in between. Pure."""
    known = {each.run.id: (each.run.updated, each.heard) for each in before}
    return [each.run for each in now if known.get(each.run.id) == (each.run.updated, each.heard)]


def _next_state(run: FlowRun) -> State[Any] | None:
    return next_state(run.state, server_clock.now(), watch=keys.WATCH_TAG in run.tags)


def next_state(state: State[Any] | None, now: datetime, *, watch: bool = False) -> State[Any] | None:
    """What becomes of a run that nobody works on; None: it stays as it is. Pure.

    `now`: by the server's clock. `watch`: an agent's watcher ran it, in place of a worker. The next reconcile
    does its work.
    """
    if state is None or state.type in _ENDED or state.type == StateType.PAUSED:
        return None
    if watch:
        ended = "The agent that ran it has ended; the next reconcile does the rest."
        return None if state.type == StateType.CRASHED else Crashed(message=ended)
    if state.type == StateType.CANCELLING:
        return State(type=StateType.CANCELLED, name="Cancelled", message="Its agent ended before it did.")
    if state.type == StateType.PENDING:
        return Scheduled(scheduled_time=now, message="Its agent ended before it began.")
    return AwaitingRetry(scheduled_time=now, message="Its agent ended: it goes on.")


async def release_lease(client: PrefectClient, labels: Mapping[str, Any]) -> None:
    """Release the lock that a run of these labels held, if it still does."""
    lease = labels.get(keys.LEASE_LABEL)
    if not lease:
        return
    try:
        await client.release_concurrency_slots_with_lease(UUID(str(lease)))
    except (PrefectHTTPStatusError, ValueError) as error:
        _LOG.debug("lease %s is not there any more: %s", lease, error)


def _worker(run: FlowRun) -> str | None:
    name = run.labels.get(keys.WORKER_LABEL)
    return str(name) if name else None


def _since(run: FlowRun, now: datetime) -> float:
    """Seconds since the server last changed its record."""
    return (now - run.updated).total_seconds() if run.updated else 0.0


async def unfinished(client: PrefectClient, pool: str, environment: str | None) -> list[FlowRun]:
    """Runs of the pool that are under way, those that were lost, and those of the environment's watchers."""
    in_pool = WorkPoolFilter(name=WorkPoolFilterName(any_=[pool]))
    types = FlowRunFilterStateType(any_=[StateType.RUNNING, StateType.PENDING, StateType.CANCELLING])
    under_way = FlowRunFilterState(type=types)
    lost = FlowRunFilterStateName(any_=[keys.LOST])
    either = FlowRunFilterState.model_validate({"operator": Operator.or_, "type": types, "name": lost})
    runs = await client.read_flow_runs(flow_run_filter=FlowRunFilter(state=either), work_pool_filter=in_pool)
    found = {run.id: run for run in runs}
    if environment is not None:
        tags = FlowRunFilterTags(all_=[keys.environment_tag(environment), keys.WATCH_TAG])
        runs = await client.read_flow_runs(flow_run_filter=FlowRunFilter(state=under_way, tags=tags))
        found |= {run.id: run for run in runs}
    return list(found.values())
