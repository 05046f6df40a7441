"""`towpath agent` on the real Prefect server: what runs cannot make it do, and what goes on after a kill."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.asking import insist
from tests.integration.manifests import configmap, deployment
from tests.integration.running import RunningStack
from tests.integration.watched import Watched, watched
from towpath.orchestration import keys

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def here(stack: RunningStack) -> Iterator[Watched]:
    with watched(stack) as made:
        yield made


def deployed(here: Watched, name: str, flow: str, **more: Any) -> str:
    """A deployment in the agent's pool; its id."""
    flow_id = here.api.post("/flows/", json={"name": flow}).json()["id"]
    body = {"name": name, "flow_id": flow_id, "work_pool_name": keys.pool(here.environment), **more}
    return str(insist(lambda: here.api.post("/deployments/", json=body)).json()["id"])


def started(here: Watched, deployment: str, **more: Any) -> dict[str, Any]:
    path = f"/deployments/{deployment}/create_flow_run"
    found: dict[str, Any] = insist(lambda: here.api.post(path, json=more)).json()
    return found


def run(here: Watched, run: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = here.api.get(f"/flow_runs/{run['id']}").json()
    return found


def ended(here: Watched, begun: dict[str, Any]) -> dict[str, Any]:
    """The run's last state."""
    final = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")
    here.until(lambda: run(here, begun)["state_type"] in final, "the run has ended")
    state: dict[str, Any] = run(here, begun)["state"]
    return state


@pytest.mark.parametrize(
    "variables",
    [
        {"command": "touch MARKER"},
        {"env": {"TOWPATH_ENVIRONMENTS": "MARKER"}},
        {"working_dir": "/tmp"},
        {"image": "registry.example.com/other"},
        {"stream_output": False},
    ],
)
def test_the_pool_takes_no_variables_of_a_run_or_a_deployment(
    here: Watched, variables: dict[str, Any]
) -> None:
    mine = deployed(here, "plain", keys.RECONCILE)
    answer = here.api.post(f"/deployments/{mine}/create_flow_run", json={"job_variables": variables})
    assert answer.status_code == 422
    body = {
        "name": "other",
        "flow_id": here.api.post("/flows/", json={"name": keys.RECONCILE}).json()["id"],
        "work_pool_name": keys.pool(here.environment),
        "job_variables": variables,
    }
    assert here.api.post("/deployments/", json=body).status_code in (409, 422)


def test_code_that_a_deployment_names_is_not_run(here: Watched, tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    (tmp_path / "evil.py").write_text(
        f"from prefect import flow\nopen({str(marker)!r}, 'w').close()\n@flow\ndef reconcile(**_): pass\n"
    )
    step = {"prefect.deployments.steps.run_shell_script": {"script": f"touch {marker}"}}
    mine = deployed(
        here,
        "evil",
        keys.RECONCILE,
        entrypoint="evil.py:reconcile",
        path=str(tmp_path),
        pull_steps=[step],
        parameters={"environment": here.environment},
    )
    state = ended(here, started(here, mine))
    assert (state["type"], "in sync" in state["message"]) == ("COMPLETED", True)
    assert not marker.exists()


@pytest.mark.parametrize(
    ("flow", "parameters", "why"),
    [
        ("reconcile", {"environment": "prod"}, "nothing for another environment"),
        ("rollback", {"environment": "prod", "app": "hello"}, "nothing for another environment"),
        (
            "promote",
            {"environment": "prod", "app": "hello", "digest": "x"},
            "nothing for another environment",
        ),
        ("reconcile", {}, "nothing for another environment"),
        ("deliver", {"app": "hello", "revision": "main"}, "no flow of another name"),
        ("steal", {}, "no flow of another name"),
        ("reconcile", {"environment": "HERE", "apps": ["x" * 70_000]}, "more than 65536 bytes"),
    ],
)
def test_what_is_not_for_this_agent_fails_before_anything_is_read(
    here: Watched, flow: str, parameters: dict[str, Any], why: str
) -> None:
    given = {**parameters, **({"environment": here.environment} if "apps" in parameters else {})}
    commit = here.git("rev-parse", "HEAD")
    state = ended(here, started(here, deployed(here, f"bad-{flow}", flow), parameters=given))
    assert state["type"] == "FAILED"
    assert why in state["message"]
    assert here.git("ls-remote", str(here.repository), "main").split()[0] == commit


@pytest.mark.parametrize(
    "parameters", [{"apps": "hello"}, {"apps": [1]}, {"deep": "perhaps"}, {"unknown": True}]
)
def test_parameters_of_another_type_end_the_run(here: Watched, parameters: dict[str, Any]) -> None:
    mine = deployed(here, "typed", keys.RECONCILE)
    state = ended(here, started(here, mine, parameters={"environment": here.environment, **parameters}))
    assert state["type"] == "FAILED"


def wait_for_ever(name: str) -> dict[str, Any]:
    """A workload whose pod finds no node: verification waits until its deadline."""
    made = deployment(name)
    made["spec"]["replicas"] = 1
    made["spec"]["template"]["spec"]["nodeSelector"] = {"towpath.dev/nowhere": "true"}
    return made


def held(here: Watched) -> bool:
    answer = here.api.get(f"/v2/concurrency_limits/{keys.lock_name(here.environment)}").json()
    return bool(answer["active_slots"])


@pytest.fixture
def stuck(stack: RunningStack) -> Iterator[Watched]:
    """An environment whose agent polls Git rarely: what is pushed waits for a run."""
    with watched(stack, options=("--interval=900",)) as made:
        yield made


@pytest.mark.parametrize("name", ["same", "another"])
def test_a_run_goes_on_when_its_killed_agent_is_back_whatever_its_name(stuck: Watched, name: str) -> None:
    here = stuck
    options = [f"--name={here.environment}-{name}"] if name == "another" else []
    here.push({"app": [configmap("c0", a="1"), wait_for_ever("slow")]}, timeout="600s")
    begun = started(
        here, deployed(here, "long", keys.RECONCILE), parameters={"environment": here.environment}
    )
    here.until(lambda: here.live("slow", "deployment") and held(here), "it is verified under the lock")
    here.until(lambda: noted(here, begun), "its lease is noted")
    here.stop(signal.SIGKILL)
    assert run(here, begun)["state_type"] == "RUNNING"
    start_again(here, "--interval=900", *options)
    here.until(lambda: run(here, begun)["run_count"] == 2, "the run goes on")
    here.until(lambda: held(here) and run(here, begun)["state_type"] == "RUNNING", "it holds the lock again")
    cancel(here, begun)


def start_again(here: Watched, *options: str) -> None:
    """Start the agent, until it polls."""
    before = here.log.count("started!")
    here.start(*options, wait=False)
    here.until(lambda: here.log.count("started!") > before, "the agent polls")


def noted(here: Watched, begun: dict[str, Any]) -> bool:
    """Whether the run has written down under which lease it holds the lock."""
    return keys.LEASE_LABEL in run(here, begun)["labels"]


def cancel(here: Watched, begun: dict[str, Any]) -> None:
    """As the UI does."""
    state = {"type": "CANCELLING", "name": "Cancelling"}
    insist(lambda: here.api.post(f"/flow_runs/{begun['id']}/set_state", json={"state": state}))
    assert ended(here, begun)["type"] == "CANCELLED"
    here.until(lambda: not held(here), "its lock is free")


def test_a_watcher_s_run_that_was_killed_with_it_is_done_by_the_next(stack: RunningStack) -> None:
    with watched(stack) as here:
        here.push({"app": [configmap("c0", a="1"), wait_for_ever("slow")]}, timeout="600s")
        here.until(lambda: here.live("slow", "deployment") and held(here), "it is verified under the lock")
        [left] = here.runs("RUNNING")
        here.until(lambda: noted(here, left), "its lease is noted")
        here.stop(signal.SIGKILL)
        start_again(here)
        here.until(lambda: run(here, left)["state_type"] == "CRASHED", "the old run has ended")
        assert "the next reconcile does the rest" in run(here, left)["state"]["message"]
        here.until(lambda: not held(here), "its lock is free")


def test_what_is_deleted_while_its_app_is_verified_is_back_long_before_the_deadline(
    stack: RunningStack,
) -> None:
    with watched(stack) as here:
        service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}}
        service["spec"] = {"selector": {"app": "slow"}, "ports": [{"port": 80}]}
        here.push({"app": [service, wait_for_ever("slow")]}, timeout="3000s")
        here.until(lambda: here.live("slow", "deployment") and held(here), "it is verified under the lock")
        uid = here.live("web", "service")["metadata"]["uid"]
        here.world.kubectl("delete", "service", "web")
        here.until(
            lambda: (live := here.live("web", "service")) and live["metadata"]["uid"] != uid, "it is back"
        )


def test_a_killed_run_does_not_stay_running(stuck: Watched) -> None:
    here = stuck
    here.push({"app": [configmap("c0", a="1"), wait_for_ever("slow")]}, timeout="600s")
    begun = started(
        here, deployed(here, "long", keys.RECONCILE), parameters={"environment": here.environment}
    )
    here.until(lambda: here.live("slow", "deployment") and held(here), "it is verified under the lock")
    here.until(lambda: noted(here, begun), "its lease is noted")
    here.until(lambda: run(here, begun)["infrastructure_pid"], "its process is noted")
    os.kill(int(run(here, begun)["infrastructure_pid"]), signal.SIGKILL)
    assert ended(here, begun)["type"] == "CRASHED"
    again = started(
        here, deployed(here, "long", keys.RECONCILE), parameters={"environment": here.environment}
    )
    here.until(lambda: run(here, again)["state_type"] == "RUNNING", "the agent goes on")
    cancel(here, again)
