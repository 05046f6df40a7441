"""The door before a real Prefect server: a request starts one run, and its state can be followed."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterTags
from prefect.client.schemas.objects import FlowRun

from tests.flows.bench import Bench
from tests.forks import towpath_command
from tests.unit.door.opened import Opened, asking, door_text, opened
from tests.unit.door.prefect_stand_in import StandIn
from towpath.orchestration import keys
from towpath.orchestration.api import PrefectApi
from towpath.orchestration.delivery.repository import publish_repository


@pytest.fixture
def url(prefect_server: None) -> str:
    with get_client(sync_client=True) as client:
        return str(client.api_url).rstrip("/")


@pytest.fixture
def door(url: str, tmp_path: Path) -> Iterator[Opened]:
    text = door_text(tmp_path, "https://ci.example.com").replace("apps: [shop]", "apps: [hello]")
    with opened(text, StandIn(url)) as found:
        yield found


def deliveries(commit: str) -> list[FlowRun]:
    """The runs of `deliver` for a commit."""
    wanted = FlowRunFilter(tags=FlowRunFilterTags(all_=[keys.commit_tag(commit[:7])]))
    with get_client(sync_client=True) as client:
        return [
            run for run in client.read_flow_runs(flow_run_filter=wanted) if run.name.startswith("deliver")
        ]


def test_requests_for_a_commit_start_exactly_one_run(door: Opened, bench: Bench) -> None:
    commit = bench.push("hello", {"new.txt": "1"}, "For the door")
    answers = [door.signed(asking(commit=commit)) for _ in range(3)]
    assert [answer.status for answer in answers] == [202, 200, 200], answers
    (run,) = deliveries(commit)
    assert run.parameters == {"app": "hello", "revision": commit}
    assert "by:door" in run.tags
    assert {each["id"] for answer in answers for each in answer.json["deliveries"]} == {str(run.id)}
    assert door.ask("GET", f"/deliveries/{run.id}").json["state"] == "scheduled"
    done = bench.work(run.id)
    assert done.state
    assert done.state.is_completed(), done.state
    shown = door.ask("GET", f"/deliveries/{run.id}").json
    assert (shown["state"], [each["flow"] for each in shown["runs"]]) == ("running", ["deliver", "promote"])
    assert shown["runs"][1]["environment"] == "dev"


def test_the_door_is_ready_and_shows_no_other_runs(door: Opened, bench: Bench) -> None:
    assert door.ask("GET", "/readyz").text == "ok\n"
    run = bench.start("reconcile/reconcile-dev", environment="dev")
    assert door.ask("GET", f"/deliveries/{run.id}").status == 404


def test_a_verb_for_another_repository_starts_nothing(
    url: str, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = bench.push("hello", {"new.txt": "2"}, "For another repository")
    monkeypatch.setenv("PREFECT_API_URL", url)
    api = PrefectApi(url)
    program = [*towpath_command(), "deliver", "hello", "--revision", commit, "--detach"]

    def deliver() -> "subprocess.CompletedProcess[str]":
        return subprocess.run(program, capture_output=True, text=True, timeout=120, check=False)

    try:
        publish_repository(api, None, "https://git.example.com/other/environments.git", "main")
        refused = deliver()
        assert (refused.returncode, refused.stdout, deliveries(commit)) == (1, "", []), refused
        assert "works on https://git.example.com/other/environments.git" in refused.stderr
        publish_repository(api, None, f"file://{bench.environments}", "main")
        accepted = deliver()
        assert (accepted.returncode, len(deliveries(commit))) == (0, 1), accepted
    finally:
        api.request("DELETE", f"/variables/name/{keys.repository_variable(None)}")
