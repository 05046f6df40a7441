"""`towpath releases`: each release once, where it runs and where it was."""

import json

import pytest
from click.shell_completion import ShellComplete

from tests.unit.cli.running_app import RunningApp
from tests.unit.engine.source.promotions import release
from towpath.adapters.registries import registry
from towpath.cli.main import main
from towpath.errors import TerminalError, TransientError

BUILT_HERE = """\
apiVersion: towpath.dev/v2
apps: {hello: {image: 127.0.0.1:1/hello, source: {repository: https://example.com/hello.git}}}
environments: [{name: dev, namespace: dev}, {name: prod, namespace: prod}]
"""


@pytest.fixture
def released(app: RunningApp) -> RunningApp:
    """1 runs in prod, 2 failed in dev and was rolled back to 1, 3 runs in dev."""
    for number in (1, 2):
        app.world.promote(number, "dev", verified=number == 1)
    app.world.promote(1, "prod", verified=True)
    app.world.promote(1, "dev", verified=True, back_from=2)
    app.world.promote(3, "dev", verified=False)
    return app


def test_each_release_is_told_once_with_where_it_runs(released: RunningApp) -> None:
    done = released.run("releases", "hello")
    assert done.exit_code == 0, done.output
    rows = done.output.splitlines()[1:]
    assert sorted(row.split()[0] for row in rows) == ["1111111", "2222222", "3333333"]
    by_release = {row.split()[0]: row for row in rows}
    assert "dev (not verified)" in by_release["3333333"]
    assert "dev (failed)" in by_release["2222222"]
    assert by_release["1111111"].split("unknown")[1].split()[:2] == ["prod", "dev"]


def test_json_has_stays_and_scan_and_of_one_environment_only_what_was_there(released: RunningApp) -> None:
    told = json.loads(released.run("releases", "hello", "-e", "prod", "--output", "json").stdout)
    (found,) = told["releases"]
    assert (found["commit"], found["runs_in"]) == ("1" * 40, ["prod"])
    assert found["scan"] == {"status": "passed", "scanners": ["secret"], "counts": {}, "objection": ""}
    assert found["evidence"]["detail"] == "built elsewhere"
    (stay,) = found["environments"]
    assert (stay["current"], stay["approved_by"], stay["quarantined"]) == (True, ["alice"], None)


def test_a_limit_keeps_the_newest(released: RunningApp) -> None:
    told = json.loads(released.run("releases", "hello", "-n", "1", "--output", "json").stdout)
    assert len(told["releases"]) == 1


def test_a_registry_that_is_away_is_told_and_git_is_shown(released: RunningApp) -> None:
    released.world.write({"towpath.yaml": BUILT_HERE}, "Build it here\n\nMark: 2\n", ("Mark", "2"))
    told = json.loads(released.run("releases", "hello", "--output", "json").stdout)
    assert len(told["releases"]) == 3
    assert {each["evidence"]["standing"] for each in told["releases"]} == {"unknown"}
    assert told["notes"][0].startswith("releases that Git does not name are not shown: ")


@pytest.mark.parametrize("broken", [False, True])
def test_what_only_the_registry_has_is_shown_and_a_broken_record_is_counted(
    released: RunningApp, monkeypatch: pytest.MonkeyPatch, broken: bool
) -> None:
    released.world.write({"towpath.yaml": BUILT_HERE}, "Build it here\n\nMark: 2\n", ("Mark", "2"))

    def find(image: str, commit: str) -> object:
        if broken:
            raise TerminalError("the record speaks of another")
        return release(4)

    monkeypatch.setattr(registry, "recorded_commits", lambda _: {"4" * 40, "1" * 40})
    monkeypatch.setattr(registry, "find_release", find)
    told = json.loads(released.run("releases", "hello", "--output", "json").stdout)
    commits = {each["commit"][:1]: each["runs_in"] for each in told["releases"]}
    assert commits == {"1": ["prod"], "2": [], "3": ["dev"], **({} if broken else {"4": []})}
    assert told["notes"] == (["1 records cannot be read, and prove nothing"] if broken else [])


def test_an_app_without_release_and_a_misspelt_one(app: RunningApp) -> None:
    assert app.run("releases", "hello").output == "hello has no release yet.\n"
    assert "Did you mean hello?" in str(app.run("releases", "helo").exception)
    assert "Did you mean prod?" in str(app.run("releases", "hello", "-e", "prd").exception)


def test_an_error_of_the_registry_is_no_failed_evidence(
    released: RunningApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    released.world.write({"towpath.yaml": BUILT_HERE}, "Build it here\n\nMark: 2\n", ("Mark", "2"))

    def away(*_: object) -> object:
        raise TransientError("the registry is away")

    monkeypatch.setattr(registry, "recorded_commits", away)
    done = released.run("releases", "hello")
    assert done.exit_code == 0
    assert "failed" not in done.output.replace("dev (failed)", "")
    assert "the registry is away" in done.output


def test_former_releases_are_offered_to_a_rollback(released: RunningApp) -> None:
    released.run("history", "hello")  # fetches
    completion = ShellComplete(main, {}, "towpath", "_TOWPATH_COMPLETE")
    found = [item.value for item in completion.get_completions(["rollback", "hello", "dev", "--to"], "")]
    assert [value[7:8] for value in found] == ["1", "2"]
