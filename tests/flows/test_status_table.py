"""The table that `towpath status` reads: apps that were not looked at stay, and nothing is written twice."""

import pytest
from prefect import flow
from prefect.artifacts import Artifact

from tasks.report import read_table
from tasks.status import Row
from tasks.status import write_rows as write_rows_in_a_run
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
    return {each["app"]: each["health"] for each in read_table(status_key("table"))}


def test_a_look_at_some_apps_keeps_the_others_and_a_look_at_all_forgets_who_left() -> None:
    write_rows("table", [row("b", "Healthy"), row("a", "Healthy")], others=False)
    assert list(table()) == ["a", "b"]
    write_rows("table", [row("b", "Degraded")], others=True)
    assert table() == {"a": "Healthy", "b": "Degraded"}
    write_rows("table", [row("b", "Degraded")], others=False)
    assert table() == {"b": "Degraded"}


def test_what_was_only_seen_again_is_not_written() -> None:
    write_rows("table", [row("a", "Healthy")], others=False)
    before = Artifact.get(status_key("table"))
    write_rows("table", [row("a", "Healthy", at="2026-01-02T00:00:00Z")], others=True)
    write_rows("table", [row("a", "Healthy", at="2026-01-02T00:00:00Z")], others=False)
    assert Artifact.get(status_key("table")) == before
