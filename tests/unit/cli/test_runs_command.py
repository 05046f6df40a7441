"""`towpath runs`: what was started, and following it again."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests.unit.cli.completion.test_completion import offered
from tests.unit.cli.prefect_server import PrefectServer, prefect_server
from tests.unit.cli.running_app import RunningApp
from towpath.cli.completion.known_runs import FILE
from towpath.cli.main import main

OLD, NEW = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PrefectServer]:
    monkeypatch.delenv("TOWPATH_ENVIRONMENTS", raising=False)
    monkeypatch.setenv("TOWPATH_CACHE", str(tmp_path))
    with prefect_server() as started:
        monkeypatch.setenv("PREFECT_API_URL", started.url)
        started.add(OLD, "deliver", "deliver hello 1111111", "COMPLETED", app="hello", minute=1)
        started.add(NEW, "promote", "promote hello 1111111 to prod", "PAUSED", app="hello", minute=2)
        started.runs[NEW]["tags"] = ["app:hello", "environment:prod", "by:alice"]
        started.runs[NEW]["parameters"] = {"app": "hello", "environment": "prod"}
        yield started


def runs(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["runs", *arguments])


def test_runs_are_listed_with_who_started_them(server: PrefectServer) -> None:
    done = runs()
    assert done.exit_code == 0, done.output
    rows = [line.split() for line in done.output.splitlines()]
    assert [row[0] for row in rows] == ["RUN", "22222222", "11111111"]
    assert "alice" in rows[1]
    assert "towpath" in rows[2]


def test_what_was_shown_is_completed_without_asking_the_server(
    server: PrefectServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert offered("runs", "--follow", "") == []
    assert runs().exit_code == 0
    server.runs.clear()
    assert offered("runs", "--follow", "") == [NEW, OLD]
    assert offered("runs", "--follow", OLD[:2]) == [OLD]
    assert offered("approve", "hello", "--run", "") == [NEW], "the other one does not wait"
    assert offered("reject", "other", "--run", "") == []
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:1/api")
    assert offered("runs", "--follow", "") == [], "they are another server's"
    (tmp_path / FILE).write_text("[{}")
    assert offered("runs", "--follow", "") == []


def test_json_has_times_the_starter_and_the_page(server: PrefectServer) -> None:
    newest, oldest = json.loads(runs("--output", "json").stdout)
    assert (newest["id"], newest["by"], newest["flow"]) == (NEW, "alice", "promote")
    assert newest["url"].endswith(f"/runs/flow-run/{NEW}")
    assert oldest["created"] == "2026-01-01T00:01:00+00:00"


@pytest.mark.parametrize(
    ("arguments", "ids"),
    [
        (("--state", "waiting"), [NEW]),
        (("--state", "waiting", "--state", "succeeded"), [NEW, OLD]),
        (("--state", "failed"), []),
        (("--flow", "deliver"), [OLD]),
        (("--flow", "reconcile"), []),
        (("--environment", "prod"), [NEW]),
        (("--app", "hello", "-n", "1"), [NEW]),
        (("--app", "other"), []),
    ],
)
def test_filters_narrow_the_list_down(
    server: PrefectServer, arguments: tuple[str, ...], ids: list[str]
) -> None:
    assert [run["id"] for run in json.loads(runs(*arguments, "--output", "json").stdout)] == ids


def test_runs_that_are_scheduled_for_later_are_not_listed(server: PrefectServer) -> None:
    server.add("3" * 8 + OLD[8:], "promote", "later", "SCHEDULED", app="hello", minute=3)
    server.runs["3" * 8 + OLD[8:]]["expected_start_time"] = "2999-01-01T00:00:00Z"
    assert [run["id"] for run in json.loads(runs("--output", "json").stdout)] == [NEW, OLD]


@pytest.mark.parametrize(
    "named", [OLD, OLD[:8], OLD[:12], f"https://prefect.example.com/runs/flow-run/{OLD}"]
)
def test_a_run_is_followed_by_its_id_its_first_digits_or_its_page(server: PrefectServer, named: str) -> None:
    done = runs("--follow", named)
    assert done.exit_code == 0, done.output
    assert "deliver hello 1111111" in done.output


def test_following_one_that_waits_says_how_to_approve(server: PrefectServer) -> None:
    done = runs("--follow", NEW)
    assert done.exit_code == 0, done.output
    assert "towpath approve hello --environment prod --as NAME" in done.output


def test_following_one_that_failed_fails_with_its_message(server: PrefectServer) -> None:
    server.runs[OLD]["state"] |= {"type": "FAILED", "name": "Failed", "message": "the image does not build"}
    done = runs("--follow", OLD[:8])
    assert done.exit_code == 1
    assert "the image does not build" in str(done.exception)


@pytest.mark.parametrize("named", ["44444444", "11", "nonsense-of-a-run"])
def test_a_run_that_is_not_there_is_an_error(server: PrefectServer, named: str) -> None:
    done = runs("--follow", named)
    assert done.exit_code == 1
    assert "unknown run" in str(done.exception)


def test_a_filter_beside_follow_is_wrong_usage(server: PrefectServer) -> None:
    assert runs("--follow", OLD, "--app", "hello").exit_code == 2


def test_a_misspelt_app_is_told_with_the_nearest(
    app: RunningApp, server: PrefectServer, monkeypatch: Any
) -> None:
    monkeypatch.setenv("TOWPATH_ENVIRONMENTS", app.world.url)
    done = runs("--app", "helo")
    assert done.exit_code == 1
    assert "Did you mean hello?" in str(done.exception)
