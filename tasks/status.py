"""What `towpath status` shows beside Git: health and drift of each app, a table per environment."""

from typing import Any

from tasks.cluster import Target
from tasks.report import read_table, write_table
from tasks.step import step
from towpath.drift.decision import Decision, drift_status
from towpath.engine.reconcile.result import ReconcileResult
from towpath.engine.source.commits import now
from towpath.orchestration.keys import status_key
from towpath.printable import headline
from towpath.redact import redact
from towpath.release.model import Release

Row = dict[str, Any]
"""`app`, `release` (digest), `commit` (of the environment repository), `health`, `drift`, `at`, `detail`."""


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
    write_rows(target.environment, [row], others=True)


def write_health(done: ReconcileResult) -> None:
    """The table after a reconcile; apps that it did not look at stay as they were."""
    environment = done.plan.context.environment.name
    rows = [_row(done, app) for app in done.health] + [_broken_row(done, app) for app in done.plan.broken]
    write_rows(environment, rows, others=not done.plan.whole)


def _row(done: ReconcileResult, app: str) -> Row:
    outcome = next((each for each in done.outcomes if each.app == app), None)
    decision = next((each for each in done.plan.decisions if each.app == app), Decision(app, "none"))
    drift = drift_status(decision, failed=outcome is not None and bool(outcome.failure))
    detail = done.health[app].message or "; ".join(map(str, decision.exhausted)) or decision.reason
    return _new_row(done, app, str(done.health[app].status), drift, detail)


def _broken_row(done: ReconcileResult, app: str) -> Row:
    return _new_row(done, app, "Unknown", "cannot be rendered", done.plan.broken[app])


def _new_row(done: ReconcileResult, app: str, health: str, drift: str, detail: str) -> Row:
    return {
        "app": app,
        "release": done.plan.digests.get(app, ""),
        "commit": done.plan.context.repo.commit,
        "health": health,
        "drift": drift,
        "at": now(),
        "detail": headline(redact(detail)),
    }


def write_rows(environment: str, rows: list[Row], *, others: bool) -> None:
    """Publish an environment's table, apps by name; the same again is not written again.

    With `others`, apps that `rows` do not have stay as the newest table has them.
    """
    before = {str(row.get("app")): row for row in read_table(status_key(environment))}
    after = (before if others else {}) | {str(row["app"]): row for row in rows}
    if before.keys() != after.keys() or any(_unlike(row, before[app]) for app, row in after.items()):
        write_table(status_key(environment), [after[app] for app in sorted(after)], f"Apps in {environment}")


def _unlike(row: Row, before: Row) -> bool:
    # When it was seen is no news; the reconcile run itself tells that it looked.
    return any(row[key] != before.get(key) for key in row if key not in ("at", "commit"))
