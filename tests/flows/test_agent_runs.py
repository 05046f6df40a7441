"""A real agent on a real server, whose flow only sleeps: runs go on, are suspended, or wait for a slot."""

import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from benchmarks.forks import Agent, counted, start
from benchmarks.prefect_server import ask, deploy, variables
from tests.flows.server_database import migrated_server
from tests.forks import Forks
from towpath.orchestration import keys

pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.skipif(sys.platform != "linux", reason="agents run on Linux"),
]
PATIENCE = 120.0
GOES_ON_WITHIN = {"pod-a": 10.0, "pod-b": 40.0}
"""Seconds from the time at which a new agent polls. One of another name may work still, though a busy server
holds its signs of life.
"""


AGENTS = Forks("tests.flows.agent_server")


class Here:
    """The server, and what it has."""

    def __init__(self, folder: Path, api: httpx.Client) -> None:
        self.folder, self.api = folder, api
        self.deployment = deploy(api, keys.DELIVER, None)

    @contextmanager
    def agent(self, name: str, limit: int = 4) -> Iterator[Agent]:
        url = str(self.api.base_url).rstrip("/")
        program = AGENTS.command({**variables(self.folder), "PREFECT_API_URL": url})
        agent = start(self.folder, self.api, limit, name, program)
        try:
            yield agent
        finally:
            agent.process.send_signal(signal.SIGTERM)
            agent.process.wait(90)

    def run(self, seconds: float) -> str:
        body = {"parameters": {"app": "app", "revision": str(seconds)}}
        return str(ask(self.api, "POST", f"/deployments/{self.deployment}/create_flow_run", body)["id"])

    def read(self, run: str) -> dict[str, Any]:
        found: dict[str, Any] = ask(self.api, "GET", f"/flow_runs/{run}")
        return found

    def state(self, run: str) -> str:
        return str(self.read(run)["state_name"])

    def set(self, run: str, **state: str) -> None:
        ask(self.api, "POST", f"/flow_runs/{run}/set_state", {"state": state})

    def events(self, run: str) -> list[str]:
        """The names of a run's events, the newest first."""
        resource = {"id": [f"prefect.flow-run.{run}"]}
        found = ask(self.api, "POST", "/events/filter", {"filter": {"resource": resource, "order": "DESC"}})
        return [event["event"] for event in found["events"]]

    def until(self, holds: Callable[[], object], promise: str, seconds: float = PATIENCE) -> float:
        begun = time.monotonic()
        while not holds():
            assert time.monotonic() - begun < seconds, promise
            time.sleep(0.1)
        return time.monotonic() - begun


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Here]:
    folder = tmp_path_factory.mktemp("agent")
    with migrated_server(folder) as api:
        yield Here(folder, api)
    AGENTS.end()


@pytest.mark.parametrize("successor", ["pod-a", "pod-b"])
def test_what_a_killed_agent_left_goes_on_in_the_next_whatever_its_name(here: Here, successor: str) -> None:
    with here.agent("pod-a") as killed:
        run = here.run(4)
        here.until(lambda: here.state(run) == "Running", "it runs")
        killed.process.kill()
        killed.process.wait()
        assert here.state(run) == "Running"
    with here.agent(successor):
        here.until(lambda: here.read(run)["run_count"] == 2, "it goes on", GOES_ON_WITHIN[successor])
        here.until(lambda: here.state(run) == "Completed", "it ends")


def test_a_second_agent_leaves_what_the_first_works_on_to_it(here: Here) -> None:
    with here.agent("pod-a") as first:
        run = here.run(14)
        here.until(lambda: here.state(run) == "Running", "it runs")
        with here.agent("pod-b") as second:
            here.until(lambda: here.state(run) == "Completed", "it ends")
            assert here.read(run)["run_count"] == 1
            assert counted(second) == {}
        assert counted(first) == {"completed": 1}


def test_a_run_that_is_suspended_from_outside_stops_there_and_goes_on_when_it_is_resumed(here: Here) -> None:
    with here.agent("pod-a") as agent:
        run = here.run(60)
        here.until(lambda: here.state(run) == "Running", "it runs")
        here.set(run, type="PAUSED", name="Suspended")
        here.until(lambda: counted(agent), "its process has ended, after the step at which it was told")
        assert here.state(run) == "Suspended"
        assert counted(agent) == {"suspended": 1}
        here.until(
            lambda: here.events(run)[:1] == ["prefect.flow-run.process-ended"],
            "no heartbeat is awaited of a run that waits",
        )
        here.set(run, type="SCHEDULED", name="Resuming")
        here.until(lambda: (here.state(run), here.read(run)["run_count"]) == ("Running", 2), "it goes on")
        here.set(run, type="CANCELLING", name="Cancelling")
        here.until(lambda: here.state(run) == "Cancelled", "it is cancelled")


def test_a_run_is_cancelled_at_work(here: Here) -> None:
    with here.agent("pod-a") as agent:
        run = here.run(60)
        here.until(lambda: here.state(run) == "Running", "it runs")
        time.sleep(1)
        here.set(run, type="CANCELLING", name="Cancelling")
        here.until(lambda: here.state(run) == "Cancelled", "it is cancelled", 30)
        here.until(lambda: counted(agent) == {"cancelled": 1}, "it is counted", 30)


def test_a_run_waits_for_a_slot_and_begins_when_one_is_free(here: Here) -> None:
    with here.agent("pod-a", limit=1) as agent:
        first, second = here.run(3), here.run(0)
        waiting = "towpath_runs_waiting"
        here.until(lambda: f'{waiting}{{environment="build"}} 1.0' in metrics(agent), "one waits")
        here.until(lambda: here.state(second) == "Completed", "both end")
        ended = time_of(here.read(first)["end_time"])
        assert time_of(here.read(second)["start_time"]) - ended < 8, "it did not wait for the next poll"
        here.until(lambda: f'{waiting}{{environment="build"}} 0.0' in metrics(agent), "none waits")


def metrics(agent: Agent) -> str:
    return httpx.get(f"{agent.address}/metrics").text


def time_of(text: str) -> float:
    from datetime import datetime

    return datetime.fromisoformat(text).timestamp()


def test_what_is_not_for_the_agent_is_refused_and_counted_so(here: Here) -> None:
    other = deploy(here.api, "steal", None)
    with here.agent("pod-a") as agent:
        run = str(ask(here.api, "POST", f"/deployments/{other}/create_flow_run", {})["id"])
        here.until(lambda: here.state(run) == keys.REFUSED, "it is refused")
        assert here.read(run)["state_type"] == "FAILED"
        here.until(lambda: counted(agent) == {"refused": 1}, "it is counted")
