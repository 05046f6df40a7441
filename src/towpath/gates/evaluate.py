"""Decides whether a release may enter an environment: each check that its way in does not waive. Pure."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from towpath.config import Approvals, Config
from towpath.gates.approval import Approval, is_author
from towpath.gates.pause import Pause, active_pause
from towpath.gates.same_change import ChangeFacts
from towpath.gates.waivers import WAIVERS, Check
from towpath.gates.ways import Way
from towpath.release.model import EnvironmentRelease, Release
from towpath.release.quarantine import QuarantineEntry, find_quarantined
from towpath.release.recorded_scan import recorded_scan_problem


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known about a release that is to enter an environment; all of it was proven before.

    `unproven` says why no evidence holds. `states` are the releases of the environments, by name. `approvals`
    are all decisions so far; `check_approval` checks their manifests and expiry when the release is promoted.
    `authors` wrote what is new with the release: none of them approves it. `here` is what the environment's
    agent has signed of the release as verified there; `overridden_by` is the owner who signed that its
    quarantine may be passed over. `change` is what is known of an app without images: then `release` names
    the commit alone.
    """

    config: Config
    environment: str
    release: Release
    now: datetime
    unproven: str = ""
    states: Mapping[str, EnvironmentRelease | None] = field(default_factory=dict)
    quarantine: tuple[QuarantineEntry, ...] = ()
    pauses: tuple[Pause, ...] = ()
    approvals: tuple[Approval, ...] = ()
    authors: tuple[str, ...] = ()
    here: EnvironmentRelease | None = None
    overridden_by: str = ""
    change: ChangeFacts | None = None

    @property
    def name(self) -> str:
        """The release as people call it."""
        return f"{self.release.app} {self.release.short_id}"

    @property
    def gate(self) -> Approvals:
        """What the environment asks of people."""
        return self.config.environment(self.environment).gate.approvals


@dataclass(frozen=True, slots=True)
class GateVerdict:
    """The decision. `reasons` say why the gate is closed; `missing_approvals` is a number.

    `told` is what checks would have said that were waived, and what an owner passed over.
    """

    open: bool
    reasons: tuple[str, ...] = ()
    missing_approvals: int = 0
    told: tuple[str, ...] = ()

    @property
    def waits_for_approval(self) -> bool:
        """Whether only approvals are missing."""
        return self.missing_approvals > 0 and not self.reasons


def evaluate_gate(way: Way, facts: Facts) -> GateVerdict:
    """The verdict about a release that comes in this way. UnknownNameError for an unknown environment."""
    facts.config.environment(facts.environment)
    reasons: list[str] = []
    told: list[str] = []
    for check, ruling in WAIVERS[way].items():
        if ruling in ("waived", "of then"):
            continue
        passed_over = ruling == "told" or (ruling == "by owner" and bool(facts.overridden_by))
        (told if passed_over else reasons).extend(_REASONS[check](facts))
    ruling = WAIVERS[way]["approvals"]
    if ruling == "of then":
        reasons.extend(_approvals_of_then(facts))
    missing = _missing_approvals(facts) if ruling == "asked" else 0
    return GateVerdict(not reasons and not missing, tuple(reasons), missing, tuple(told))


def _evidence(facts: Facts) -> Iterable[str]:
    if facts.unproven:
        yield facts.unproven


def _scan(facts: Facts) -> Iterable[str]:
    if not facts.unproven:  # nothing is known of its scan
        problem = recorded_scan_problem(facts.release.scan, facts.config.scan, now=facts.now)
        if problem:
            yield f"{facts.name} {problem}"


def _quarantine(facts: Facts) -> Iterable[str]:
    manifests = [facts.change.manifests] if facts.change else []
    entry = find_quarantined(facts.quarantine, *facts.release.quarantine_ids, *manifests)
    if entry:
        yield f"{facts.name} is quarantined since {entry.at}: {entry.reason}"


def _pause(facts: Facts) -> Iterable[str]:
    pause = active_pause(facts.pauses, facts.release.app, facts.now)
    if pause:
        yield f"{facts.environment} is {pause}"


def _verified_here(facts: Facts) -> Iterable[str]:
    here = facts.here is not None and facts.here.verified_at is not None
    if not (here or (facts.change is not None and facts.change.verified_here)):
        yield (
            f"no commit that the agent of {facts.environment} has signed says that {facts.name}"
            " was verified there"
        )


def _order(facts: Facts) -> Iterable[str]:
    before = facts.config.verified_in(facts.environment, facts.release.app)
    if before is None:
        return
    if facts.change is not None:
        if facts.change.unverified:
            yield f"{facts.name} must be verified in {before} first: {facts.change.unverified}"
        return
    state = facts.states.get(before)
    if state is None:
        yield f"{facts.name} must be verified in {before} first, and nothing is released there"
    elif state.release.id != facts.release.id:
        yield f"{facts.name} must be verified in {before} first, and {before} runs {state.release.short_id}"
    elif state.verified_at is None:
        yield f"{facts.name} must be verified in {before} first; it is there, but not verified yet"


def _soak(facts: Facts) -> Iterable[str]:
    before = facts.config.verified_in(facts.environment, facts.release.app)
    state = facts.states.get(before) if before else None
    since = facts.change.verified_at if facts.change else ""
    if state is not None and state.release.id == facts.release.id:
        since = state.verified_at or ""
    if not since:
        return  # that is the order's
    soak = facts.config.environment(facts.environment).gate.soak
    left = (soak - (facts.now - datetime.fromisoformat(since))).total_seconds()
    if left > 0:
        yield f"{facts.name} must soak in {before} for {soak}; {_format_seconds(left)} to go"


def _rejections(facts: Facts) -> Iterable[str]:
    for approval in _valid_approvals(facts):
        if approval.decision == "reject":
            because = f": {approval.reason}" if approval.reason else ""
            yield f"rejected by {approval.approver}{because}"


def _approvals_of_then(facts: Facts) -> Iterable[str]:
    who = facts.config.who()
    given = len({who.person(each) for each in facts.here.approved_by}) if facts.here else 0
    if given < facts.gate.required:
        yield (
            f"{facts.environment} asks for {facts.gate.required} approvals, and {facts.name} had"
            f" {given or 'none'} when it came in"
        )


_REASONS: Mapping[Check, Callable[[Facts], Iterable[str]]] = {
    "evidence": _evidence,
    "scan": _scan,
    "quarantine": _quarantine,
    "pause": _pause,
    "verified here": _verified_here,
    "order": _order,
    "soak": _soak,
    "approvals": _rejections,
}
"""Why each check does not hold. Approvals that are missing are counted beside that: they may come yet."""


def _valid_approvals(facts: Facts) -> list[Approval]:
    """The approvals of this release in this environment by people who may approve it."""
    release, people = facts.release, facts.config.who()
    approvers = facts.config.approvers(facts.environment)
    return [
        approval
        for approval in facts.approvals
        if (approval.app, approval.environment, approval.digest)
        == (release.app, facts.environment, release.id)
        and people.person(approval.approver) in approvers
        and (approval.statement or facts.gate.kind != "signed")
        and not any(is_author(approval.approver, each, people) for each in (release.author, *facts.authors))
    ]


def _missing_approvals(facts: Facts) -> int:
    who, valid = facts.config.who(), _valid_approvals(facts)
    people = {who.person(each.approver) for each in valid if each.decision == "approve"}
    return max(0, facts.gate.required - len(people))


def _format_seconds(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds >= 90 else f"{seconds:.0f} s"
