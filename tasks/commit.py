"""Commits to the environment repository: the promotion itself, and that it was verified."""

from collections.abc import Callable
from pathlib import Path

from tasks.cluster import Target
from tasks.desired import environments_url, read_desired
from tasks.proposal import Proposal, now
from tasks.run_identity import actor, run_id
from tasks.step import settings, step
from towpath.adapters.git import commit_files
from towpath.config import load_config
from towpath.engine.source.edits import Edits, promote_edits, verified_edits
from towpath.errors import ConflictError
from towpath.gates.approval import Approval
from towpath.release.commit_message import (
    PromotionIntent,
    promotion_message,
    verified_marker,
    verified_message,
)
from towpath.release.model import EnvironmentRelease, Release, release_path

AUTHOR = "Towpath <towpath@localhost>"
"""Who commits; who promoted and who approved is in the trailers and in release.yaml."""


@step("commit {proposal.release.app} {proposal.release.short} to {proposal.environment}")
def commit(proposal: Proposal, approvals: tuple[Approval, ...]) -> Target:
    """Write the release into the environment; nothing to commit is fine. At most one commit per promotion."""
    release, environment = proposal.release, proposal.environment
    intent = PromotionIntent(
        release=release,
        environment=environment,
        promoted_from=read_desired(proposal.base).config.verified_in(environment),
        approved_by=tuple(each.approver for each in approvals),
        flow_run=run_id(),
        actor=actor(),
    )
    state = EnvironmentRelease(
        release=release,
        promoted_at=now(),
        promoted_by=intent.actor,
        promoted_from=intent.promoted_from,
        approved_by=intent.approved_by,
        flow_run=intent.flow_run,
    )
    head = push_edits(
        proposal.base,
        lambda root: promote_edits(root, load_config(root), environment, state),
        promotion_message(intent),
        marker=intent.marker,
        expected_unchanged=(release_path(release.app, environment),),
    )
    return target_at_head(release.app, environment, release.digest, head)


def target_at_head(app: str, environment: str, digest: str, pushed: str) -> Target:
    """What to sync after a push: the newest commit, so that what people merged meanwhile stays."""
    desired = read_desired()
    current = desired.release(app, environment)
    if current is None or current.release.digest != digest:
        raise ConflictError(
            f"{app} in {environment} was changed again right after commit {pushed[:7]}",
            remedy="The newest commit wins; the next reconcile carries it out.",
        )
    return Target(app, environment, desired.commit, digest)


@step("mark {release.app} {release.short} verified in {target.environment}")
def mark_verified(target: Target, release: Release) -> str:
    """Record in Git that the release was verified here: the next environment's gate reads it there."""
    return push_edits(
        target.commit,
        lambda root: verified_edits(root, target.app, target.environment, target.digest, now()),
        verified_message(release, target.environment, run_id()),
        marker=verified_marker(release, target.environment, run_id()),
        expected_unchanged=(release_path(target.app, target.environment),),
    )


def push_edits(
    base: str,
    edits: Callable[[Path], Edits],
    message: str,
    *,
    marker: tuple[str, str],
    expected_unchanged: tuple[str, ...] = (),
) -> str:
    """Commit to the environment repository's branch and push; the new head."""
    here = settings()
    return commit_files(
        environments_url(),
        here.branch,
        base,
        edits,
        message,
        author=AUTHOR,
        cache=here.cache,
        marker=marker,
        expected_unchanged=expected_unchanged,
        allow_file=here.git_allow_file,
    )
