"""What a reconcile does about each app: drift found and policies in, one decision per app out. Pure.

sync        carry out what Git wants, or take an edit back
report      tell it, write nothing
adopt       write it back to Git for review
remove      delete what a commit confirms of an app that left Git
none        there is nothing to do
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

from towpath.config import DriftMode, Environment
from towpath.drift.heal_budget import ExhaustedFields, HealBudget
from towpath.drift.model import DriftEntry, DriftKind, DriftReport
from towpath.gates.pause import Pause, active_pause
from towpath.objects import ObjectRef

Action = Literal["sync", "report", "adopt", "remove", "none"]

_SYNCED: Mapping[DriftMode, tuple[DriftKind, ...]] = {
    "heal": ("unapplied", "modified", "deleted"),
    "report": ("unapplied",),
    "adopt": ("unapplied",),
    "off": (),
}
"""What a sync answers, by mode: what people merged is carried out in all but `off`."""
REPORT_REASONS: Mapping[DriftMode, str] = {
    "heal": "nothing of it is to be synced",
    "report": "drift is allowed here (drift: report)",
    "adopt": "drift is adopted here (drift: adopt)",
    "off": "only promotions write here (drift: off)",
}


@dataclass(frozen=True, slots=True)
class DriftPolicy:
    """How the drift of one app is answered. `paused` says why nothing may be written now; empty: it may."""

    mode: DriftMode = "heal"
    paused: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do about one app, why, and the entries that it is about.

    `counted` are those whose healing counts against the heal budget; `leave` is drift that a sync does not
    take back (object -> pointers), because the budget is `exhausted`.
    """

    app: str
    action: Action
    entries: tuple[DriftEntry, ...] = ()
    reason: str = ""
    mode: DriftMode = "heal"
    counted: tuple[DriftEntry, ...] = ()
    left_alone: Mapping[ObjectRef, tuple[str, ...]] = field(default_factory=dict)
    exhausted: tuple[ExhaustedFields, ...] = ()

    @property
    def drifted(self) -> tuple[DriftEntry, ...]:
        """The app's own objects that somebody changed, without what Git has changed as well."""
        return tuple(e for e in self.entries if e.app == self.app and e.kind in ("modified", "deleted"))

    @property
    def allowed(self) -> tuple[DriftEntry, ...]:
        """Drift that may be: the mode is not to heal."""
        return () if self.mode == "heal" else self.drifted

    @property
    def left(self) -> int:
        """Objects that still differ when all is done that was decided."""
        if self.action != "sync":
            return len({entry.ref for entry in self.entries})
        return len({entry.ref for entry in self.allowed} | self.left_alone.keys())

    @property
    def heals(self) -> bool:
        """Whether it only takes back what somebody did: Git wants nothing new."""
        return self.action == "sync" and all(entry.kind != "unapplied" for entry in self.entries)


def decide_app(app: str, entries: Sequence[DriftEntry], policy: DriftPolicy) -> Decision:
    """The decision about one app that Git has; `entries` are its own and those that stand for all apps."""
    found = tuple(entries)
    if not found:
        return Decision(app, "none")
    if policy.paused:
        return Decision(app, "report", found, policy.paused, policy.mode)
    if any(entry.kind in _SYNCED[policy.mode] for entry in found):
        return Decision(app, "sync", found, mode=policy.mode)
    if policy.mode == "adopt":
        return Decision(app, "adopt", found, REPORT_REASONS["adopt"], policy.mode)
    return Decision(app, "report", found, REPORT_REASONS[policy.mode], policy.mode)


def apply_heal_budget(decision: Decision, budget: HealBudget) -> Decision:
    """The decision to sync, within the heal budget; to report, when nothing else is left to do."""
    stopped = {each.ref for each in budget.exhausted} - {each.ref for each in budget.entries}
    limited = replace(
        decision, counted=budget.entries, left_alone=budget.left_alone, exhausted=budget.exhausted
    )
    if stopped and all(entry.ref in stopped for entry in decision.entries):
        return replace(limited, action="report", reason="; ".join(map(str, budget.exhausted)))
    return limited


def drift_status(decision: Decision, *, failed: bool = False) -> str:
    """What `towpath status` says of an app against Git after a reconcile."""
    if failed:
        return "out of sync"
    count = decision.left
    if not count:
        return "in sync"
    objects = f"{count} object{'' if count == 1 else 's'}"
    if decision.exhausted:
        return f"healing stopped: {objects}"
    if decision.action == "report" and decision.reason.startswith("paused"):
        return f"paused, drifted: {objects}"
    if decision.mode == "adopt":
        return f"drift to adopt: {objects}"
    return f"drifted: {objects}" if decision.mode == "heal" else f"drift allowed: {objects}"


def drift_policy(environment: Environment, app: str, pauses: Iterable[Pause], now: datetime) -> DriftPolicy:
    """How drift of an app is answered here and now."""
    return DriftPolicy(environment.drift_mode_of(app), str(active_pause(pauses, app, now) or ""))


def decide_all(
    report: DriftReport, apps: Iterable[str], policy_of: Callable[[str], DriftPolicy]
) -> tuple[Decision, ...]:
    """A decision for each of `apps`, by name; drift of no app (a missing namespace) stands for all."""
    by_app: dict[str, list[DriftEntry]] = {}
    for entry in report.entries:
        if entry.kind != "extra":
            by_app.setdefault(entry.app, []).append(entry)
    for_all = by_app.get("", [])
    return tuple(decide_app(app, by_app.get(app, []) + for_all, policy_of(app)) for app in sorted(apps))
