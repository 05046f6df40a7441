"""What an agent's metrics are told of each flow run: its start, its end, and what it took."""

import contextlib
import time
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from prefect._internal.attempt_control import AttemptConclusion, EngineOutcomeReceipt
from prefect.client.schemas.objects import FlowRun, State, StateType

from towpath.adapters.run_metrics import UNKNOWN, RunMetrics
from towpath.orchestration import keys
from towpath.orchestration.execution import server_clock

if TYPE_CHECKING:
    from prefect.client.orchestration import PrefectClient

_ENDS = {
    StateType.COMPLETED: "completed",
    StateType.FAILED: "failed",
    StateType.CRASHED: "crashed",
    StateType.CANCELLED: "cancelled",
    StateType.CANCELLING: "cancelled",
    StateType.PAUSED: "suspended",
    StateType.SCHEDULED: "rescheduled",
}


class MeasuredRuns:
    """Those of one agent. Flows are asked for once: a flow keeps its name."""

    def __init__(self, metrics: RunMetrics) -> None:
        self.metrics = metrics
        self._names: dict[UUID, str] = {}

    def of(self, client: "PrefectClient", flow_run: FlowRun) -> "MeasuredRun":
        """The measure of a run that is about to be started."""
        return MeasuredRun(self, client, flow_run)

    async def name(self, client: "PrefectClient", flow: UUID) -> str:
        """The flow's name; empty while the server does not say."""
        if flow not in self._names:
            try:
                self._names[flow] = (await client.read_flow(flow)).name
            except Exception:  # noqa: BLE001 - Prefect raises many kinds, and the run goes on
                return ""
        return self._names[flow]


class MeasuredRun:
    """One run, from the start of its process to the state in which that left it."""

    def __init__(self, runs: MeasuredRuns, client: "PrefectClient", flow_run: FlowRun) -> None:
        self._runs, self._client, self._run = runs, client, flow_run
        self._flow: str | None = None
        self._seconds = 0.0
        self._peak = 0
        self._conclusion: AttemptConclusion | None = None

    async def flow(self) -> str:
        """The name of its flow; empty while the server does not say."""
        return await self._runs.name(self._client, self._run.flow_id)

    async def started(self) -> None:
        """Its process has just been started."""
        self._begun = time.monotonic()
        due = self._run.next_scheduled_start_time
        delay = (server_clock.now() - due).total_seconds() if due is not None else None
        self._flow = await self.flow()
        self._runs.metrics.started(self._flow, delay)

    def ended(self, peak: int, conclusion: AttemptConclusion | None) -> None:
        """Its process has ended; the most memory that it had, in bytes, and what it has said of its end."""
        self._seconds, self._peak, self._conclusion = time.monotonic() - self._begun, peak, conclusion

    async def conclude(self) -> FlowRun | None:
        """Count it by the state in which it ended. What the server says of it, if it has not said that."""
        last: FlowRun | None = None  # deleted meanwhile, or the server is away
        said = self._conclusion
        if isinstance(said, EngineOutcomeReceipt) and said.state_type is not None:
            end = end_of(State(type=StateType(said.state_type), name=said.state_name))
        else:
            with contextlib.suppress(Exception):
                last = await self._client.read_flow_run(self._run.id)
            end = end_of(last.state if last else None)
        if self._flow is not None:
            self._runs.metrics.ended(self._flow, end, self._seconds, self._peak)
        return last


def end_of(state: State[Any] | None) -> str:
    """The word of a run's end by its last state. Pure."""
    if state is None:
        return UNKNOWN
    if state.type == StateType.FAILED and state.name == keys.REFUSED:
        return "refused"
    return _ENDS.get(state.type, UNKNOWN)


def due(runs: list[FlowRun], now: datetime) -> int:
    """How many of the runs should have begun by now. Pure."""
    return sum(run.next_scheduled_start_time is None or run.next_scheduled_start_time <= now for run in runs)
