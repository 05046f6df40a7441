"""Decides whether a release may enter an environment: each check that its way in does not waive. Pure."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from towpath.config import Approvals, Config
from towpath.config.keys.graph import flat, needs_text
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
    `authors` wrote what is new with the release: none of them approves it. `excepted` says by which exception
    of an owner it needs no evidence. `here` is what the environment's
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
    excepted: str = ""
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

    `told` is what checks would have said that were waived, and what an owner passed over or excepted.
    `soaks`: for how many seconds more, where nothing but the soak time is against it; 0 otherwise.
    """

    open: bool
    reasons: tuple[str, ...] = ()
    missing_approvals: int = 0
    told: tuple[str, ...] = ()
    soaks: float = 0.0

    @property
    def waits_for_approval(self) -> bool:
        """Whether only approvals are missing."""
        return self.missing_approvals > 0 and not self.reasons


def evaluate_gate(way: Way, facts: Facts) -> GateVerdict:
    """The verdict about a release that comes in this way. UnknownNameError for an unknown environment."""
    facts.config.environment(facts.environment)
    reasons: list[str] = []
    told: list[str] = [facts.excepted] if facts.excepted else []
    for check, ruling in WAIVERS[way].items():
        if ruling in ("waived", "of then"):
            continue
        passed_over = ruling == "told" or (ruling == "by owner" and bool(facts.overridden_by))
        (told if passed_over else reasons).extend(_REASONS[check](facts))
    ruling = WAIVERS[way]["approvals"]
    if ruling == "of then":
        reasons.extend(_approvals_of_then(facts))
    missing = _missing_approvals(facts) if ruling == "asked" else 0
    left = [seconds for _, seconds in soak_left(facts)] if WAIVERS[way]["soak"] == "asked" else []
    soaks = max(left, default=0.0) if len(reasons) == len(left) else 0.0
    return GateVerdict(not reasons and not missing, tuple(reasons), missing, tuple(told), soaks)


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
    needs = facts.config.needs(facts.environment, facts.release.app)
    if facts.change is not None:
        if needs and facts.change.unverified:
            before = needs_text(needs)
            yield f"{facts.name} must be verified in {before} first: {facts.change.unverified}"
        return
    for group in needs:
        there = len(group) == 1
        why = [_not_verified(facts, before, "there" if there else f"in {before}") for before in group]
        if all(why):
            told = ": " + "; ".join(each.removeprefix(", and ").removeprefix("; ") for each in why)
            yield f"{facts.name} must be verified in {' or '.join(group)} first{why[0] if there else told}"


def _not_verified(facts: Facts, before: str, there: str) -> str:
    """Why the release does not count as verified there, to follow `first`; empty: it does."""
    state = facts.states.get(before)
    if state is None:
        return f", and nothing is released {there}"
    if state.release.id != facts.release.id:
        return f", and {before} runs {state.release.short_id}"
    return "" if state.verified_at else f"; it is {there}, but not verified yet"


def verified_before(facts: Facts) -> dict[str, str]:
    """When the release was verified in each of the environments before, where it was."""
    needs = facts.config.needs(facts.environment, facts.release.app)
    return {
        before: state.verified_at
        for before in flat(needs)
        if (state := facts.states.get(before)) and state.release.id == facts.release.id and state.verified_at
    }


def _soak(facts: Facts) -> Iterable[str]:
    soak = facts.config.environment(facts.environment).gate.soak
    for before, left in soak_left(facts):
        yield f"{facts.name} must soak in {before} for {soak}; {_format_seconds(left)} to go"


def soak_left(facts: Facts) -> list[tuple[str, float]]:
    """Where the release has not been verified for long enough yet, and for how many seconds more.

    Where it is not verified at all, the order says so.
    """
    needs = facts.config.needs(facts.environment, facts.release.app)
    if facts.change is not None:
        left = _left(facts, facts.change.verified_at)
        return [(needs_text(needs), left)] if needs and left > 0 else []
    found, verified = [], verified_before(facts)
    for group in needs:
        times = {before: _left(facts, verified[before]) for before in group if before in verified}
        if times and min(times.values()) > 0:
            found.append(min(times.items(), key=lambda each: each[1]))
    return found


def _left(facts: Facts, since: str) -> float:
    soak = facts.config.environment(facts.environment).gate.soak
    if not since or not soak:  # where none is asked, no clock is: another one's may be ahead
        return 0.0
    return (soak - (facts.now - datetime.fromisoformat(since))).total_seconds()


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
