"""Commits to the environment repository: the promotion itself, and that it was verified."""

from tasks.cluster import Target
from tasks.proposal import Proposal
from tasks.runs.run_identity import actor, run_id
from tasks.runs.step import settings, step
from towpath.engine.source.commits import Committer, commit_promotion, commit_verified
from towpath.gates.approval import Approval
from towpath.release.model import Release


def committer() -> Committer:
    """This flow run, as the commits that it makes name it."""
    return Committer(settings(), run_id(), actor())


@step("commit {proposal.release.app} {proposal.release.short} to {proposal.environment}")
def commit(proposal: Proposal, approvals: tuple[Approval, ...]) -> Target:
    """Write the release into the environment; nothing to commit is fine. At most one commit per promotion."""
    repo = commit_promotion(
        committer(), proposal.context.repo, proposal.environment, proposal.release, approvals
    )
    return Target(proposal.release.app, proposal.environment, repo.commit, proposal.release.id)


@step("mark {release.app} {release.short} verified in {target.environment}")
def mark_verified(target: Target, release: Release) -> str:
    """Record in Git that the release was verified here: the next environment's gate reads it there."""
    return commit_verified(committer(), target.commit, target.environment, release)
