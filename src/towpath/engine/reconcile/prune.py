"""Deletes what left Git, of the apps that are healthy without it."""

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from towpath.engine.apply.prune import prune_app
from towpath.engine.live.context import EnvironmentContext, Tell
from towpath.engine.reconcile.work import Outcome, Work, candidate_of, progress_of
from towpath.engine.verify.verify import verify_at_once
from towpath.errors import as_towpath_error
from towpath.objects import ObjectRef

APPS_AT_ONCE = 16


def prune_healthy(context: EnvironmentContext, work: Sequence[Work], tell: Tell) -> dict[str, Outcome]:
    """Of these apps, which were synced before: one look at each; the healthy ones have an outcome, by app.

    Nothing is waited for, so that an app that stays unhealthy costs a reconcile no time.
    """
    config = context.repo.config
    candidates = [candidate_of(config, each, each.rendered, rolls=False) for each in work if each.rendered]
    if not candidates:
        return {}
    healthy = {
        app
        for app, error in verify_at_once(context.cluster, config, context.environment, candidates).items()
        if error is None
    }
    verified = {each.app: Outcome(each.app, healthy=True) for each in work if each.app in healthy}
    return prune_verified(context, [each for each in work if each.app in healthy], verified, tell)


def prune_verified(
    context: EnvironmentContext, work: Sequence[Work], outcomes: Mapping[str, Outcome], tell: Tell
) -> dict[str, Outcome]:
    """The outcomes of these apps with what was deleted, or why it was not. Nothing is raised."""
    if not work:
        return {}
    with ThreadPoolExecutor(min(APPS_AT_ONCE, len(work)), thread_name_prefix="app") as pool:
        done = pool.map(lambda each: _prune(context, each, outcomes[each.app], tell), work)
        return {each.app: each for each in done}


def _prune(context: EnvironmentContext, work: Work, before: Outcome, tell: Tell) -> Outcome:
    assert work.rendered  # noqa: S101 - an app that left Git is removed, not pruned
    started, failure, transient = time.monotonic(), "", False
    deleted: list[ObjectRef] = []
    try:
        confirmed = context.repo.confirmed(work.app, context.environment.name)
        say = progress_of(work.app, deleted, tell)
        prune_app(context.cluster, work.rendered, confirmed=confirmed, on_progress=say)
    except Exception as raised:  # noqa: BLE001 - whatever becomes of one app, it stops no other
        error = as_towpath_error(raised)
        failure, transient = str(error), error.transient
        tell(f"{work.app}: {error.message}")
    seconds = before.seconds + time.monotonic() - started
    changed = tuple(dict.fromkeys((*before.changed, *deleted)))
    return replace(before, failure=failure, transient=transient, changed=changed, seconds=seconds)
