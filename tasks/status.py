"""What `towpath status` shows beside Git: health and drift of each app, a table per environment."""

from typing import Any

from tasks.cluster import Target
from tasks.proposal import now
from tasks.report import artifact_key, read_table, write_table
from tasks.step import step
from towpath.decision import Decision, drift_text
from towpath.engine.reconcile import Reconciled
from towpath.redact import redact
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


def write_health(done: Reconciled) -> None:
    """The table after a reconcile; apps that it did not look at stay as they were."""
    environment = done.found.place.environment.name
    rows = [_row(done, app) for app in done.health] + [_broken_row(done, app) for app in done.found.broken]
    if not done.found.whole:
        looked = {row["app"] for row in rows}
        rows += [row for row in read_table(status_key(environment)) if row.get("app") not in looked]
    write_rows(environment, rows)


def _row(done: Reconciled, app: str) -> Row:
    outcome = next((each for each in done.outcomes if each.app == app), None)
    decision = next((each for each in done.found.decisions if each.app == app), Decision(app, "none"))
    drift = drift_text(decision, failed=outcome is not None and bool(outcome.failure))
    detail = done.health[app].message or "; ".join(map(str, decision.exhausted)) or decision.reason
    return _new_row(done, app, str(done.health[app].status), drift, detail)


def _broken_row(done: Reconciled, app: str) -> Row:
    return _new_row(done, app, "Unknown", "cannot be rendered", done.found.broken[app])


def _new_row(done: Reconciled, app: str, health: str, drift: str, detail: str) -> Row:
    return {
        "app": app,
        "release": done.found.digests.get(app, ""),
        "commit": done.found.place.desired.commit,
        "health": health,
        "drift": drift,
        "at": now(),
        "detail": redact(detail).strip().partition("\n")[0],
    }


def write_rows(environment: str, rows: list[Row]) -> None:
    """Publish an environment's table, apps by name; the same again is not written again."""
    rows = sorted(rows, key=lambda row: str(row["app"]))
    before = {str(row.get("app")): row for row in read_table(status_key(environment))}
    if any(_unlike(row, before.pop(row["app"], None)) for row in rows) or before:
        write_table(status_key(environment), rows, f"Apps in {environment}")


def _unlike(row: Row, before: Row | None) -> bool:
    # When it was seen is no news; the reconcile run itself tells that it looked.
    return before is None or any(row[key] != before.get(key) for key in row if key not in ("at", "commit"))
