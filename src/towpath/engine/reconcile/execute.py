"""Carries decisions out: many apps at a time, each to its end, whatever becomes of the others."""

import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime

from towpath.adapters.git import CommitInfo
from towpath.drift.model import DriftEntry
from towpath.engine.apply.prune_extras import prune_extras
from towpath.engine.apply.sync import sync_app
from towpath.engine.apply.uninstall import remove_app
from towpath.engine.gates.merged import recent_commits, require_admitted
from towpath.engine.live.app_state import owner_of
from towpath.engine.live.context import EnvironmentContext, Tell, renders_before
from towpath.engine.live.heal_store import remember_heals
from towpath.engine.live.pods import WORKLOADS
from towpath.engine.reconcile.detect import Inspection, inspect
from towpath.engine.reconcile.prune import prune_healthy, prune_verified
from towpath.engine.reconcile.waiting import Waiting, deletes_later, dependents, may_delete, needed_then
from towpath.engine.reconcile.work import Outcome, Work, candidate_of, progress_of
from towpath.engine.verify.verify import verify_all
from towpath.errors import TowpathError, as_towpath_error
from towpath.kube.app_order import order_apps
from towpath.objects import ObjectRef

APPS_AT_ONCE = 16
ROUNDS = 3
"""How often what may go away by itself, or need another app, is tried."""
EXTRAS = "extras"


def carry_out(
    context: EnvironmentContext, work: Iterable[Work], inspection: Inspection, tell: Tell
) -> tuple[Outcome, ...]:
    """An outcome per app, by name. Nothing that an app does is raised. `inspection` was made just now.

    Apps come in the order in which they need one another, and wait for those that they depend on; then what
    left Git of apps that others depend on is deleted, and apps leave, both in the reverse order.
    """
    work = list(work)
    by_app = {each.app: each for each in work if not each.decision.prunes}
    coming = {app: each.rendered.objects for app, each in by_app.items() if each.rendered}
    waiting = Waiting(context, (each.app for each in work if each.rendered), tell)
    later = deletes_later(waiting.needs, (each.app for each in work))
    prunes = [each for each in work if each.decision.prunes]
    outcomes = prune_healthy(context, [each for each in prunes if each.app not in later], tell)
    for app, commits in _recent(context, coming).items():
        by_app[app] = replace(by_app[app], recent=commits)
    # What an inspection has read is the base of a sync.
    fresh: Inspection | None = None if any(each.changed for each in outcomes.values()) else inspection
    groups = order_apps(coming, waiting.needs)
    for group in groups:
        held = waiting.held(group, outcomes)
        ready = [by_app[app] for app in group if app not in held]
        done = _group(context, ready, fresh, tell, later) if ready else {}
        outcomes |= held | done
        # What came in may be what the next ones are in, or of.
        fresh = None if any(each.changed for each in done.values()) else fresh
    for group in reversed(groups):
        waits = [by_app[app] for app in group if app in later and may_delete(app, waiting.needs, outcomes)]
        outcomes |= _prune_deletes(context, waits, outcomes, tell)
    last = [each for each in prunes if each.app in later and may_delete(each.app, waiting.needs, outcomes)]
    outcomes |= prune_healthy(context, last, tell)
    _leave(context, [each for each in by_app.values() if not each.rendered], inspection, outcomes, tell)
    return tuple(outcomes[app] for app in sorted(outcomes))


def _leave(
    context: EnvironmentContext,
    work: Sequence[Work],
    inspection: Inspection,
    outcomes: dict[str, Outcome],
    tell: Tell,
) -> None:
    """Remove apps that left Git, those first that needed others; nobody goes before who needed it."""
    by_app = {each.app: each for each in work}
    needed_by = dependents(needed_then(context, list(by_app), inspection))
    for group in order_apps(dict.fromkeys(by_app, ()), needed_by):
        for app in group:
            others = sorted(other for other in needed_by.get(app, ()) if not outcomes[other].well)
            if others:
                held = f"waits for {', '.join(others)} to be deleted"
                outcomes[app] = Outcome(app, synced=False, held=held)
        ready = [by_app[app] for app in group if app not in outcomes]
        outcomes |= _group(context, ready, None, tell, frozenset()) if ready else {}


def clear_extras(
    context: EnvironmentContext, extras: Iterable[DriftEntry], *, total: int, tell: Tell
) -> Outcome:
    """Delete extras where the environment asks for it; when they are too many, the outcome says so."""
    started = time.monotonic()
    try:
        deleted = prune_extras(context.cluster, context.environment, extras, total=total)
    except TowpathError as error:
        return Outcome(EXTRAS, error.message, error.transient, seconds=time.monotonic() - started)
    for ref in deleted:
        tell(f"{ref} deleted: nobody declared it")
    return Outcome(EXTRAS, changed=deleted, seconds=time.monotonic() - started)


