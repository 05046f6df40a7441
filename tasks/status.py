"""What `towpath status` shows beside Git: health and drift of each app, a table per environment."""

from typing import Any

from tasks.cluster import Target
from tasks.proposal import now
from tasks.report import artifact_key, read_table, write_table
from tasks.step import step
from towpath.release import Release

Row = dict[str, Any]
"""`app`, `release` (digest), `commit` (of the environment repository), `health`, `drift`, `at`, `detail`."""


def status_key(environment: str) -> str:
    """Key of an environment's table of health and drift."""
    return artifact_key("status", environment)


@step("record {release.app} {release.short} in {target.environment}")
def record_promoted(target: Target, release: Release) -> None:
    """Note that the app was just verified, so that nobody has to wait for the next reconcile to see it."""
    row = {
        "app": target.app,
        "release": release.digest,
        "commit": target.commit,
        "health": "Healthy",
        "drift": "in sync",
        "at": now(),
        "detail": "",
    }
    others = [each for each in read_table(status_key(target.environment)) if each.get("app") != target.app]
    write_rows(target.environment, [*others, row])


def write_rows(environment: str, rows: list[Row]) -> None:
    """Publish an environment's table, apps by name; the same again is not written again."""
    rows = sorted(rows, key=lambda row: str(row["app"]))
    before = {str(row.get("app")): row for row in read_table(status_key(environment))}
    if any(_unlike(row, before.pop(row["app"], None)) for row in rows) or before:
        write_table(status_key(environment), rows, f"Apps in {environment}")


def _unlike(row: Row, before: Row | None) -> bool:
    # When it was seen is no news; the reconcile run itself tells that it looked.
    return before is None or {**row, "at": ""} != {**before, "at": ""}
