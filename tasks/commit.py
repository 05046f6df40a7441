"""Commits to the environment repository: the promotion itself, and that it was verified."""

from collections.abc import Sequence

from prefect.logging import get_run_logger

from tasks.cluster import Target
from tasks.drift import Detected
from tasks.proposal import Proposal
from tasks.runs.events import emit
from tasks.runs.run_identity import actor, run_id
from tasks.runs.step import settings, step
from towpath.drift.events import gate_overridden
from towpath.engine.gates.admission import Admission
from towpath.engine.gates.rollback import overridden
from towpath.engine.reconcile.work import Outcome
from towpath.engine.source.commits import Committer, commit_merged, commit_promotion, commit_verified
from towpath.errors import TerminalError
from towpath.gates.approval import Approval
from towpath.redact import redact
from towpath.release.model import Override, Release


def committer() -> Committer:
    """This flow run, as the commits that it makes name it."""
    return Committer(settings(), run_id(), actor())


@step("commit {proposal.release.app} {proposal.release.short_id} to {proposal.environment}")
def commit(proposal: Proposal, approvals: tuple[Approval, ...]) -> Target:
    """Write the release into the environment; nothing to commit is fine. At most one commit per promotion."""
    release, environment = proposal.release, proposal.environment
    override = overridden(proposal.admission.override)
    repo = commit_promotion(
        committer(), proposal.context.repo, environment, release, approvals, override=override
    )
    if override:
        tell_override(environment, release, override)
    return Target(proposal.release.app, proposal.environment, repo.commit, proposal.release.id)


def tell_override(environment: str, release: Release, override: Override) -> None:
    """An event and a warning: an owner has let the release in without what the environment asks."""
    emit([gate_overridden(environment, release, override, run_id())])
    get_run_logger().warning(
        "%s let %s %s into %s in spite of its %s: %s",
        override.by, release.app, release.short_id, environment, override.waives, redact(override.reason),
    )  # fmt: skip


def sign_merged(detected: Detected, outcomes: Sequence[Outcome]) -> Sequence[Outcome]:
    """Sign releases that people merged and that are verified now; where there is none, there is no step."""
    merged = tuple(each.merged for each in outcomes if each.merged and each.healthy and not each.failure)
    if merged:
        sign(detected.environment, merged)
    return outcomes


@step("sign what people merged in {environment}")
def sign(environment: str, merged: tuple[Admission, ...]) -> None:
    """A commit each: from then on it is no merge any more. What cannot be signed is judged anew next time."""
    for admission in merged:
        release, here = admission.release, admission.facts.here
        approved_by = here.approved_by if here else ()
        try:
            commit_merged(committer(), admission.entry.repo, environment, release, approved_by)
        except TerminalError as error:
            get_run_logger().warning(
                "%s %s is not signed: %s", release.app, release.short_id, redact(str(error))
            )


@step("mark {release.app} {release.short_id} verified in {target.environment}")
def mark_verified(target: Target, release: Release) -> str:
    """Record in Git that the release was verified here: the next environment's gate reads it there."""
    return commit_verified(committer(), target.commit, target.environment, release)
