"""The table that `towpath status` reads: apps that were not looked at stay, and nothing is written twice."""

import pytest
from prefect import flow
from prefect.artifacts import Artifact

from tasks.runs.report import read_table
from tasks.status import Row
from tasks.status import write_rows as write_rows_in_a_run
from tests.flows.bench import Bench
from towpath.orchestration.keys import status_key

write_rows = flow(write_rows_in_a_run)
pytestmark = pytest.mark.usefixtures("prefect_server")


def row(app: str, health: str, at: str = "2026-01-01T00:00:00Z") -> Row:
    return {
        "app": app,
        "release": "",
        "commit": "",
        "health": health,
        "drift": "in sync",
        "at": at,
        "detail": "",
    }


def table() -> dict[str, str]:
    return {each["app"]: each["health"] for each in read_table(status_key("table")).rows}


def test_a_look_at_some_apps_keeps_the_others_and_a_look_at_all_forgets_who_left() -> None:
    write_rows("table", [row("b", "Healthy"), row("a", "Healthy")], others=False)
    assert list(table()) == ["a", "b"]
    write_rows("table", [row("b", "Degraded")], others=True)
    assert table() == {"a": "Healthy", "b": "Degraded"}
    write_rows("table", [row("b", "Degraded")], others=False)
    assert table() == {"b": "Degraded"}


def test_what_was_only_seen_again_is_no_new_version_but_its_time_moves() -> None:
    write_rows("table", [row("a", "Healthy")], others=False)
    before = Artifact.get(status_key("table"))
    assert before is not None
    later = "2026-01-02T00:00:00Z"
    for others in (True, False):
        write_rows("table", [row("a", "Healthy", at=later)], others=others)
        newest = Artifact.get(status_key("table"))
        assert newest is not None
        assert (newest.id, newest.created) == (before.id, before.created)
        assert [each["at"] for each in read_table(status_key("table")).rows] == [later]


def test_a_look_at_some_apps_forgets_those_of_them_that_are_gone() -> None:
    write_rows("table", [row("b", "Healthy"), row("a", "Healthy")], others=False)
    write_rows("table", [], others=True, gone=["b"])
    assert table() == {"a": "Healthy"}


def test_no_digest_pushes_what_people_look_for_off_the_screen(bench: Bench) -> None:
    assert bench.promoted(bench.release(1), "dev").state.is_completed()
    (found,) = read_table(status_key("dev")).rows
    assert list(found)[:6] == ["app", "health", "drift", "detail", "release", "commit"]
    assert sum(len(str(found[name])) for name in ("app", "health", "drift", "release", "commit")) < 60
    assert bench.release(1).id.removeprefix("sha256:").startswith(found["release"])
