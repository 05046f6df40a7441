"""The gate of an environment at one commit of the environment repository, and what is proven before it."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from towpath.engine.source.history import signed_states
from towpath.engine.source.keys import load_trusted_keys
from towpath.engine.source.release_proof import authors_of, prove_for
from towpath.engine.source.repository import EnvironmentRepo
from towpath.errors import ConflictError, RefusedError
from towpath.evidence.trusted_keys import TrustedKeys
from towpath.gates.approval import Approval
from towpath.gates.evaluate import GateVerdict, evaluate_gate
from towpath.gates.pause import active_pause
from towpath.release.model import EnvironmentRelease, Release

RUNNING_LIMIT = 20
"""Commits of one `release.yaml` that are searched for the newest of its agent's."""


@dataclass(frozen=True, slots=True)
class ProvenPromotion:
    """A release as its evidence proves it, and all authors of what is new with it in the environment.

    Authors are asked for only where people approve.
    """

    release: Release
    authors: tuple[str, ...]


def prove_promotion(
    repo: EnvironmentRepo, environment: str, app: str, digest: str, trusted_keys: Path | None
) -> ProvenPromotion:
    """The proof of a release for an environment; its registry is asked, and nothing is changed.

    EvidenceError when none holds, RefusedError when its scan does not pass today, MissingPartError without
    trusted keys.
    """
    trusted, config = load_trusted_keys(trusted_keys), repo.config
    proven = prove_for(trusted, config, app, digest)
    if not config.environment(environment).gate.approvals.required:
        return ProvenPromotion(proven.release, proven.evidence.authors)
    states = signed_states(repo.checkout, trusted, app, environment, limit=RUNNING_LIMIT)
    running = next((state.release.id for state in states if state.release.id != digest), "")
    return ProvenPromotion(proven.release, authors_of(trusted, config.app(app), proven, running))


def require_open_gate(
    repo: EnvironmentRepo,
    environment: str,
    promotion: ProvenPromotion,
    approvals: tuple[Approval, ...],
    trusted: TrustedKeys,
) -> GateVerdict:
    """RefusedError when the gate is closed for this release; missing approvals are in the verdict."""
    now, release = datetime.now(UTC), promotion.release
    verdict = evaluate_gate(
        repo.config,
        release.app,
        environment,
        release,
        proven_releases(repo, trusted, release.app, environment),
        repo.quarantine(release.app),
        now,
        approvals,
        active_pause(repo.pauses(environment), release.app, now),
        promotion.authors,
    )
    if verdict.reasons:
        raise RefusedError(f"{environment} refuses this release: {'; '.join(verdict.reasons)}")
    return verdict


def proven_releases(
    repo: EnvironmentRepo, trusted: TrustedKeys, app: str, environment: str
) -> dict[str, EnvironmentRelease | None]:
    """What Git says runs in each environment, by name; of the one before this one, verified if proven.

    That a release was verified there counts when a commit says so that the agent of that environment signed.
    """
    states, before = repo.releases(app), repo.config.verified_in(environment)
    state = states.get(before) if before else None
    if before and state is not None:
        signed = signed_states(repo.checkout, trusted, app, before)
        same = (each for each in signed if each.release.id == state.release.id)
        found = next((each.verified_at for each in same if each.verified_at), None)
        states[before] = replace(state, verified_at=found if state.verified_at else None)
    return states


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
