"""Events to the Prefect server: for automations, and for whoever looks at its event feed."""

from collections.abc import Collection, Iterable

from prefect.events import emit_event

from towpath.drift.events import (
    Event,
    branch_rewritten,
    drift_detected,
    drift_healed,
    heal_exhausted,
    policy_unsigned,
    render_failed,
    sync_ended,
)
from towpath.drift.heal_budget import LIMIT
from towpath.drift.incidents import ENVIRONMENT_KEY, POLICY_KEY
from towpath.engine.reconcile.result import ReconcilePlan, ReconcileResult
from towpath.redact import redact_data


def emit(events: Iterable[Event]) -> None:
    """Send them; a server that is away loses them, and nothing waits for it."""
    for event in events:
        emit_event(
            event=event.name,
            resource=event.resource,
            related=list(event.related),
            payload=redact_data(event.payload),
        )


def of_finding(plan: ReconcilePlan, *, with_drift: bool, troubled: Collection[str]) -> Iterable[Event]:
    """What one look found; drift, and the trouble of an app or of the environment, only when it is news."""
    environment = plan.context.environment.name
    if plan.held and ENVIRONMENT_KEY in troubled:
        yield branch_rewritten(environment, plan.held)
    if POLICY_KEY in troubled:
        yield policy_unsigned(environment, plan.policy_notes)
    for app, reason in plan.broken.items():
        if app in troubled:
            yield render_failed(environment, app, reason)
    for decision in plan.decisions if with_drift else ():
        entries = [entry for entry in decision.entries if entry.is_drift]
        if entries:
            yield drift_detected(environment, decision.app, entries, decision.action)
        for stopped in decision.exhausted:
            for pointer in stopped.fields:
                yield heal_exhausted(environment, decision.app, stopped.ref, pointer, LIMIT)
    if plan.drift.extras and with_drift:
        answer = "prune" if plan.clears_extras else "report"
        yield drift_detected(environment, "", plan.drift.extras, answer)


def of_ending(done: ReconcileResult) -> Iterable[Event]:
    """What became of it."""
    environment = done.plan.context.environment.name
    decisions = {each.app: each for each in done.plan.decisions}
    for each in done.outcomes:
        decision = decisions.get(each.app)
        if each.held:
            continue  # nothing became of it yet
        if decision and decision.heals and not each.failure:
            if entries := decision.taken_back:
                yield drift_healed(environment, each.app, entries, each.seconds)
        else:
            yield sync_ended(environment, each.app, each.changed, each.seconds, each.failure)
