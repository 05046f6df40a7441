"""Decides whether a release may enter an environment. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from towpath.config import Config
from towpath.gates.approval import Approval, is_author
from towpath.gates.pause import Pause
from towpath.release.model import EnvironmentRelease, Release
from towpath.release.quarantine import QuarantineEntry, find_quarantined
from towpath.release.scan_policy import recorded_scan_problem


@dataclass(frozen=True, slots=True)
class GateVerdict:
    """The decision. `reasons` say why the gate is closed; `missing_approvals` is a number."""

    open: bool
    reasons: tuple[str, ...] = ()
    missing_approvals: int = 0

    @property
    def waits_for_approval(self) -> bool:
        """Whether only approvals are missing."""
        return self.missing_approvals > 0 and not self.reasons


def evaluate_gate(  # noqa: PLR0913, PLR0917
    config: Config,
    app: str,
    environment: str,
    release: Release,
    states: Mapping[str, EnvironmentRelease | None],
    quarantine: Iterable[QuarantineEntry],
    now: datetime,
    approvals: tuple[Approval, ...] = (),
    pause: Pause | None = None,
    authors: tuple[str, ...] = (),
) -> GateVerdict:
    """The verdict about `release` of `app` in `environment`.

    `states` are the releases of the environments, by name. `pause` is the pause of the app in `environment`
    at `now`. `approvals` are all decisions so far; `check_approval` checks their manifests and expiry when
    the release is promoted. `authors` wrote what is new with the release: none of them approves it.
    """
    config.environment(environment)
    reasons = [
        *([f"{environment} is {pause}"] if pause else []),
        *_quarantine_reasons(release, quarantine),
        *_scan_reasons(config, release, now),
        *_verification_reasons(config, environment, release, states, now),
        *_rejection_reasons(config, app, environment, release, approvals, authors),
    ]
    missing = _missing_approvals(config, app, environment, release, approvals, authors)
    return GateVerdict(open=not reasons and not missing, reasons=tuple(reasons), missing_approvals=missing)


def _quarantine_reasons(release: Release, quarantine: Iterable[QuarantineEntry]) -> Iterable[str]:
    entry = find_quarantined(quarantine, release.id)
    if entry:
        yield f"{release.app} {release.short} is quarantined since {entry.at}: {entry.reason}"


def _scan_reasons(config: Config, release: Release, now: datetime) -> Iterable[str]:
    problem = recorded_scan_problem(release.scan, config.scan, now=now)
    if problem:
        yield f"{release.app} {release.short} {problem}"


def _verification_reasons(
    config: Config,
    environment: str,
    release: Release,
    states: Mapping[str, EnvironmentRelease | None],
    now: datetime,
) -> Iterable[str]:
    before = config.verified_in(environment)
    if before is None:
        return
    state = states.get(before)
    subject = f"{release.app} {release.short}"
    if state is None:
        yield f"{subject} must be verified in {before} first, and nothing is released there"
    elif state.release.id != release.id:
        yield f"{subject} must be verified in {before} first, and {before} runs {state.release.short}"
    elif state.verified_at is None:
        yield f"{subject} must be verified in {before} first; it is there, but not verified yet"
    else:
        soak = config.environment(environment).gate.soak
        left = soak - (now - datetime.fromisoformat(state.verified_at))
        if left.total_seconds() > 0:
            yield f"{subject} must soak in {before} for {soak}; {_format_seconds(left.total_seconds())} to go"


def _valid_approvals(  # noqa: PLR0913, PLR0917
    config: Config,
    app: str,
    environment: str,
    release: Release,
    approvals: tuple[Approval, ...],
    authors: tuple[str, ...],
) -> list[Approval]:
    """The approvals of this release in this environment by people who may approve it."""
    people, approvers = config.who(), config.approvers(environment)
    signed = config.environment(environment).gate.approvals.kind == "signed"
    return [
        approval
        for approval in approvals
        if (approval.app, approval.environment, approval.digest) == (app, environment, release.id)
        and people.person(approval.approver) in approvers
        and (approval.statement or not signed)
        and not any(is_author(approval.approver, author, people) for author in (release.author, *authors))
    ]


def _rejection_reasons(  # noqa: PLR0913, PLR0917
    config: Config,
    app: str,
    environment: str,
    release: Release,
    approvals: tuple[Approval, ...],
    authors: tuple[str, ...],
) -> Iterable[str]:
    for approval in _valid_approvals(config, app, environment, release, approvals, authors):
        if approval.decision == "reject":
            because = f": {approval.reason}" if approval.reason else ""
            yield f"rejected by {approval.approver}{because}"


def _missing_approvals(  # noqa: PLR0913, PLR0917
    config: Config,
    app: str,
    environment: str,
    release: Release,
    approvals: tuple[Approval, ...],
    authors: tuple[str, ...],
) -> int:
    valid = _valid_approvals(config, app, environment, release, approvals, authors)
    who = config.who()
    people = {who.person(approval.approver) for approval in valid if approval.decision == "approve"}
    return max(0, config.environment(environment).gate.approvals.required - len(people))


def _format_seconds(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds >= 90 else f"{seconds:.0f} s"
