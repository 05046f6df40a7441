"""An environment against Git: what differs, what is done about it, what is told.

Few steps for any number of apps: the engine works on many at a time, and a line of the log tells of each.
"""

import threading
from collections.abc import Sequence

from prefect.logging import get_run_logger

from tasks.runs.beside import Beside
from tasks.runs.events import emit, of_ending, of_finding
from tasks.runs.report import read_report, read_table, report, write_table
from tasks.runs.step import step
from tasks.status import write_health
from towpath.drift.events import MAX_MESSAGE
from towpath.drift.incidents import ENVIRONMENT_KEY, POLICY_KEY, merge_incidents, new_incidents
from towpath.drift.proposal import Proposal
from towpath.engine.live.context import EnvironmentContext
from towpath.engine.live.heal_store import forget_heals
from towpath.engine.reconcile.loop import act, conclude, look
from towpath.engine.reconcile.result import ReconcilePlan
from towpath.engine.reconcile.rounds import apps_of_next_round
from towpath.engine.reconcile.work import Outcome
from towpath.engine.source.render import Rendered
from towpath.errors import SyncError
from towpath.orchestration.keys import drift_key, trouble_key
from towpath.redact import redact


class Detected:
    """The plan on its way from step to step. Not a dataclass: Prefect would search it for futures."""

    def __init__(self, plan: ReconcilePlan, told: Beside) -> None:
        self.plan, self.told = plan, told
        self.environment = plan.context.environment.name

    def rendered(self, app: str) -> Rendered:
        """What Git wants of one app."""
        return next(each for each in self.plan.rendered if each.app == app)

    def __repr__(self) -> str:
        return f"Detected({self.environment})"


@step("detect drift in {context.environment.name}")
def detect(context: EnvironmentContext, apps: list[str] | None = None, *, deep: bool = False) -> Detected:
    """Compare released apps (all, or `apps`) with the cluster, and decide about each.

    What was found is told while it is answered: a heal does not wait for the Prefect server.
    """
    plan = look(context, apps, deep=deep)
    if plan.drift.entries or plan.broken:
        get_run_logger().info("%s", plan.drift.summary())
    return Detected(plan, Beside(lambda: _tell_found(plan, apps)))


_telling = threading.Lock()


def _tell_found(plan: ReconcilePlan, apps: list[str] | None) -> None:
    """Publish what was found, and send its events: of one round after the other."""
    with _telling:
        _tell_of(plan, apps)


def _tell_of(plan: ReconcilePlan, apps: list[str] | None) -> None:
    environment = plan.context.environment.name
    drift_is_news = False
    if plan.drift.entries or plan.broken:
        text = plan.to_markdown()
        key = drift_key(environment)
        # What is only reported is found in every run: listeners are told once, until it changes.
        drift_is_news = plan.answers_drift or read_report(key) != redact(text)
        report(key, text, plan.drift.summary())
    _tell_trouble(plan, apps, with_drift=drift_is_news)


def _tell_trouble(plan: ReconcilePlan, apps: list[str] | None, *, with_drift: bool) -> None:
    """Send the events of what was found, and remember what cannot be reconciled: it is told once."""
    environment = plan.context.environment.name
    trouble = trouble_key(environment)
    before = {str(row["app"]): str(row["what"]) for row in read_table(trouble).rows}
    now = troubles_of(plan)
    emit(of_finding(plan, with_drift=with_drift, troubled=new_incidents(before, now)))
    if (after := merge_incidents(before, now, apps)) != before:
        rows = [{"app": app, "what": what} for app, what in after.items()]
        write_table(trouble, rows, f"What cannot be reconciled in {environment}")


def troubles_of(plan: ReconcilePlan) -> dict[str, str]:
    """What keeps apps, or all of the environment, from being reconciled; as it is written down."""
    # The reason names only apps that were looked at; the commit that the branch has now says it as well.
    unsigned = plan.context.repo.protection.held(plan.context.environment.name)
    rewritten = plan.held and not unsigned
    held = {ENVIRONMENT_KEY: f"rewritten to {plan.context.repo.commit}"} if rewritten else {}
    if plan.policy_notes:
        held[POLICY_KEY] = redact("\n".join(plan.policy_notes))[:MAX_MESSAGE]
    return held | {app: redact(reason)[:MAX_MESSAGE] for app, reason in plan.broken.items()}


def carry_out(detected: Detected) -> Sequence[Outcome]:
    """Do what was decided; where that is nothing, there is no step for it either."""
    return () if detected.plan.quiet else apply(detected)


@step("carry out in {detected.environment}")
def apply(detected: Detected) -> tuple[Outcome, ...]:
    """Sync and verify each app; its failure stops no other app and is told at the end."""
    log = get_run_logger()
    return act(detected.plan, lambda line: log.info("%s", redact(line)))


class Round:
    """What was found, and what came of it. Not a dataclass, as Detected."""

    def __init__(
        self, detected: Detected, outcomes: Sequence[Outcome], proposals: Sequence[Proposal] = ()
    ) -> None:
        self.detected, self.outcomes, self.proposals = detected, outcomes, proposals
        self.environment = detected.environment

    def apps_of_next(self) -> list[str]:
        """What has to be answered in this run, too: nothing where nobody watches."""
        return apps_of_next_round(self.detected.plan, self.outcomes)


@step("record {rounds[0].environment}")
def record(rounds: Sequence[Round]) -> str:
    """Write the table that `towpath status` shows, and say in a line each what was found and done."""
    ended, lines, reasons = [], [], []
    for each in rounds:
        each.detected.told.finish()
        done = conclude(each.detected.plan, each.outcomes)
        emit(of_ending(done))
        ended.append(done)
        failures = done.failures | {made.app: made.failure for made in each.proposals if made.failure}
        lines.append("; ".join((done.summary(), *map(str, each.proposals))))
        reasons += [f"{app}: {redact(reason)}" for app, reason in failures.items()]
    write_health(ended)
    if reasons:
        raise SyncError("\n".join((*lines, *reasons)))
    return "\n".join(lines)


@step("reset heal budgets in {context.environment.name}")
def reset_budgets(context: EnvironmentContext, apps: list[str] | None = None) -> tuple[str, ...]:
    """Heal again what was healed too often, in all apps or in `apps`; the apps that had healed anything."""
    environment = context.environment
    return forget_heals(context.cluster, environment.name, environment.namespace, apps)
