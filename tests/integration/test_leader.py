"""Two agents of one environment: one works, and the other takes over when the first one is lost."""

import json
import os
import signal
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.integration.asking import insist
from tests.integration.manifests import configmap, deployment
from tests.integration.running import RunningStack
from tests.integration.watched import PATIENCE, Watched, watched
from towpath.kube.lease import lease_name
from towpath.orchestration import keys

pytestmark = [
    pytest.mark.integration,
    pytest.mark.timeout(900),
    pytest.mark.skipif(sys.platform != "linux", reason="agents run on Linux"),
]
MINUTE = 60.0
MANY, STOPS_AFTER = 60, 6
"""So many objects, and so many of them written: more than the agent applies when it starts."""
SELDOM = "--interval=900"
"""What is pushed waits for a run."""
WITHOUT_TIMER = (
    "from towpath.agent.end_timer import EndTimer; EndTimer.set = lambda *_: None\n"
    "from towpath.cli.main import run; run()"
)
"""An agent that the kernel does not end: what is left is that each write asks whether it leads."""


def share_lease(here: Watched) -> None:
    """Let its agents share a Lease that nobody holds: where there is none they would wait for a while."""
    lease = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "spec": {}}
    named = {**lease, "metadata": {"name": lease_name(here.environment)}}
    here.world.kubectl("create", "-f", "-", text=json.dumps(named))
    content = {
        "apiVersion": "towpath.dev/v1",
        "environment": here.environment,
        "leader": {"namespace": here.world.namespace, "leaseDuration": "10s"},
    }
    (here.folder / "agent.yaml").write_text(json.dumps(content))
    here.arguments += ("--config", str(here.folder / "agent.yaml"))


def another(here: Watched, **variables: str) -> Watched:
    """Another agent of the same environment, with a cache of its own; not started."""
    name = f"log-{uuid.uuid4().hex[:6]}"
    own = {f"TOWPATH_{each}": str(here.folder / f"{name}-{each}") for each in ("HOME", "CACHE")}
    kept = {key: each for key, each in here.variables.items() if key != "TOWPATH_FAILPOINT"}
    return replace(
        here, variables={**kept, **own, **variables}, forked=True, process=None, port=0, log_name=name
    )


@contextmanager
def two_agents(stack: RunningStack, *program: str, **variables: str) -> Iterator[tuple[Watched, Watched]]:
    """The one that leads, which runs `program` with these variables, and one that stands by."""

    def prepare(here: Watched) -> None:
        share_lease(here)
        here.variables |= variables
        here.program = program or here.program

    with ExitStack() as held:
        first = held.enter_context(watched(stack, options=(SELDOM,), forked=False, prepare=prepare))
        second = another(first)
        held.callback(end, second)
        second.start(SELDOM)
        assert "standby: " in second.get("/readyz").text
        yield first, second


def end(agent: Watched) -> None:
    if agent.process and agent.process.poll() is None:
        agent.process.kill()
        agent.process.wait()


def holder(here: Watched) -> str:
    live = here.world.find("lease", lease_name(here.environment))
    return str(((live or {}).get("spec") or {}).get("holderIdentity") or "")


def leads(agent: Watched) -> bool:
    return "this agent leads" in agent.get("/healthz").text


def read(here: Watched, run: str) -> dict[str, Any]:
    found: dict[str, Any] = here.api.get(f"/flow_runs/{run}").json()
    return found


