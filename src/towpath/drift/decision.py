"""Decides what a reconcile does about each app, from its drift and its policy. Pure.

sync        carry out what Git wants, or take an edit back
report      report it, write nothing
adopt       write it back to Git for review
remove      delete what a commit confirms of an app that left Git
prune       delete what left Git, if the app is healthy without it
none        there is nothing to do
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

from towpath.config import DriftMode, Environment
from towpath.drift.heal_budget import WHOLE_OBJECT, ExhaustedFields, HealBudget
from towpath.drift.model import LEAVING, DriftEntry, DriftKind, DriftReport
from towpath.gates.pause import Pause, active_pause
from towpath.objects import ObjectRef

BROKEN = "cannot be rendered"
LEFT_GIT = "left Git"
"""What `towpath status` says of an app that does not render, and of one that Git has no more."""
IN_SYNC, SYNCED = "in sync", "synced"
"""How it begins where all is as Git wants it, and where the rest is left to its owner."""

Action = Literal["sync", "report", "adopt", "remove", "prune", "none"]

_SYNCED: Mapping[DriftMode, tuple[DriftKind, ...]] = {
    "heal": ("unapplied", "modified", "deleted"),
    "report": ("unapplied",),
    "adopt": ("unapplied",),
    "off": (),
}
"""Drift kinds that trigger a sync, per mode. Merged changes (`unapplied`) do in all modes but `off`."""
REPORT_REASONS: Mapping[DriftMode, str] = {
    "heal": "nothing of it is to be synced",
    "report": "drift is allowed here (drift: report)",
    "adopt": "drift is adopted here (drift: adopt)",
    "off": "only promotions write here (drift: off)",
}


@dataclass(frozen=True, slots=True)
class DriftPolicy:
    """How to react to the drift of one app.

    `paused` is the reason of a pause; empty: the app is not paused.
    """

    mode: DriftMode = "heal"
    paused: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do about one app, the reason, and the drift entries behind it.

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
    prunes: bool = False
    """Whether what waits is deleted if the app is healthy, whatever is done about its drift."""

    @property
    def drifted(self) -> tuple[DriftEntry, ...]:
        """The app's own objects that were changed or deleted live."""
        return tuple(e for e in self.entries if e.app == self.app and e.kind in ("modified", "deleted"))

    @property
    def allowed(self) -> tuple[DriftEntry, ...]:
        """Drift that the mode allows to stay: none in mode `heal`."""
        return () if self.mode == "heal" else self.drifted

    @property
    def remaining_count(self) -> int:
        """The number of objects that still differ after the decision was carried out.

        Fields that are left to other controllers do not count, as in the metrics of a watch.
        """
        differs = {entry.ref for entry in self.counting}
        if self.action != "sync":
            return len(differs)
        return len(differs & ({entry.ref for entry in self.allowed} | self.left_alone.keys()))

    @property
    def counting(self) -> tuple[DriftEntry, ...]:
        """What is not as Git wants it: without what leaves, and fields that are left to other controllers."""
        return tuple(e for e in self.entries if e.kind not in LEAVING and not e.left_to)

    @property
    def waiting(self) -> frozenset[ObjectRef]:
        """Objects that are deleted when the app is verified."""
        return frozenset(entry.ref for entry in self.entries if entry.kind == "waiting")

    @property
    def taken_back(self) -> tuple[DriftEntry, ...]:
        """Drift that the sync takes back: none where drift is allowed, and not what is left alone whole."""
        if self.action != "sync" or self.mode != "heal":
            return ()
        left_alone = {ref for ref, pointers in self.left_alone.items() if WHOLE_OBJECT in pointers}
        return tuple(e for e in self.entries if e.is_drift and e.ref not in left_alone)

    @property
    def heals(self) -> bool:
        """Whether the sync only takes back edits: Git has no new changes."""
        return self.action == "sync" and all(entry.kind != "unapplied" for entry in self.entries)


