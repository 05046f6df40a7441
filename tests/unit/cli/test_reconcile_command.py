"""`towpath reconcile ENVIRONMENT [APP]...`: what the run is asked for."""

from collections.abc import Iterator

import pytest

from tests.unit.cli.prefect_server import PrefectServer, prefect_server
from tests.unit.cli.running_app import RunningApp


@pytest.fixture
def server(app: RunningApp, monkeypatch: pytest.MonkeyPatch) -> Iterator[PrefectServer]:
    app.begin("dev")
    with prefect_server() as started:
        monkeypatch.setenv("PREFECT_API_URL", started.url)
        monkeypatch.setattr("towpath.orchestration.server.require_repository", lambda *_: None)
        yield started


def test_only_the_named_apps_are_reconciled_each_once(app: RunningApp, server: PrefectServer) -> None:
    done = app.run("reconcile", "dev", "hello", "hello", "--detach")
    assert done.exit_code == 0, done.output
    ((deployment, body),) = server.started
    assert deployment == "reconcile-dev"
    assert body["parameters"] == {"environment": "dev", "apps": ["hello"]}


def test_without_a_name_the_whole_environment_is(app: RunningApp, server: PrefectServer) -> None:
    assert app.run("reconcile", "dev", "--detach").exit_code == 0
    assert server.started[0][1]["parameters"] == {"environment": "dev"}


def test_an_app_that_left_git_can_be_named_and_a_misspelt_one_starts_nothing(
    app: RunningApp, server: PrefectServer
) -> None:
    server.tables["status-dev"] = [{"app": "old"}]
    assert app.run("reconcile", "dev", "old", "--detach").exit_code == 0
    done = app.run("reconcile", "dev", "helo", "--detach")
    assert done.exit_code == 1
    assert "Did you mean hello?" in str(done.exception)
    assert len(server.started) == 1
