"""The plan of a reconcile, and its result: frozen values, each told in one line."""

import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from towpath.drift.decision import Decision
from towpath.drift.model import DriftReport
from towpath.engine.apply.prune_extras import to_prune
from towpath.engine.live.context import EnvironmentContext
from towpath.engine.reconcile.detect import Inspection
from towpath.engine.reconcile.work import Outcome
from towpath.engine.source.render import Rendered
from towpath.engine.verify.health_snapshot import AppHealth
from towpath.printable import pluralize
from towpath.progress import format_seconds
from towpath.redact.markdown import plain_markdown
from towpath.release.model import ReleaseRef


@dataclass(frozen=True, slots=True)
class ReconcilePlan:
    """What one look found. `broken` are apps that do not render, or of which something cannot be read, with
    the reason; they are not among `rendered`."""

    context: EnvironmentContext
    rendered: tuple[Rendered, ...]
    releases: dict[str, ReleaseRef]
    broken: dict[str, str]
    inspection: Inspection
    decisions: tuple[Decision, ...]
    whole: bool
    """Whether all apps were looked at, not only some."""
    held: str = ""
    """Why nothing at all is carried out; empty: nothing is held."""
    paused: str = ""
    """Why nothing is written to the whole environment for a while; apps may have pauses of their own."""
    since: float = field(default_factory=time.monotonic, compare=False)

    @property
    def drift(self) -> DriftReport:
        return self.inspection.report

    @property
    def todo(self) -> tuple[Decision, ...]:
        """Decisions that write."""
        return tuple(each for each in self.decisions if each.action in ("sync", "remove") or each.prunes)

    def to_markdown(self) -> str:
        """The report of drift, and what is not taken back of it, and why."""
        notes = [
            f"{each.app}: {each.reason}" for each in self.decisions if each.action in ("report", "adopt")
        ]
        notes += [f"{each.app}: {stopped}" for each in self.decisions for stopped in each.exhausted]
        notes += [f"{app}: cannot be rendered: {reason}" for app, reason in self.broken.items()]
        notes += [f"policy: {note}" for note in self.policy_notes]
        listed = "".join(f"- {line}\n" for line in dict.fromkeys(map(plain_markdown, notes)))
        return self.drift.to_markdown() + (f"\n{listed}" if listed else "")

    @property
    def policy_notes(self) -> tuple[str, ...]:
        """What of the files' policy is not in force, because no owner has signed it."""
        return self.context.repo.protection.notes

    @property
    def answers_drift(self) -> bool:
        """Whether anything is carried out because of drift or a change in Git."""
        return self.clears_extras or any(each.action in ("sync", "remove") for each in self.decisions)

    @property
    def adopts(self) -> tuple[Decision, ...]:
        """Decisions that write back to Git, which is for the caller to do."""
        return tuple(each for each in self.decisions if each.action == "adopt")

    @property
    def clears_extras(self) -> bool:
        environment = self.context.environment
        may = self.whole and environment.drift != "off" and not self.held and not self.paused
        return may and bool(to_prune(environment, self.drift.extras))

    @property
    def quiet(self) -> bool:
        """Nothing to carry out."""
        return not self.todo and not self.clears_extras


@dataclass(frozen=True, slots=True)
class ReconcileResult:
    """A reconcile that has ended: its plan, its outcomes, and the health of every app. Times in seconds."""

    plan: ReconcilePlan
    outcomes: tuple[Outcome, ...]
    health: dict[str, AppHealth]
    seconds: float = 0.0
    """From the first look to the last."""

    @property
    def failures(self) -> dict[str, str]:
        """Apps (and `extras`) that failed or do not render, with the reason."""
        held = {"held": self.plan.held} if self.plan.held else {}
        failed = {each.app: each.failure for each in self.outcomes if each.failure}
        return held | failed | self.plan.broken

    @property
    def held(self) -> dict[str, str]:
        """Apps that wait for others, with what for: no failures."""
        return {each.app: each.held for each in self.outcomes if each.held}

    @property
    def changed(self) -> int:
        """Objects written or deleted."""
        return sum(len(each.changed) for each in self.outcomes)

    def summary(self) -> str:
        """One line: what was found and what was done."""
        plan = self.plan
        environment = plan.context.environment.name
        differs = plan.drift.summary().removeprefix(f"{environment}: ")
        unsigned = plan.context.repo.protection.held(environment)
        why = "the policy is not signed" if unsigned else "the branch was rewritten"
        parts = [f"held: {why}"] if plan.held else []
        parts += [plan.paused] if plan.paused else []
        parts += [differs if plan.drift.entries else f"{pluralize(len(plan.rendered), 'app')} in sync"]
        parts += _named("synced", [each.app for each in self.outcomes if each.well])
        parts += (
            [f"{pluralize(self.changed, 'object')} written in {format_seconds(self.seconds)}"]
            if self.changed
            else []
        )
        parts += [f"{each.app} {each.held}" for each in self.outcomes if each.held][:10]
        parts += _named("failed", [each.app for each in self.outcomes if each.failure])
        parts += _named("cannot be rendered", plan.broken)
        parts += _named("healing stopped", [each.app for each in plan.decisions if each.exhausted])
        parts += _named("not healthy", [app for app, health in self.health.items() if not health.good])
        if plan.policy_notes and not plan.held:
            parts.append(
                f"{pluralize(len(plan.policy_notes), 'change')} of the policy not in force, not signed"
            )
        return f"{environment} at {plan.context.repo.commit[:7]}: {'; '.join(parts)}"


def _named(what: str, apps: Iterable[str]) -> list[str]:
    names = list(apps)
    if not names:
        return []
    shown = ", ".join(names[:10]) + (f" and {len(names) - 10} more" if len(names) > 10 else "")
    return [f"{what} {shown}"]
