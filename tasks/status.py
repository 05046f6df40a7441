"""What `towpath status` shows beside Git: health and drift of each app, a table per environment."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from tasks.cluster import Target
from tasks.context import context_at
from tasks.runs.report import read_table, renew_table, write_table
from tasks.runs.step import step
from towpath.drift.decision import BROKEN, LEFT_GIT, Decision, drift_status
from towpath.engine.live.context import render_app
from towpath.engine.reconcile.result import ReconcileResult
from towpath.engine.reconcile.work import Outcome
from towpath.engine.source.commits import now
from towpath.engine.source.news import beside_mark, sources_mark
from towpath.engine.source.repository import EnvironmentRepo
from towpath.errors import TowpathError
from towpath.orchestration.keys import EXTRAS_ROW, short_digest, status_key
from towpath.printable import headline, pluralize
from towpath.redact import redact
from towpath.release.model import Release, ReleaseRef

Row = dict[str, Any]
"""`app`, `health`, `drift`, `detail`, `release` (first digits of the digest), `commit` (of the environment
repository), `sources` and `beside` (what the app was made of), `at`: in this order, so that no digest hides a
reason."""
_NOTHING: Mapping[str, str] = {}


@step("record {release.app} {release.short_id} in {target.environment}")
def record_promoted(target: Target, release: Release) -> None:  # noqa: ARG001 - the step's name has it
    """Note that the app was just verified, so that nobody has to wait for the next reconcile to see it."""
    context = context_at(target.environment, target.commit)
    beside = render_app(context, target.app).beside
    row = _row(
        context.repo, target.environment, target.app, target.release, "Healthy", "in sync", beside=beside
    )
    write_rows(target.environment, [row], others=True)


def write_health(ended: Sequence[ReconcileResult]) -> None:
    """The table after a reconcile of these rounds; apps that it did not look at stay as they were."""
    rows: dict[str, Row] = {}
    gone: set[str] = set()
    for done in ended:
        told = {row["app"]: row for row in _rows(done)}
        gone = (gone | {each.app for each in done.plan.decisions}) - told.keys()
        rows = {app: row for app, row in rows.items() if app not in gone} | told
    whole = any(done.plan.whole for done in ended)
    write_rows(ended[0].plan.context.environment.name, [*rows.values()], others=not whole, gone=gone)


def _rows(done: ReconcileResult) -> Iterator[Row]:
    plan = done.plan
    repo, environment = plan.context.repo, plan.context.environment.name
    outcomes = {each.app: each for each in done.outcomes}
    decisions = {each.app: each for each in plan.decisions}
    beside = {each.app: each.beside for each in plan.rendered}
    for app in done.health:
        decision = decisions.get(app, Decision(app, "none"))
        yield _judged(done, decision, outcomes.get(app), beside.get(app, _NOTHING))
    for app, reason in plan.broken.items():
        yield _row(repo, environment, app, _released(repo, app, environment), "Unknown", BROKEN, reason)
    for decision in plan.decisions:
        if (
            decision.app not in done.health
            and decision.app not in plan.broken
            and (left := _left(done, decision))
        ):
            drift = f"{LEFT_GIT}: {pluralize(left, 'object')}"
            reason = "" if decision.reason == LEFT_GIT else decision.reason
            yield _row(repo, environment, decision.app, "", "Unknown", drift, reason)
    if (
        plan.whole
        and (extras := plan.drift.extras)
        and not any(each.app == "extras" for each in done.outcomes)
    ):
        named = ", ".join(str(each.ref) for each in extras[:3]) + (", …" if len(extras) > 3 else "")
        yield _row(
            repo, environment, EXTRAS_ROW, "", "", f"undeclared: {pluralize(len(extras), 'object')}", named
        )


def _judged(
    done: ReconcileResult, decision: Decision, outcome: Outcome | None, beside: Mapping[str, str]
) -> Row:
    plan, app = done.plan, decision.app
    failed, changed = (bool(outcome.failure), outcome.changed) if outcome else (False, ())
    drift = drift_status(decision, failed=failed, changed=changed)
    if held := outcome.held if outcome else "":
        drift = held.partition(", not healthy")[0]
    detail = held or done.health[app].message or "; ".join(map(str, decision.exhausted)) or decision.reason
    return _row(
        plan.context.repo, plan.context.environment.name, app,
        plan.releases.get(app, ReleaseRef()).id, str(done.health[app].status), drift, detail, beside=beside,
    )  # fmt: skip


def _left(done: ReconcileResult, decision: Decision) -> int:
    """Objects of an app that left Git which are live after the reconcile."""
    deleted = {ref for each in done.outcomes if each.app == decision.app for ref in each.changed}
    return len({entry.ref for entry in decision.entries} - deleted)


def _released(repo: EnvironmentRepo, app: str, environment: str) -> str:
    """The id of the release that Git names; empty where it names none, or cannot be read."""
    try:
        state = repo.release(app, environment)
    except TowpathError:
        return ""
    return state.release.id if state else ""


def _row(  # noqa: PLR0913, PLR0917
    repo: EnvironmentRepo,
    environment: str,
    app: str,
    release: str,
    health: str,
    drift: str,
    detail: str = "",
    *,
    beside: Mapping[str, str] = _NOTHING,
) -> Row:
    return {
        "app": app,
        "health": health,
        "drift": drift,
        "detail": headline(redact(detail)),
        "release": short_digest(release),
        "commit": repo.commit[:7],
        "sources": sources_mark(repo, app, environment),
        "beside": beside_mark(beside),
        "at": now(),
    }


def write_rows(environment: str, rows: list[Row], *, others: bool, gone: Collection[str] = ()) -> None:
    """Publish an environment's table, apps by name; the same again only moves the times of the newest one.

    With `others`, apps that `rows` do not have stay as the newest table has them, but for those that are
    `gone`.
    """
    key, title = status_key(environment), f"Apps in {environment}"
    newest = read_table(key)
    before = {str(row.get("app")): row for row in newest.rows}
    kept = {app: row for app, row in before.items() if others and app not in gone}
    after = kept | {str(row["app"]): row for row in rows}
    table = [after[app] for app in sorted(after)]
    if before.keys() != after.keys() or any(_unlike(row, before[app]) for app, row in after.items()):
        write_table(key, table, title)
    elif table:
        renew_table(newest, table)


def _unlike(row: Row, before: Row) -> bool:
    return any(row[key] != before.get(key) for key in row if key not in ("at", "commit"))
