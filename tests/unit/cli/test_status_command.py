"""`towpath status`: its filters, and what it does without."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.unit.cli.prefect_server import PrefectServer, prefect_server
from tests.unit.cli.running_app import CONFIG, RunningApp
from towpath.cli.views.status import Line
from towpath.engine.source.news import sources_mark
from towpath.engine.source.repository import read_repository
from towpath.orchestration import keys
from towpath.settings import Settings

WELL = Line("hello", "dev", release="sha256:1", health="Healthy", drift="in sync", verified_at="2026-01-01")


@pytest.fixture
def server(app: RunningApp, monkeypatch: pytest.MonkeyPatch) -> Iterator[PrefectServer]:
    """What the last reconciles published: dev is well, prod is degraded."""
    import os

    app.begin("dev", "prod")
    with prefect_server() as started:
        monkeypatch.setenv("PREFECT_API_URL", started.url)
        repo = read_repository(Settings.load(os.environ))
        for name, health in (("dev", "Healthy"), ("prod", "Degraded")):
            state = repo.release("hello", name)
            assert state
            started.tables[f"status-{name}"] = [
                {
                    "app": "hello", "health": health, "drift": "in sync", "detail": "",
                    "release": state.release.id, "sources": sources_mark(repo, "hello", name),
                    "at": "2026-01-01T00:00:00+00:00",
                }
            ]  # fmt: skip
        yield started


def shown(app: RunningApp, *arguments: str) -> list[tuple[str, str]]:
    done = app.run("status", *arguments, "--output", "json")
    assert done.exit_code == 0, done.output
    return [(line["app"], line["environment"]) for line in json.loads(done.stdout)["apps"]]


def test_only_what_is_not_well_is_shown(app: RunningApp, server: PrefectServer) -> None:
    assert shown(app) == [("hello", "dev"), ("hello", "prod")]
    assert shown(app, "--problems") == [("hello", "prod")]
    assert shown(app, "--problems", "--environment", "dev") == []
    text = app.run("status", "--problems", "--environment", "dev").output
    assert text == "All is as it should be.\n"


def test_where_no_keys_are_trusted_none_is_read_and_nothing_is_rendered(
    app: RunningApp, server: PrefectServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TOWPATH_TRUSTED_KEYS")
    code = (
        "import sys\nfrom towpath.cli.main import main\n"
        "main.main(['status'], standalone_mode=False)\n"
        "heavy = {'asyncio', 'cryptography', 'prefect', 'semver', 'towpath.engine.source.render'}\n"
        "loaded = heavy & sys.modules.keys()\n"
        "sys.exit(' '.join(loaded) or 0)"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Degraded" in done.stdout


GRAPH = CONFIG.replace(
    "[{name: dev, namespace: dev}, {name: prod, namespace: prod}]",
    "[{name: last, namespace: last, after: {any: [prod, lab]}}, {name: prod, namespace: prod, after: [dev]},"
    " {name: lab, namespace: lab}, {name: dev, namespace: dev}]",
)


def test_a_graph_is_shown_in_its_order_with_what_each_comes_after(
    app: RunningApp, server: PrefectServer
) -> None:
    assert json.loads(app.run("status", "--output", "json").stdout)["environments"][1]["after"] == []
    assert "AFTER" not in app.run("status").output
    app.world.write({"towpath.yaml": GRAPH}, "A graph\n\nMark: g\n", ("Mark", "g"))
    assert [name for _, name in shown(app)] == ["lab", "dev", "prod", "last"]
    found = json.loads(app.run("status", "--output", "json").stdout)
    after = [[], [], [["dev"]], [["prod", "lab"]]]
    assert [each["after"] for each in found["environments"]] == after
    assert [each["after"] for each in found["apps"]] == after
    lines = app.run("status").output.splitlines()
    assert [line.split()[:3] for line in lines[:3]] == [
        ["APP", "ENVIRONMENT", "AFTER"],
        ["hello", "lab", "-"],
        ["hello", "dev", "-"],
    ]
    assert lines[4].startswith("hello  last         prod or lab")
    only = app.run("history", "hello", "--environment", "prod")
    assert only.output.splitlines()[0].split()[:3] == ["WHEN", "ENVIRONMENT", "AFTER"]
    told = json.loads(app.run("history", "hello", "--output", "json").stdout)
    assert {each["environment"]: each["after"] for each in told} == {"dev": [], "prod": [["dev"]]}


def test_what_soaks_is_shown_with_its_end_and_is_no_problem(app: RunningApp, server: PrefectServer) -> None:
    server.add("1" * 8, "promote", "promote hello 1111111 to prod", "SCHEDULED", app="hello")
    run = server.runs["1" * 8]
    run["parameters"] |= {"environment": "dev"}
    run["state"] |= {"name": keys.SOAKS, "state_details": {"scheduled_time": "2026-01-02T10:00:00Z"}}
    found = json.loads(app.run("status", "--environment", "dev", "--output", "json").stdout)
    [waits] = found["apps"][0]["waiting"]
    assert (waits["for"], waits["until"]) == ("its soak time", "2026-01-02T10:00:00+00:00")
    assert "its soak time, until 01-0" in app.run("status").output
    assert shown(app, "--problems", "--environment", "dev") == []


def test_apps_are_chosen_and_a_misspelt_one_is_told(app: RunningApp, server: PrefectServer) -> None:
    server.tables["status-dev"].append({"app": "left", "health": "", "drift": "left Git: 1 object"})
    assert shown(app, "--app", "left") == [("left", "dev")]
    assert shown(app, "--app", "left", "--app", "hello", "--problems") == [("left", "dev"), ("hello", "prod")]
    assert "Did you mean hello?" in str(app.run("status", "--app", "helo").exception)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({}, False),
        ({"drift": "synced, left to its autoscaler"}, False),
        ({"health": "Suspended"}, False),
        ({"release": "", "health": "", "drift": "", "verified_at": ""}, False),
        ({"drift": "in sync, 2 to delete"}, True),
        ({"drift": "drifted: 1 object"}, True),
        ({"health": "Unknown"}, True),
        ({"health": ""}, True),
        ({"verified_at": ""}, True),
        ({"newer": "1a2b3c4 Change"}, True),
        ({"undelivered": "1a2b3c4"}, True),
        ({"paused": "paused until then"}, True),
        ({"error": "cannot be rendered"}, True),
        ({"waiting": ({"run": "1", "until": ""},)}, True),
        ({"waiting": ({"run": "1", "until": "2026-01-01T00:00:00+00:00"},)}, False),
    ],
)
def test_what_counts_as_a_problem(change: dict[str, object], problem: bool) -> None:
    assert replace(WELL, **change).is_problem is problem  # type: ignore[arg-type]
