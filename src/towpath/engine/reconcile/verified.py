"""Which apps without images a reconcile has found verified as Git has them now, for the agent to sign."""

from collections.abc import Iterator, Sequence

from towpath.drift.decision import Decision
from towpath.engine.gates.changes import ChangedApp, is_of
from towpath.engine.reconcile.result import ReconcilePlan
from towpath.engine.reconcile.work import Outcome, Work, candidate_of
from towpath.engine.source.commits import now
from towpath.engine.source.news import as_in, beside_mark
from towpath.engine.source.render import Rendered
from towpath.engine.source.verified_changes import change_of, verified_now
from towpath.engine.verify.verify import verify_at_once
from towpath.errors import TowpathError
from towpath.release.model import ReleaseRef
from towpath.release.verified_file import VerifiedChange


def verified_changes(
    plan: ReconcilePlan, outcomes: Sequence[Outcome], flow_run: str
) -> tuple[VerifiedChange, ...]:
    """What is verified and not recorded yet, by app. Where nothing was synced, one look says whether it is.

    Only what is live exactly as Git has it: not where drift is allowed, reported or held.
    """
    if plan.held:
        return ()
    ended = {each.app: each for each in outcomes}
    decided = {each.app: each for each in plan.decisions}
    ready, to_ask = list[Rendered](), list[Rendered]()
    for rendered in _unrecorded(plan):
        outcome, decision = ended.get(rendered.app), decided.get(rendered.app)
        if outcome is None:
            if decision is None or decision.action == "none":
                to_ask.append(rendered)
        elif outcome.healthy and not outcome.failure and not (decision and decision.remaining_count):
            ready.append(rendered)
    ready += _healthy(plan, to_ask)
    repo, environment, at = plan.context.repo, plan.context.environment.name, now()
    return tuple(
        change_of(repo, each, environment, at, flow_run) for each in sorted(ready, key=lambda each: each.app)
    )


def _unrecorded(plan: ReconcilePlan) -> Iterator[Rendered]:
    """Apps without images of which Git has no record as they are now. Nobody has to have signed it: a false
    one proves nothing, and the next change is recorded in its place."""
    repo, environment = plan.context.repo, plan.context.environment.name
    for rendered in plan.rendered:
        app = repo.config.apps.get(rendered.app)
        if app is None or app.is_released or plan.releases.get(rendered.app, ReleaseRef()).id:
            continue
        try:
            record = verified_now(repo, rendered.app, environment)
        except TowpathError:
            continue  # of a newer version, or broken: `towpath check` names it, and it is not written over
        if record is None or not _is_of(plan, record, rendered):
            yield rendered


def _is_of(plan: ReconcilePlan, record: VerifiedChange, rendered: Rendered) -> bool:
    """Whether what is rendered is what was recorded.

    Values of secrets are not in a record's hash: those in the app's folder are known by its files, those of
    `vendor/` are rendered as they were then, and compared.
    """
    context = plan.context
    if not rendered.holds_values or as_in(context.repo, beside_mark(rendered.beside), record.commit):
        return record.manifests == rendered.recorded_digest(None)
    place = (context.repo, context.environment.name, rendered.app)
    changed = ChangedApp(*place, tools=context.tools, renders=context.renders)
    return is_of(changed, record, rendered)


def _healthy(plan: ReconcilePlan, rendered: Sequence[Rendered]) -> list[Rendered]:
    if not rendered:
        return []
    context, config = plan.context, plan.context.repo.config
    candidates = [
        candidate_of(config, Work(Decision(each.app, "none"), each, ReleaseRef()), each, rolls=False)
        for each in rendered
    ]
    failed = verify_at_once(context.cluster, config, context.environment, candidates)
    return [each for each in rendered if failed[each.app] is None]