def decide_app(app: str, entries: Sequence[DriftEntry], policy: DriftPolicy) -> Decision:
    """The decision about one app in Git. `entries` are its own and those of the whole environment."""
    drift, mode = tuple(entries), policy.mode
    if not any(entry.kind != "kept" for entry in drift):
        return Decision(app, "none", drift, mode=mode)
    if policy.paused:
        return Decision(app, "report", drift, policy.paused, mode)
    if any(entry.kind in _SYNCED[mode] for entry in drift):
        return Decision(app, "sync", drift, mode=mode)
    prunes = mode != "off" and any(entry.kind == "waiting" for entry in drift)
    if prunes and all(entry.kind in LEAVING for entry in drift):
        return Decision(app, "prune", drift, mode=mode, prunes=True)
    if mode == "adopt" and not any(entry.is_drift for entry in drift):
        return Decision(app, "report", drift, "fields are left to other controllers", mode, prunes=prunes)
    action: Action = "adopt" if mode == "adopt" else "report"
    return Decision(app, action, drift, REPORT_REASONS[mode], mode, prunes=prunes)


def apply_heal_budget(decision: Decision, budget: HealBudget) -> Decision:
    """The decision limited to the heal budget: a report when the budget leaves nothing to sync."""
    stopped = {fields.ref for fields in budget.exhausted} - {entry.ref for entry in budget.entries}
    limited = replace(
        decision, counted=budget.entries, left_alone=budget.left_alone, exhausted=budget.exhausted
    )
    if stopped and all(entry.ref in stopped for entry in decision.entries if entry.kind not in LEAVING):
        reason, prunes = "; ".join(map(str, budget.exhausted)), bool(decision.waiting)
        return replace(limited, action="report", reason=reason, prunes=prunes)
    return limited


def drift_status(  # noqa: PLR0911
    decision: Decision, *, failed: bool = False, changed: Collection[ObjectRef] = frozenset()
) -> str:
    """The text of `towpath status` about an app's drift after a reconcile that wrote or deleted `changed`."""
    if failed:
        return "out of sync"
    count = decision.remaining_count
    if not count:
        left_to = dict.fromkeys(entry.left_to for entry in decision.entries if entry.left_to)
        if left_to:
            return f"{SYNCED}, {', '.join(left_to)}"
        waiting = len(decision.waiting.difference(changed))
        return f"{IN_SYNC}, {waiting} to delete" if waiting else IN_SYNC
    objects = f"{count} object{'' if count == 1 else 's'}"
    if decision.exhausted:
        return f"healing stopped: {objects}"
    merged = decision.action == "report" and all(entry.kind == "unapplied" for entry in decision.counting)
    if decision.action == "report" and decision.reason.startswith("paused"):
        return f"paused, {'not carried out' if merged else 'drifted'}: {objects}"
    if merged:
        return f"not carried out: {objects}"
    words = {"adopt": "drift to adopt", "heal": "drifted"}
    return f"{words.get(decision.mode, 'drift allowed')}: {objects}"


def drift_policy(environment: Environment, app: str, pauses: Iterable[Pause], now: datetime) -> DriftPolicy:
    """The drift policy of an app in an environment at `now`."""
    return DriftPolicy(environment.drift_mode_of(app), str(active_pause(pauses, app, now) or ""))


def decide_all(
    report: DriftReport, apps: Iterable[str], policy_of: Callable[[str], DriftPolicy]
) -> tuple[Decision, ...]:
    """A decision for each of `apps`, by name.

    Drift without an app (a missing namespace) counts for every app.
    """
    by_app: dict[str, list[DriftEntry]] = {}
    for entry in report.entries:
        if entry.kind != "extra":
            by_app.setdefault(entry.app, []).append(entry)
    for_all = by_app.get("", [])
    return tuple(decide_app(app, by_app.get(app, []) + for_all, policy_of(app)) for app in sorted(apps))
