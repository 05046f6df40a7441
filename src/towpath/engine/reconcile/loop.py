"""Makes an environment equal to Git: look, decide, carry out, look at everybody's health. Knows no Prefect.

`reconcile` is all of it; a caller that shows the steps one by one calls `look`, `act` and `conclude`.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from datetime import UTC, datetime

from towpath.applyset.inventory import Owner
from towpath.drift.decision import Decision, apply_heal_budget, decide_all, drift_policy
from towpath.engine.live.app_state import owner_of
from towpath.engine.live.context import EnvironmentContext, Tell
from towpath.engine.live.finished import remember_finished
from towpath.engine.live.heal_store import budget_of
from towpath.engine.reconcile.detect import inspect
from towpath.engine.reconcile.execute import EXTRAS, carry_out, clear_extras
from towpath.engine.reconcile.lost_commits import apps_of_lost_commits, note_reconciled, rewritten
from towpath.engine.reconcile.removed_apps import apps_without_folder, leaving, lost_folders, unconfirmed
from towpath.engine.reconcile.result import ReconcilePlan, ReconcileResult
from towpath.engine.reconcile.work import Outcome, Work, as_allowed, rolls_another
from towpath.engine.source.render_changed import render_apps
from towpath.engine.verify.health_snapshot import AppHealth, health_snapshot
from towpath.errors import RefusedError, UnknownNameError
from towpath.gates.pause import active_pause
from towpath.health import Status
from towpath.release.model import ReleaseRef

_listener: ContextVar[Callable[[ReconcileResult], None]] = ContextVar("listener", default=lambda _: None)


def reconcile(
    context: EnvironmentContext,
    apps: Iterable[str] | None = None,
    *,
    deep: bool = False,
    tell: Tell = lambda _: None,
) -> ReconcileResult:
    """All of it, for all apps or for `apps`; an app's failure is in the result, never raised.

    Raises what makes looking impossible: a cluster that does not answer.
    """
    plan = look(context, apps, deep=deep)
    return conclude(plan, act(plan, tell))


def look(
    context: EnvironmentContext, apps: Iterable[str] | None = None, *, deep: bool = False
) -> ReconcilePlan:
    """Render, detect, decide. Writes nothing. An app that does not render stops no other.

    Raises UnknownNameError for an app that neither Git nor the cluster knows.
    """
    environment, since = context.environment, time.monotonic()
    only = None if apps is None else frozenset(apps)
    released = context.repo.released_apps(environment.name)
    chosen = [app for app in released if only is None or app in only]
    renders = render_apps(context.repo, environment, chosen, tools=context.tools, cache=context.renders)
    rendered = tuple(each.rendered for each in renders.results.values())
    unknown = renders.broken.keys() | apps_without_folder(context, chosen)
    inspection = inspect(
        context.cluster, environment, rendered,
        commit=context.repo.commit, only=only, deep=deep, unknown=unknown,
    )  # fmt: skip
    broken = {**renders.broken, **lost_folders(context, inspection, chosen), **inspection.unreadable}
    drift = replace(inspection.report, uncompared=tuple(sorted(broken)))
    inspection = replace(inspection, report=drift)
    if only is not None:
        _check_known(context, only, {*released, *drift.apps()})
    broken |= unconfirmed(context, drift, {*chosen, *broken, ""})
    held = context.repo.protection.held(environment.name) or rewritten(context)
    lost = {} if held else {**apps_of_lost_commits(context, inspection), **inspection.unreadable}
    broken |= {app: reason for app, reason in lost.items() if only is None or app in only}
    now, pauses = datetime.now(UTC), context.repo.pauses(environment.name)
    decisions = tuple(
        replace(each, action="report", reason=why, prunes=False)
        if each.action != "none" and (why := held or lost.get(each.app, ""))
        else each
        for each in (
            *decide_all(drift, renders.results, lambda app: drift_policy(environment, app, pauses, now)),
            *leaving(context, drift, {*chosen, *broken, ""}, pauses, now),
        )
    )
    decisions = tuple(within_budget(context, each, broken) for each in decisions)
    rendered = tuple(each for each in rendered if each.app not in broken)
    releases = {each.app: renders.results[each.app].release for each in rendered}
    paused = str(active_pause(pauses, "", now) or "")
    whole = only is None
    return ReconcilePlan(
        context, rendered, releases, broken, inspection, decisions, whole, held, paused, since
    )


def within_budget(context: EnvironmentContext, decision: Decision, broken: dict[str, str]) -> Decision:
    """Fields that were healed again and again are left alone; asks the cluster only where there is drift.

    An app whose history of heals cannot be read is not healed without one: it joins those that are `broken`.
    """
    if decision.action != "sync" or decision.mode != "heal":
        return decision
    environment = context.environment
    owner = Owner(decision.app, environment.name, environment.namespace)
    # A lost inventory is no drift of anybody's field.
    drifted = [entry for entry in decision.drifted if entry.ref != owner.ref]
    try:
        return apply_heal_budget(decision, budget_of(context.cluster, owner, drifted))
    except RefusedError as error:
        broken[decision.app] = str(error)
        return replace(decision, action="report", reason=error.message)


def act(plan: ReconcilePlan, tell: Tell) -> tuple[Outcome, ...]:
    """Carry out what was decided, many apps at a time; extras last, when everything before went well."""
    rendered = {each.app: each for each in plan.rendered}
    work = [
        Work(each, rendered.get(each.app), plan.releases.get(each.app, ReleaseRef())) for each in plan.todo
    ]
    outcomes = carry_out(plan.context, work, plan.inspection, tell) if work else ()
    if plan.clears_extras and not plan.broken and all(each.well for each in outcomes):
        total = sum(len(each.objects) for each in plan.rendered)
        outcomes += (clear_extras(plan.context, plan.drift.extras, total=total, tell=tell),)
    return outcomes


def conclude(plan: ReconcilePlan, outcomes: Sequence[Outcome]) -> ReconcileResult:
    """The result, with every app's health: verified where it was synced, else read as a snapshot.

    So it is of an app that waits for another one.
    """
    ended = {each.app: each for each in outcomes if each.app != EXTRAS and not each.held}
    decided = {each.app: each for each in plan.decisions}
    rest = [as_allowed(each, decided[each.app]) for each in plan.rendered if each.app not in ended]
    images = {app: each.images for app, each in plan.releases.items() if not rolls_another(decided[app])}
    health = health_snapshot(plan.context.cluster, plan.context.repo.config, rest, images)
    for each in plan.rendered:
        remember_finished(plan.context.cluster, owner_of(each), each.objects)
    for app, outcome in ended.items():
        if outcome.failure and not outcome.healthy:
            health[app] = AppHealth(Status.DEGRADED, outcome.failure)
        elif decided[app].action != "remove":  # nobody has verified what is left of an app that left Git
            health[app] = AppHealth(Status.HEALTHY)
    seconds = time.monotonic() - plan.since
    done = ReconcileResult(plan, tuple(outcomes), dict(sorted(health.items())), seconds)
    if not plan.held:
        note_reconciled(plan.context)
    _listener.get()(done)
    return done


@contextmanager
def listening(listener: Callable[[ReconcileResult], None]) -> Iterator[None]:
    """Call `listener` with each result that is concluded in this context, at any depth."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


def _check_known(context: EnvironmentContext, wanted: Iterable[str], known: set[str]) -> None:
    for app in wanted:
        if app not in known and app not in context.repo.config.apps:
            raise UnknownNameError("app", app, known, where=context.environment.name)
