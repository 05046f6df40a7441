"""Canary runs on the real Prefect server: who takes them, what is left of them, what whoever asks is told."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from prefect.client.orchestration import get_client
from prefect.settings import get_current_settings
from prefect.states import Completed, Failed, Running

from towpath.agent.answering import Answering
from towpath.engine.verify.agents import AgentPod
from towpath.fence import Fence, put_up
from towpath.orchestration import canaries
from towpath.orchestration.agent_worker import Child
from towpath.orchestration.api import PrefectApi
from towpath.orchestration.canaries import NO_POD, Asking, CanaryRuns, host_of

CHILD = """\
import sys
from towpath.orchestration.execution.flow_child import execute
from towpath.orchestration.installed_flows import SHOWS
execute(sys.argv[1], sys.argv[2], "", SHOWS)
"""
"""What the forked child of a canary run does, as a program of its own."""
POD = "towpath-agent-dev-5d4-x7k2p"


@pytest.fixture
def url(prefect_server: None) -> str:
    return str(get_current_settings().api.url)


@pytest.fixture
def runs(url: str) -> Iterator[CanaryRuns]:
    api = PrefectApi(url)
    yield CanaryRuns(api)
    api.close()


@pytest.fixture
def environment() -> str:
    """A name that no other test uses."""
    return f"t{uuid4().hex[:6]}"


class Forked:
    """Carries out runs in processes of their own."""

    def __init__(self, environment: str, **variables: str) -> None:
        self._environment, self.runs = environment, list[str]()
        settings = get_current_settings().to_environment_variables(exclude_unset=True)
        self._variables = {**os.environ, **settings, **variables}

    async def fork(self, run: str) -> Child:
        command = (sys.executable, "-c", CHILD, run, self._environment)
        process = await asyncio.create_subprocess_exec(*command, env=self._variables)
        child = Child(process.pid)
        self.runs.append(run)

        async def wait() -> None:
            child.returncode = await process.wait()
            child.ended.set()

        self._waiting = asyncio.create_task(wait())
        return child


def repository(folder: Path, environment: str) -> dict[str, str]:
    """An environment repository, and the variables of an agent that has no key."""
    work = folder / "environments"
    work.mkdir()
    (work / "towpath.yaml").write_text(
        f"apiVersion: towpath.dev/v2\napps: {{}}\nenvironments: [{{name: {environment}, namespace: a}}]\n"
    )
    identity = ("-c", "user.name=x", "-c", "user.email=x@y")
    for command in (("init", "-q", "-b", "main"), ("add", "-A"), (*identity, "commit", "-qm", "Begin")):
        subprocess.run(("git", *command), cwd=work, check=True)
    own = {f"TOWPATH_{name}": str(folder / name.lower()) for name in ("HOME", "CACHE")}
    return {**own, "TOWPATH_ENVIRONMENTS": str(work), "TOWPATH_GIT_ALLOW_FILE": "1"}


def test_the_agent_in_the_pod_that_is_named_carries_it_out_though_it_does_not_lead(
    url: str, runs: CanaryRuns, environment: str, tmp_path: Path
) -> None:
    mine, other = runs.ask(environment, POD), runs.ask(environment, "another-pod")
    runs.ask("elsewhere", POD)
    forked = Forked(environment, **repository(tmp_path, environment))
    put_up(Fence())  # it is closed: a standby
    try:
        assert asyncio.run(Answering(url, environment, forked.fork, host=POD).turn()) == 1
    finally:
        put_up(None)
    assert forked.runs == [mine]
    done = runs.read(mine)
    assert (done.name, done.kind) == (f"canary of {environment} in {POD}", "FAILED")
    assert "trusted keys" in done.message, "what it lacks, of all that it tries"
    assert [run.id for run in runs.unanswered(environment)] == [other]


def test_it_carries_out_no_flow_of_another_name(url: str, environment: str, tmp_path: Path) -> None:
    with get_client(sync_client=True) as client:
        flow = client.create_flow_from_name("reconcile")
        made = client.request(
            "POST", "/flow_runs/", json={"flow_id": str(flow), "parameters": {"environment": environment}}
        ).json()
    forked = Forked(environment)

    async def carry_out() -> None:
        child = await forked.fork(made["id"])
        await child.ended.wait()

    asyncio.run(carry_out())
    with get_client(sync_client=True) as client:
        state = client.read_flow_run(UUID(made["id"])).state
    assert state is not None
    assert (state.name, "runs canary, and no flow of another name" in str(state.message)) == ("Refused", True)


def test_a_host_is_called_as_its_pod_as_far_as_names_of_hosts_go() -> None:
    assert host_of(POD) == POD
    assert host_of("a" * 62 + "-bcd") == "a" * 62


class Pods:
    """Pods of agents, of which each does with its run what `does` says."""

    def __init__(self, runs: CanaryRuns, environment: str, does: dict[str, Callable[[UUID], None]]) -> None:
        self.runs, self.environment, self.does, self.said = runs, environment, does, list[str]()
        self.asked = 0

    def __call__(self) -> list[AgentPod]:
        return [AgentPod(self.environment, "a", name) for name in sorted(self.does)]

    def sleep(self, _seconds: float) -> None:
        for run in self.runs.unanswered(self.environment):
            self.asked += 1
            self.does.get(str(run.parameters["pod"]), nothing)(UUID(run.id))

    def work(self, seconds: float = 60.0) -> list[str]:
        now = iter(range(1000))
        asking = Asking(
            self.runs, [self.environment], self, self.said.append, lambda: float(next(now)), self.sleep
        )
        return asking.until_all_work(seconds)


def state(made: Callable[[], object]) -> Callable[[UUID], None]:
    def set_(run: UUID) -> None:
        with get_client(sync_client=True) as client:
            client.set_flow_run_state(run, made(), force=True)  # type: ignore[arg-type]

    return set_


COMPLETES = state(lambda: Completed(message="it works"))


def nothing(_run: UUID) -> None:
    """It takes no run."""


def test_all_are_asked_and_what_they_say_is_told(runs: CanaryRuns, environment: str) -> None:
    pods = Pods(runs, environment, {"b": COMPLETES, "a": COMPLETES})
    assert pods.work() == []
    assert pods.said == ["Pod a/a: it works", "Pod a/b: it works"]
    assert pods.asked == 2


@pytest.mark.parametrize(
    ("does", "why"),
    [
        (nothing, "was not taken after 3 s"),
        (state(Running), "is Running after 3 s"),
        (state(lambda: Failed(message="no key")), "is Failed: no key"),
    ],
    ids=["not-taken", "not-ended", "failed"],
)
def test_who_does_not_work_is_named_and_no_run_waits_afterwards(
    runs: CanaryRuns, environment: str, does: Callable[[UUID], None], why: str
) -> None:
    pods = Pods(runs, environment, {"a": COMPLETES, "b": does})
    (said,) = pods.work(3.0)
    assert said == f"Pod a/b: its canary run {why}"
    assert runs.unanswered(environment) == []


def test_a_pod_in_another_s_place_is_asked_and_one_that_failed_is_asked_again(
    runs: CanaryRuns, environment: str
) -> None:
    pods = Pods(runs, environment, {"old": nothing})

    def replaced(_run: UUID) -> None:
        del pods.does["old"]
        pods.does["new"] = fails_once

    def fails_once(run: UUID) -> None:
        pods.does["new"] = COMPLETES
        state(Failed)(run)

    pods.does["old"] = replaced
    assert pods.work() == []
    assert runs.unanswered(environment) == [], "that of the pod that is gone"


def test_none_there_is_none_that_works(runs: CanaryRuns, environment: str) -> None:
    assert Pods(runs, environment, {}).work(3.0) == [NO_POD]


def test_what_one_that_was_killed_has_asked_is_removed(runs: CanaryRuns, environment: str) -> None:
    runs.ask(environment, "gone")
    assert Pods(runs, environment, {"a": COMPLETES}).work() == []
    assert runs.unanswered(environment) == []
    assert canaries.SECONDS <= 60.0