def _group(
    context: EnvironmentContext,
    work: Sequence[Work],
    inspection: Inspection | None,
    tell: Tell,
    later: frozenset[str],
) -> dict[str, Outcome]:
    """Sync all, again what failed while others made progress, then verify together what was synced.

    What left Git is deleted, but not of the apps that have it deleted `later`.
    """
    outcomes: dict[str, Outcome] = {}
    open_ = list(work)
    for turn in range(ROUNDS):
        if not open_:
            break
        if inspection is None and sum(each.rendered is not None for each in open_) > 1:
            inspection = _look(context, open_)
        done = _sync_all(context, open_, inspection, tell)
        outcomes |= {app: _added(outcomes.get(app), each) for app, each in done.items()}
        # Apps that need each other share a group: one brings for the whole cluster what failed another.
        brought = turn == 0 and any(not ref.namespace for each in done.values() for ref in each.changed)
        failed = [each for each in open_ if done[each.app].failure]
        open_ = [each for each in failed if brought or done[each.app].transient]
        inspection = None
        if open_ and not brought and turn < ROUNDS - 1:
            time.sleep(2.0**turn)
    verified = outcomes | _verify(context, [each for each in work if each.rendered], outcomes, tell)
    at_once = [each for each in work if each.app not in later]
    return verified | _prune_deletes(context, at_once, verified, tell)


def _prune_deletes(
    context: EnvironmentContext, work: Sequence[Work], outcomes: dict[str, Outcome], tell: Tell
) -> dict[str, Outcome]:
    deletes = [each for each in work if outcomes[each.app].healthy and outcomes[each.app].deletes]
    return prune_verified(context, deletes, outcomes, tell)


def _recent(context: EnvironmentContext, apps: Iterable[str]) -> dict[str, list[CommitInfo]]:
    try:
        return recent_commits(context.in_git, apps)
    except TowpathError:
        return {}  # each app asks for itself, and says what is wrong


def _look(context: EnvironmentContext, work: Sequence[Work]) -> Inspection | None:
    rendered = [each.rendered for each in work if each.rendered]
    try:
        return inspect(context.cluster, context.environment, rendered, only=[each.app for each in rendered])
    except TowpathError:
        return None  # each app looks for itself, and says what is wrong


def _sync_all(
    context: EnvironmentContext, work: Sequence[Work], inspection: Inspection | None, tell: Tell
) -> dict[str, Outcome]:
    with ThreadPoolExecutor(min(APPS_AT_ONCE, len(work)), thread_name_prefix="app") as pool:
        return {
            each.app: each for each in pool.map(lambda each: _sync(context, each, inspection, tell), work)
        }


def _sync(context: EnvironmentContext, work: Work, inspection: Inspection | None, tell: Tell) -> Outcome:
    started, app = time.monotonic(), work.app
    changed: list[ObjectRef] = []
    say = progress_of(app, changed, tell)
    environment, commit = context.environment, context.repo.commit
    failure, transient, deletes, merged = "", False, False, None
    try:
        confirmed = context.repo.confirmed(app, environment.name)
        if work.rendered is None:
            remove_app(context.cluster, app, environment, confirmed, commit=commit, on_progress=say)
        else:
            merged = require_admitted(context.in_git, app, work.recent)
            app_state = inspection.state_of(owner_of(work.rendered)) if inspection else None
            result = sync_app(
                context.cluster, work.rendered, environment,
                commit=commit, confirmed=confirmed, on_progress=say, app_state=app_state,
                leave=work.decision.left_alone, applied_before=renders_before(context, app),
            )  # fmt: skip
            deletes = bool(result.inventory and result.inventory.deletions)
            # Only what was healed is counted, and only then is anything written.
            remember_heals(context.cluster, owner_of(work.rendered), work.decision.counted, datetime.now(UTC))
    except Exception as raised:  # noqa: BLE001 - whatever becomes of one app, it stops no other
        error = as_towpath_error(raised)
        failure, transient = str(error), error.transient
        tell(f"{app}: {error.message}")
    seconds = time.monotonic() - started
    ended = tuple(changed)
    return Outcome(app, failure, transient, ended, seconds, not failure, deletes=deletes, merged=merged)


def _added(before: Outcome | None, now: Outcome) -> Outcome:
    if before is None:
        return now
    changed = tuple(dict.fromkeys((*before.changed, *now.changed)))
    return replace(now, changed=changed, seconds=before.seconds + now.seconds)


def _verify(
    context: EnvironmentContext, work: Sequence[Work], outcomes: dict[str, Outcome], tell: Tell
) -> dict[str, Outcome]:
    synced = [each for each in work if not outcomes[each.app].failure]
    if not synced:
        return {}
    started = time.monotonic()
    config = context.repo.config
    candidates = [
        candidate_of(config, each, each.rendered, rolls=_rolls(each, outcomes[each.app]))
        for each in synced
        if each.rendered
    ]
    verdicts = verify_all(context.cluster, config, context.environment, candidates, tell)
    seconds = time.monotonic() - started
    verified = {}
    for app, error in verdicts.items():
        before = outcomes[app]
        text, transient = (str(error), error.transient) if error else ("", False)
        verified[app] = replace(
            before, failure=text, transient=transient, seconds=before.seconds + seconds, healthy=error is None
        )
    return verified


def _rolls(work: Work, outcome: Outcome) -> bool:
    """Whether pods will have changed; after anything else one look at the app's health is enough."""
    return not work.decision.heals or any((ref.group, ref.kind) in WORKLOADS for ref in outcome.changed)
