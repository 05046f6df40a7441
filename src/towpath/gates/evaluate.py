"""The gate of an environment: what must hold before a release may enter. A pure decision."""

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
    """`reasons` say why it is closed; `missing_approvals` counts those still to come."""

    open: bool
    reasons: tuple[str, ...] = ()
    missing_approvals: int = 0

    @property
    def waits_for_approval(self) -> bool:
        """Whether approvals are all that is missing."""
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
) -> GateVerdict:
    """Whether `release` of `app` may enter `environment`.

    `states` is what runs in each environment, `pause` the one that holds for the app there now, `approvals`
    what was said so far; that each is bound to the manifests and not expired is for `check_approval` to say,
    at the point of effect.
    """
    config.environment(environment)
    reasons = [
        *([f"{environment} is {pause}"] if pause else []),
        *_quarantined(release, quarantine),
        *_scan(config, release, now),
        *_verified(config, environment, release, states, now),
        *_rejected(config, app, environment, release, approvals),
    ]
    missing = _missing(config, app, environment, release, approvals)
    return GateVerdict(open=not reasons and not missing, reasons=tuple(reasons), missing_approvals=missing)


def _quarantined(release: Release, quarantine: Iterable[QuarantineEntry]) -> Iterable[str]:
    entry = find_quarantined(quarantine, release.digest)
    if entry:
        yield f"{release.app} {release.short} is quarantined since {entry.at}: {entry.reason}"


def _scan(config: Config, release: Release, now: datetime) -> Iterable[str]:
    why = recorded_scan_problem(release.scan, config.scan, now=now)
    if why:
        yield f"{release.app} {release.short} {why}"


def _verified(
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
    what = f"{release.app} {release.short}"
    if state is None:
        yield f"{what} must be verified in {before} first, and nothing is released there"
    elif state.release.digest != release.digest:
        yield f"{what} must be verified in {before} first, and {before} runs {state.release.short}"
    elif state.verified_at is None:
        yield f"{what} must be verified in {before} first; it is there, but not verified yet"
    else:
        soak = config.environment(environment).gate.soak
        left = soak - (now - datetime.fromisoformat(state.verified_at))
        if left.total_seconds() > 0:
            yield f"{what} must soak in {before} for {soak}; {_rounded(left.total_seconds())} to go"


def _counted(
    config: Config, app: str, environment: str, release: Release, approvals: tuple[Approval, ...]
) -> list[Approval]:
    """Those approvals that are about this and by somebody who has a say in it."""
    able = config.environment(environment).gate.approvals.approvers
    return [
        approval
        for approval in approvals
        if (approval.app, approval.environment, approval.digest) == (app, environment, release.digest)
        and approval.approver in able
        and not is_author(approval.approver, release.author)
    ]


def _rejected(
    config: Config, app: str, environment: str, release: Release, approvals: tuple[Approval, ...]
) -> Iterable[str]:
    for approval in _counted(config, app, environment, release, approvals):
        if approval.decision == "reject":
            because = f": {approval.reason}" if approval.reason else ""
            yield f"rejected by {approval.approver}{because}"


def _missing(
    config: Config, app: str, environment: str, release: Release, approvals: tuple[Approval, ...]
) -> int:
    counted = _counted(config, app, environment, release, approvals)
    people = {approval.approver for approval in counted if approval.decision == "approve"}
    return max(0, config.environment(environment).gate.approvals.required - len(people))


def _rounded(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds >= 90 else f"{seconds:.0f} s"
