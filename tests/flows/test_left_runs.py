"""What an agent of another name left goes on, on the real server; what one that lives works on does not."""

import asyncio
import threading
import time
from collections.abc import Container
from uuid import UUID, uuid4

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.states import Crashed, Pending, Running

from towpath.orchestration import keys
from towpath.orchestration.execution.left_runs import LeftRuns
from towpath.orchestration.keys import WORKER_LABEL

PATIENCE = 2.0
APART = 0.5
"""Seconds. In place of those of an agent."""


class Pool:
    """A work pool of its own, with its flow."""

    def __init__(self) -> None:
        self.environment = f"t{uuid4().hex[:6]}"
        self.name = keys.pool(self.environment)
        with get_client(sync_client=True) as client:
            client.create_work_pool(WorkPoolCreate(name=self.name, type=keys.POOL_TYPE))
            flow = client.create_flow_from_name(keys.RECONCILE)
            self.deployment = client.create_deployment(flow, self.environment, work_pool_name=self.name)

    def run(self, state: State[None], worker: str | None, *tags: str) -> UUID:
        labels = {WORKER_LABEL: worker} if worker else None
        with get_client(sync_client=True) as client:
            made = client.create_flow_run_from_deployment(
                self.deployment, state=Running(), labels=labels, tags=tags
            )
            client.set_flow_run_state(made.id, state, force=True)
            return made.id

    def read(self, run: UUID) -> FlowRun:
        with get_client(sync_client=True) as client:
            return client.read_flow_run(run)

    def says(self, *agents: str) -> None:
        """These agents live."""

        async def beat() -> None:
            async with get_client() as client:
                for agent in agents:
                    await client.send_worker_heartbeat(self.name, agent)

        asyncio.run(beat())

    def look(self, name: str = "pod-new", mine: Container[UUID] = ()) -> list[str]:
        return asyncio.run(LeftRuns(self.environment, name, lambda: mine).take_up_others(PATIENCE, APART))


@pytest.fixture
def pool(prefect_server: None) -> Pool:
    return Pool()


def test_runs_of_a_silent_agent_go_on_whatever_the_new_one_is_called(pool: Pool) -> None:
    running, claimed = pool.run(Running(), "pod-old"), pool.run(Pending(), "pod-old")
    lost = pool.run(Crashed(name=keys.LOST), "pod-old")
    cancelling = pool.run(State(type=StateType.CANCELLING, name="Cancelling"), "pod-old")
    pool.says("pod-old")
    assert pool.look() == [], "it may live"
    time.sleep(PATIENCE)
    assert len(pool.look()) == 4
    names = [pool.read(run).state_name for run in (running, claimed, lost, cancelling)]
    assert names == ["AwaitingRetry", "Scheduled", "AwaitingRetry", "Cancelled"]
    assert pool.look() == []


def test_runs_of_an_agent_that_lives_are_left_alone(pool: Pool) -> None:
    run = pool.run(Running(), "pod-old")
    time.sleep(PATIENCE)
    pool.says("pod-old")
    assert pool.look() == []
    assert pool.read(run).state_name == "Running"


def test_a_run_of_an_agent_that_is_heard_between_the_two_looks_is_left_alone(pool: Pool) -> None:
    run = pool.run(Running(), "pod-old")
    pool.says("pod-old")
    time.sleep(PATIENCE)
    held = threading.Timer(APART / 2, pool.says, ["pod-old"])
    held.start()
    assert pool.look() == []
    held.join()
    assert pool.read(run).state_name == "Running"


def test_a_run_of_which_nobody_wrote_down_who_took_it_goes_on_when_nobody_else_lives(pool: Pool) -> None:
    run = pool.run(Running(), None)
    time.sleep(PATIENCE)
    pool.says("pod-other")
    assert pool.look() == []
    time.sleep(PATIENCE)
    assert len(pool.look()) == 1
    assert pool.read(run).state_name == "AwaitingRetry"


def test_what_the_agent_itself_works_on_is_not_left(pool: Pool) -> None:
    mine, unlabelled = pool.run(Running(), "pod-new"), pool.run(Running(), None)
    time.sleep(PATIENCE)
    assert pool.look(mine=[mine, unlabelled]) == []


def test_a_run_of_the_agent_itself_whose_end_the_server_has_lost_goes_on(pool: Pool) -> None:
    lost, mine = pool.run(Running(), "pod-new"), pool.run(Running(), "pod-new")
    assert pool.look(mine=[mine]) == [], "its end may be on its way"
    time.sleep(PATIENCE)
    assert len(pool.look(mine=[mine])) == 1
    assert [pool.read(run).state_name for run in (lost, mine)] == ["AwaitingRetry", "Running"]


def test_a_reconcile_of_a_silent_watcher_ends_and_that_of_a_living_one_does_not(pool: Pool) -> None:
    tags = (keys.environment_tag(pool.environment), keys.WATCH_TAG)
    old, other = pool.run(Running(), "pod-old", *tags), pool.run(Running(), "pod-other", *tags)
    time.sleep(PATIENCE)
    pool.says("pod-other")
    assert len(pool.look()) == 1
    assert [pool.read(run).state_name for run in (old, other)] == ["Crashed", "Running"]


def test_runs_that_ended_or_wait_stay_as_they_are(pool: Pool) -> None:
    waiting = pool.run(State(type=StateType.PAUSED, name="Suspended"), "pod-old")
    crashed = pool.run(Crashed(), "pod-old")
    time.sleep(PATIENCE)
    assert pool.look() == []
    assert [pool.read(run).state_name for run in (waiting, crashed)] == ["Suspended", "Crashed"]
