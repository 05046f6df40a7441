"""Runs and their steps, as the command line shows them. Imports nothing of Prefect."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from towpath.printable import printable

if TYPE_CHECKING:
    from prefect.client.schemas.objects import FlowRun, TaskRun


@dataclass(frozen=True, slots=True)
class Run:
    """One flow run. `kind` is the state's type (`RUNNING`, `PAUSED`), `state` its name (`Suspended`)."""

    id: str
    name: str
    flow: str
    kind: str
    state: str
    message: str
    tags: tuple[str, ...]
    parameters: Mapping[str, Any]
    pause_key: str | None
    pause_until: datetime | None
    at: datetime | None
    created: datetime | None

    @property
    def over(self) -> bool:
        """Nothing will happen in this run any more."""
        return self.kind in ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")

    @property
    def waiting(self) -> bool:
        """It waits for a person."""
        return self.kind == "PAUSED"

    @property
    def succeeded(self) -> bool:
        return self.kind == "COMPLETED"

    def to_json(self) -> dict[str, Any]:
        """For `--output json`."""
        return {
            "id": self.id,
            "name": self.name,
            "flow": self.flow,
            "state": self.state,
            "message": self.message,
            "tags": list(self.tags),
            "parameters": dict(self.parameters),
        }


@dataclass(frozen=True, slots=True)
class TaskState:
    """One task run of a flow run, as far as a watching person cares."""

    id: str
    name: str
    kind: str
    state: str
    message: str
    attempt: int
    started: datetime | None


def run_of(run: "FlowRun", flow: str) -> Run:
    """From Prefect's own record; `flow` is the flow's name."""
    state = run.state
    return Run(
        id=str(run.id),
        name=printable(run.name),
        flow=flow,
        kind=state.type.value if state else "SCHEDULED",
        state=(state.name if state else None) or "Scheduled",
        message=printable((state.message if state else None) or ""),
        tags=tuple(run.tags),
        parameters=run.parameters,
        pause_key=state.state_details.pause_key if state else None,
        pause_until=state.state_details.pause_timeout if state else None,
        at=state.timestamp if state else None,
        created=run.created,
    )


def task_of(task: "TaskRun") -> TaskState:
    """From Prefect's own record, which must have a state."""
    state = task.state
    assert state is not None  # noqa: S101 - the caller left out those without
    return TaskState(
        id=str(task.id),
        name=printable(task.name),
        kind=state.type.value,
        state=state.name or state.type.value,
        message=printable(state.message or ""),
        attempt=task.run_count,
        started=task.start_time or task.expected_start_time,
    )
