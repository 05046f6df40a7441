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
from towpath.drift.heal_budget import Budget, Exhausted
from towpath.drift.model import DriftEntry, DriftKind, DriftReport
from towpath.gates.pause import Pause, active
from towpath.objects import ObjectRef

Action = Literal["sync", "report", "adopt", "remove", "none"]

_SYNCED: Mapping[DriftMode, tuple[DriftKind, ...]] = {
    "heal": ("unapplied", "modified", "deleted"),
    "report": ("unapplied",),
    "adopt": ("unapplied",),
    "off": (),
}
"""What a sync answers, by mode: what people merged is carried out in all but `off`."""
REPORTED: Mapping[DriftMode, str] = {
    "heal": "nothing of it is to be synced",
    "report": "drift is allowed here (drift: report)",
    "adopt": "drift is adopted here (drift: adopt)",
    "off": "only promotions write here (drift: off)",
}


@dataclass(frozen=True, slots=True)
class Policy:
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
    leave: Mapping[ObjectRef, tuple[str, ...]] = field(default_factory=dict)
    exhausted: tuple[Exhausted, ...] = ()

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
        return len({entry.ref for entry in self.allowed} | self.leave.keys())

    @property
    def heals(self) -> bool:
        """Whether it only takes back what somebody did: Git wants nothing new."""
        return self.action == "sync" and all(entry.kind != "unapplied" for entry in self.entries)


def decide(app: str, entries: Sequence[DriftEntry], policy: Policy) -> Decision:
    """The decision about one app that Git has; `entries` are its own and those that stand for all apps."""
    found = tuple(entries)
    if not found:
        return Decision(app, "none")
    if policy.paused:
        return Decision(app, "report", found, policy.paused, policy.mode)
    if any(entry.kind in _SYNCED[policy.mode] for entry in found):
        return Decision(app, "sync", found, mode=policy.mode)
    if policy.mode == "adopt":
        return Decision(app, "adopt", found, REPORTED["adopt"], policy.mode)
    return Decision(app, "report", found, REPORTED[policy.mode], policy.mode)


def limit(decision: Decision, budget: Budget) -> Decision:
    """The decision to sync, within the heal budget; to report, when nothing else is left to do."""
    stopped = {each.ref for each in budget.exhausted} - {each.ref for each in budget.entries}
    limited = replace(decision, counted=budget.entries, leave=budget.leave, exhausted=budget.exhausted)
    if stopped and all(entry.ref in stopped for entry in decision.entries):
        return replace(limited, action="report", reason="; ".join(map(str, budget.exhausted)))
    return limited


def drift_text(decision: Decision, *, failed: bool = False) -> str:
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


def policy_of(environment: Environment, app: str, pauses: Iterable[Pause], now: datetime) -> Policy:
    """How drift of an app is answered here and now."""
    return Policy(environment.drift_of(app), str(active(pauses, app, now) or ""))


def decide_all(
    report: DriftReport, apps: Iterable[str], policy_of: Callable[[str], Policy]
) -> tuple[Decision, ...]:
    """A decision for each of `apps`, by name; drift of no app (a missing namespace) stands for all."""
    by_app: dict[str, list[DriftEntry]] = {}
    for entry in report.entries:
        if entry.kind != "extra":
            by_app.setdefault(entry.app, []).append(entry)
    for_all = by_app.get("", [])
    return tuple(decide(app, by_app.get(app, []) + for_all, policy_of(app)) for app in sorted(apps))
