"""What a watcher may carry out now: by mode and pauses, and while Git cannot be read."""

from dataclasses import replace
from datetime import UTC, datetime

from towpath.drift.decision import DriftPolicy, drift_policy
from towpath.engine.live.context import EnvironmentContext
from towpath.engine.reconcile.result import ReconcilePlan
from towpath.errors import TowpathError

AWAY = "Git cannot be read at the moment"


def policy_at(context: EnvironmentContext, app: str) -> DriftPolicy:
    """How drift of an app is answered now. Pauses that cannot be read hold everything, as in a reconcile."""
    environment = context.environment
    if unsigned := context.repo.protection.held(environment.name, app):
        return DriftPolicy(environment.drift_mode_of(app), unsigned)
    try:
        pauses = context.repo.pauses(environment.name)
    except TowpathError as error:
        return DriftPolicy(environment.drift_mode_of(app), error.message)
    return drift_policy(environment, app, pauses, datetime.now(UTC))


def without_git(plan: ReconcilePlan) -> ReconcilePlan:
    """What may be carried out while Git cannot be read: edits are taken back, all else is only told. Pure."""
    return replace(
        plan,
        decisions=tuple(
            each if each.heals or each.action == "none" else replace(each, action="report", reason=AWAY)
            for each in plan.decisions
        ),
    )
