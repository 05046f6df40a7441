"""What a reconcile does about each app: drift found and policies in, one decision per app out. Pure.

sync        carry out what Git wants, or take an edit back
report      tell it, write nothing
adopt       write it back to Git for review
remove      delete what a commit confirms of an app that left Git
none        there is nothing to do
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from towpath.drift import DriftEntry, DriftKind, DriftReport

Action = Literal["sync", "report", "adopt", "remove", "none"]
Mode = Literal["heal", "report", "adopt", "off"]

_SYNCED: Mapping[Mode, tuple[DriftKind, ...]] = {
    "heal": ("unapplied", "modified", "deleted"),
    "report": ("unapplied",),
    "adopt": ("unapplied",),
    "off": (),
}
"""What a sync answers, by mode: what people merged is carried out in all but `off`."""


@dataclass(frozen=True, slots=True)
class Policy:
    """How the drift of one app is answered. `paused` says why nothing may be written now; empty: it may."""

    mode: Mode = "heal"
    paused: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do about one app, why, and the entries that it is about."""

    app: str
    action: Action
    entries: tuple[DriftEntry, ...] = ()
    reason: str = ""

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
        return Decision(app, "report", found, policy.paused)
    if any(entry.kind in _SYNCED[policy.mode] for entry in found):
        return Decision(app, "sync", found)
    if policy.mode == "adopt":
        return Decision(app, "adopt", found, "drift is adopted here")
    return Decision(app, "report", found, f"drift: {policy.mode}")


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
