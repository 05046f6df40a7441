"""What becomes of runs that a killed agent left."""

import asyncio
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from uuid import UUID, uuid4

import pytest
from prefect.client.schemas.objects import FlowRun, State, StateType

from towpath.orchestration import keys
from towpath.orchestration.busy_database import PATIENCE
from towpath.orchestration.execution import left_runs
from towpath.orchestration.execution.heartbeats import OFTEN, RETRY, SILENT
from towpath.orchestration.execution.left_runs import (
    APART,
    BEGINNING,
    LONG_SILENT,
    LOOK,
    Left,
    LeftRuns,
    is_left,
    next_state,
    still_left,
)
from towpath.orchestration.keys import LOST, WORKER_LABEL

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)


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
    state = next_state(State(type=left, name=name), NOW)
    assert (state and (state.type, state.name)) == becomes
    if state is not None and state.type == StateType.SCHEDULED:
        assert state.state_details.scheduled_time == NOW, "by the server's clock"


@pytest.mark.parametrize(
    ("left", "becomes"),
    [
        (StateType.RUNNING, StateType.CRASHED),
        (StateType.PENDING, StateType.CRASHED),
        (StateType.CANCELLING, StateType.CRASHED),
        (StateType.CRASHED, None),
        (StateType.COMPLETED, None),
        (StateType.FAILED, None),
    ],
)
def test_a_run_of_a_watcher_ends(left: StateType, becomes: StateType | None) -> None:
    state = next_state(State(type=left), NOW, watch=True)
    assert (state and state.type) == becomes


@pytest.mark.parametrize(
    ("worker", "since", "silent", "left"),
    [
        ("pod-a", 60.0, {"pod-a": 9.5}, True),
        ("pod-a", 60.0, {"pod-a": 2.0}, False),
        ("pod-a", 60.0, {"pod-a": 9.5, "pod-b": 1.0}, True),
        ("pod-a", 60.0, {"pod-b": 1.0}, True),  # the server forgot it
        ("pod-a", 60.0, {}, True),
        ("pod-a", 8.0, {"pod-a": 30.0}, False),  # just taken: its agent was idle, and said little
        ("pod-a", 8.0, {}, False),
        (None, 60.0, {}, True),
        (None, 60.0, {"pod-a": 9.5, "pod-b": 12.0}, True),
        (None, 60.0, {"pod-a": 9.5, "pod-b": 3.0}, False),  # one that lives may be about to begin it
        (None, 3.0, {}, False),
    ],
)
def test_a_run_is_left_when_nothing_is_heard_of_its_agent(
    worker: str | None, since: float, silent: dict[str, float], left: bool
) -> None:
    assert is_left(worker, since, silent, 9.0) is left


def test_a_run_without_a_state_stays_as_it_is() -> None:
    assert next_state(None, NOW) is None


def test_an_agent_is_silent_for_longer_than_a_busy_server_holds_what_it_says() -> None:
    assert SILENT >= OFTEN + 2 * PATIENCE + RETRY
    assert APART > RETRY
    assert BEGINNING > SILENT + APART + LOOK
    assert SILENT < LONG_SILENT


AT = datetime(2026, 1, 1, tzinfo=UTC)
RUN = FlowRun(flow_id=uuid4(), updated=AT)


@pytest.mark.parametrize(
    ("before", "now", "left"),
    [
        ([Left(RUN, {"pod-a": AT})], [Left(RUN, {"pod-a": AT})], True),
        ([Left(RUN, {"pod-a": None})], [Left(RUN, {"pod-a": None})], True),  # the server forgot it
        ([Left(RUN, {"pod-a": AT})], [Left(RUN, {"pod-a": AT + timedelta(seconds=1)})], False),
        ([Left(RUN, {"pod-a": None})], [Left(RUN, {"pod-a": AT})], False),
        ([Left(RUN, {"pod-a": AT})], [], False),  # it has ended, or is heard of
        ([], [Left(RUN, {"pod-a": AT})], False),
        ([Left(RUN, {})], [Left(RUN, {})], True),
        ([Left(RUN, {"pod-a": AT})], [Left(RUN, {"pod-a": AT, "pod-b": AT})], False),  # another one began
        (
            [Left(RUN, {"pod-a": AT})],
            [Left(RUN.model_copy(update={"updated": AT + timedelta(seconds=1)}), {"pod-a": AT})],
            False,
        ),
    ],
)
def test_a_run_is_taken_over_when_nothing_moved_between_two_looks(
    before: list[Left], now: list[Left], left: bool
) -> None:
    assert bool(still_left(before, now)) is left


class Server:
    """The part of a Prefect server that is asked. `held`: what comes in after the first look."""

    def __init__(self, heard: dict[str, float], held: dict[str, float]) -> None:
        self._looks = [heard, heard | held]
        self.run = RUN.model_copy(update={"labels": {WORKER_LABEL: "old"}})
        self.given: list[str | None] = []

    async def __aenter__(self) -> "Server":
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    async def read_flow_runs(self, **_: object) -> list[FlowRun]:
        return [self.run]

    async def send_worker_heartbeat(self, pool: str, name: str) -> None:
        assert (pool, name) == (keys.pool("dev"), "new")

    async def read_workers_for_work_pool(self, _: str) -> list[SimpleNamespace]:
        heard = self._looks.pop(0) | {"new": 100.0}
        return [
            SimpleNamespace(name=name, last_heartbeat_time=AT + timedelta(seconds=at))
            for name, at in heard.items()
        ]

    async def set_flow_run_state(self, _: UUID, state: State[None], *, force: bool) -> None:
        assert force
        self.given.append(state.name)


@pytest.mark.parametrize(
    ("heard", "held", "given"),
    [
        ({"old": 60.0}, {}, ["AwaitingRetry"]),
        ({"old": 60.0}, {"old": 61.0}, []),  # written late, with a time long ago
        ({"old": 60.0}, {"old": 100.0}, []),
        ({"old": 80.0}, {}, []),  # a server that is busy holds a sign of life for as long
        ({"old": 60.0}, {"other": 100.0}, ["AwaitingRetry"]),
        ({}, {}, ["AwaitingRetry"]),
        ({}, {"old": 99.0}, []),
    ],
)
def test_an_agent_whose_sign_of_life_the_server_held_keeps_its_run(
    monkeypatch: pytest.MonkeyPatch, heard: dict[str, float], held: dict[str, float], given: list[str]
) -> None:
    server = Server(heard, held)
    server.run.state = State(type=StateType.RUNNING)
    monkeypatch.setattr(left_runs, "get_client", lambda: server)
    said = asyncio.run(LeftRuns("dev", "new", list).take_up_others(SILENT, apart=0.0))
    assert server.given == given
    assert len(said) == len(given)
