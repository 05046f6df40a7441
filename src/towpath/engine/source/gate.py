"""The gate of an environment at one commit of the environment repository."""

from datetime import UTC, datetime

from towpath.engine.source.repository import EnvironmentRepo
from towpath.errors import ConflictError, RefusedError
from towpath.gates.approval import Approval
from towpath.gates.evaluate import GateVerdict, evaluate_gate
from towpath.gates.pause import active_pause
from towpath.release.model import EnvironmentRelease, Release


def require_open_gate(
    repo: EnvironmentRepo, environment: str, release: Release, approvals: tuple[Approval, ...]
) -> GateVerdict:
    """RefusedError when the gate is closed for this release; missing approvals are in the verdict."""
    now = datetime.now(UTC)
    verdict = evaluate_gate(
        repo.config,
        release.app,
        environment,
        release,
        repo.releases(release.app),
        repo.quarantine(release.app),
        now,
        approvals,
        active_pause(repo.pauses(environment), release.app, now),
    )
    if verdict.reasons:
        raise RefusedError(f"{environment} refuses this release: {'; '.join(verdict.reasons)}")
    return verdict


def require_not_superseded(
    release: Release, current: EnvironmentRelease | None, created: datetime | None
) -> None:
    """ConflictError when a newer build has come into the environment since the run was `created`."""
    if current is None or created is None:
        return
    came = datetime.fromisoformat(current.promoted_at)
    if current.release.overtakes(release) and came > created and current.rolls_back is None:
        raise ConflictError(
            f"{release.app} {release.short} was superseded by {current.release.short},"
            f" promoted at {current.promoted_at} by run {current.flow_run}",
            remedy="Nothing was changed.",
        )