def processes(pid: int) -> list[int]:
    """A process and all that descend from it."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []
    return [pid, *(each for child in children for each in processes(int(child)))]


def state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""


def written(here: Watched) -> dict[str, str]:
    """What changes with each write of an agent: to its objects, its inventory, its runs, its repository."""
    configmaps = json.loads(here.world.kubectl("get", "configmap", "-o", "json"))["items"]
    found = {each["metadata"]["name"]: each["metadata"]["resourceVersion"] for each in configmaps}
    workload = here.live("app-workload", "deployment")
    found["workload"] = str(workload and workload["metadata"]["generation"])
    found["git"] = here.git("ls-remote", str(here.repository))
    found["runs"] = str([(run["id"], run["state"]["id"]) for run in here.runs()])
    return found


def test_a_leader_that_is_lost_is_ended_by_the_kernel_and_the_other_leads_within_a_minute_and_goes_on(
    stack: RunningStack,
) -> None:
    """It is stopped as a whole, as by a machine that hangs, and nobody lets it go on."""
    with two_agents(stack) as (first, second), agent_without_rights(first) as third:
        run = long_run(first)
        assert second.metrics("towpath_agent_leads") == 0
        assert "towpath_watch_ready" not in second.get("/metrics").text
        before, process = holder(first), first.process
        assert process
        for pid in processes(process.pid):
            os.kill(pid, signal.SIGSTOP)
        second.until(lambda: leads(second), "the other leads", MINUTE)
        second.until(lambda: read(second, run)["run_count"] == 2, "the run goes on")
        assert process.wait(PATIENCE) == -signal.SIGKILL
        assert holder(first) not in ("", before)
        assert second.metrics("towpath_agent_leads") == 1
        says_what_it_lacks(third)
        second.push({"app": [configmap("c0", a="2")]}, timeout="600s")
        cancelling = {"state": {"type": "CANCELLING", "name": "Cancelling"}}
        insist(lambda: second.api.post(f"/flow_runs/{run}/set_state", json=cancelling))
        second.until(lambda: read(second, run)["state_type"] == "CANCELLED", "its child is killed")
        assert second.stop(signal.SIGTERM) == 0
        assert holder(first) == "", "it is given back"


def long_run(here: Watched) -> str:
    """A run of the agent that waits, under the lock, for what never becomes healthy; its id."""
    slow = deployment("slow")
    slow["spec"]["replicas"] = 1
    slow["spec"]["template"]["spec"]["nodeSelector"] = {"towpath.dev/nowhere": "true"}
    here.push({"app": [configmap("c0", a="1"), slow]}, timeout="600s")
    run = here.reconcile()
    here.until(lambda: keys.LEASE_LABEL in read(here, run)["labels"], "it works under the lock")
    here.until(lambda: here.live("slow", "deployment"), "it is verified")
    return run


@contextmanager
def agent_without_rights(here: Watched) -> Iterator[Watched]:
    """A further agent, whose account has no right to the Lease."""
    made = another(here, KUBECONFIG=str(nobody(here)))
    try:
        made.start(SELDOM, wait=False)
        yield made
    finally:
        end(made)


def says_what_it_lacks(agent: Watched) -> None:
    """It is alive, not ready, and names the right."""
    agent.until(lambda: "metrics and probes at" in agent.log, "it listens")
    agent.port = int(agent.log.partition("metrics and probes at http://")[2].split()[0].rpartition(":")[2])
    agent.until(lambda: "forbidden" in agent.get("/readyz").text, "it says why it cannot lead")
    assert agent.get("/readyz").status_code == 503
    assert agent.get("/healthz").status_code == 200
    assert "the chart, or `towpath rbac --lease`, gives them" in " ".join(agent.log.split())


def test_a_leader_that_was_stopped_for_longer_than_its_lease_writes_nothing_when_it_goes_on(
    stack: RunningStack,
) -> None:
    """The other one has applied another commit meanwhile: what the first had before it would be seen."""
    program = (sys.executable, "-c", WITHOUT_TIMER)
    stopping = {"TOWPATH_FAILPOINT": f"applied:{STOPS_AFTER}:stop"}
    with two_agents(stack, *program, **stopping) as (first, second):
        process = first.process
        assert process
        first.push({"app": [configmap(f"c{number}", a="first") for number in range(MANY)]})
        run = first.reconcile()
        first.until(
            lambda: "T" in map(state, processes(process.pid)), "its run is in the middle of its writes"
        )
        stopped = processes(process.pid)
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        left = [number for number in range(MANY) if first.value(f"c{number}") != "first"]
        assert left, "not all is written yet"
        first.push({"app": [configmap(f"c{number}", a="second") for number in range(MANY)]})
        second.until(lambda: leads(second), "the other leads", MINUTE)
        second.until(lambda: read(second, run)["state_type"] == "COMPLETED", "it did the rest")
        second.until(lambda: not second.runs("RUNNING", "PENDING", "SCHEDULED"), "nobody works")
        before = written(second)
        for pid in reversed(stopped):  # the run first, which is in the middle of its writes
            os.kill(pid, signal.SIGCONT)
        assert process.wait(PATIENCE) == 1
        deadline = time.monotonic() + PATIENCE
        while any(state(pid) not in ("", "Z", "X") for pid in stopped):
            assert time.monotonic() < deadline, "all of its processes end"
            time.sleep(0.1)
        assert "this agent does not lead any more" in first.log
        assert written(second) == before
        assert {second.value(f"c{number}") for number in range(MANY)} == {"second"}
        assert leads(second)


def nobody(here: Watched) -> Path:
    """A kubeconfig of somebody without any right."""
    content = yaml.safe_load(here.world.kubeconfig.read_text())
    for user in content["users"]:
        user["user"]["as"] = "nobody"
    path = here.folder / "nobody"
    path.write_text(yaml.safe_dump(content))
    return path
