"""Runs and their steps, as the command line shows them: made from the records of the Prefect API."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from towpath.orchestration import keys
from towpath.printable import printable


@dataclass(frozen=True, slots=True)
class Run:
    """One flow run. `kind` is the state's type (`RUNNING`, `PAUSED`), `state` its name (`Suspended`).

    `begins` is when one that is scheduled is to begin.
    """

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
    begins: datetime | None = None

    @property
    def over(self) -> bool:
        """Nothing will happen in this run any more."""
        return self.kind in ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")

    @property
    def waiting(self) -> bool:
        """It waits for a person."""
        return self.kind == "PAUSED"

    @property
    def soaks(self) -> bool:
        """It goes on by itself when its release was verified for long enough in the environment before."""
        return self.kind == "SCHEDULED" and self.state == keys.SOAKS

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


def run_of(record: Mapping[str, Any], flow: str) -> Run:
    """From the API's record of a flow run; `flow` is the flow's name."""
    state = record.get("state") or {}
    details = state.get("state_details") or {}
    return Run(
        id=str(record["id"]),
        name=printable(record["name"]),
        flow=flow,
        kind=state.get("type") or "SCHEDULED",
        state=state.get("name") or "Scheduled",
        message=printable(state.get("message") or ""),
        tags=tuple(record["tags"]),
        parameters=record["parameters"],
        pause_key=details.get("pause_key"),
        pause_until=time_of(details.get("pause_timeout")),
        at=time_of(state.get("timestamp")),
        created=time_of(record.get("created")),
        begins=time_of(details.get("scheduled_time")),
    )


def task_of(record: Mapping[str, Any]) -> TaskState:
    """From the API's record of a task run, which must have a state."""
    state = record["state"]
    return TaskState(
        id=str(record["id"]),
        name=printable(record["name"]),
        kind=state["type"],
        state=state.get("name") or state["type"],
        message=printable(state.get("message") or ""),
        attempt=int(record["run_count"]),
        started=time_of(record.get("start_time") or record.get("expected_start_time")),
    )


def time_of(text: str | None) -> datetime | None:
    """A time of the API, RFC 3339 with its zone."""
    return datetime.fromisoformat(text) if text else None
