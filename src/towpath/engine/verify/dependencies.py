"""Apps that others wait for (`dependsOn`): which of them are not healthy in an environment, and why."""

import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta

from towpath.engine.live.app_state import owner_of
from towpath.engine.live.context import EnvironmentContext, Tell, render_app
from towpath.engine.live.observe import read_inventory
from towpath.engine.verify.health_snapshot import health_of, read_picture
from towpath.engine.verify.rollout_status import RolloutStatus
from towpath.engine.verify.verify import without_allowed
from towpath.engine.verify.wait import Candidate, wait_healthy
from towpath.errors import TowpathError
from towpath.health.expressions import judges_of
from towpath.printable import headline
from towpath.progress import format_seconds

NO_TIME = timedelta()
"""One look: nothing is waited for."""
NOT_RELEASED, NEVER_SYNCED = "nothing of it is released there yet", "it was never synced there"


def unhealthy(
    context: EnvironmentContext, apps: Iterable[str], patience: timedelta, tell: Tell
) -> dict[str, str]:
    """Why apps are not healthy, by app, after `patience` or as soon as nothing but a change can help.

    Healthy apps are not in it. Which of its releases an app runs is not asked.
    """
    candidates, reasons = _candidates(context, apps)
    try:
        told = _look(context, candidates)
        if patience and told:
            rest = [each for each in candidates if each.app in told]
            told = _wait(context, rest, patience, tell)
    except TowpathError as error:
        told = {each.app: error.message for each in candidates}
    return reasons | told


def waits_for(reasons: Mapping[str, str]) -> str:
    """`waits for db, not healthy: …`: one line, of what `unhealthy` says. Empty: for nothing."""
    if not reasons:
        return ""
    why = "; ".join(headline(reason) for reason in reasons.values())
    return f"waits for {', '.join(reasons)}, not healthy: {why}"


def _candidates(context: EnvironmentContext, apps: Iterable[str]) -> tuple[list[Candidate], dict[str, str]]:
    environment, found, reasons = context.environment, list[Candidate](), dict[str, str]()
    released = set(context.repo.released_apps(environment.name))
    for app in dict.fromkeys(apps):
        if app not in released:
            reasons[app] = NOT_RELEASED
            continue
        try:
            rendered = without_allowed(context.cluster, render_app(context, app), environment)
            if read_inventory(context.cluster, owner_of(rendered))[0] is None:
                reasons[app] = NEVER_SYNCED
                continue
        except TowpathError as error:
            reasons[app] = error.message
        else:
            found.append(Candidate(rendered, (), rolls=False))
    return found, reasons


def _look(context: EnvironmentContext, candidates: Sequence[Candidate]) -> dict[str, str]:
    if not candidates:
        return {}
    own = judges_of(context.repo.config.health_check_exprs)
    picture = read_picture(context.cluster, (each.rendered for each in candidates))
    judged = {each.app: picture.judge(each.rendered, (), own) for each in candidates}
    return {app: _told(rollout) for app, rollout in judged.items() if not rollout.good}


def _wait(
    context: EnvironmentContext, candidates: Sequence[Candidate], patience: timedelta, tell: Tell
) -> dict[str, str]:
    own, limit = judges_of(context.repo.config.health_check_exprs), patience.total_seconds()
    end = time.monotonic() + limit
    awaited = wait_healthy(context.cluster, candidates, own, end, lambda app, line: tell(f"{app}: {line}"))
    told = {}
    for app, ended in awaited.items():
        if ended.rollout is None:
            told[app] = ended.trouble.message if ended.trouble else "the cluster could not be read in time"
        elif not ended.rollout.good:
            timeout = f" (timeout {format_seconds(limit)})" if ended.seconds >= limit else ""
            told[app] = _told(ended.rollout) + timeout
    return told


def _told(rollout: RolloutStatus) -> str:
    health = health_of(rollout)
    return f"{health.status}: {health.message}"
