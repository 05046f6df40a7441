"""Commits to the environment repository: the promotion itself, and that it was verified."""

from collections.abc import Sequence

from prefect.logging import get_run_logger

from tasks.cluster import Target
from tasks.context import context_at
from tasks.drift import Detected
from tasks.proposal import Proposal
from tasks.runs.events import emit
from tasks.runs.run_identity import actor, run_id
from tasks.runs.step import settings, step
from towpath.drift.events import gate_overridden
from towpath.engine.gates.admission import Admission
from towpath.engine.gates.rollback import overridden
from towpath.engine.live.context import render_app
from towpath.engine.reconcile.verified import verified_changes
from towpath.engine.reconcile.work import Outcome
from towpath.engine.source.commits import (
    Committer,
    commit_merged,
    commit_promotion,
    commit_verified,
    now,
)
from towpath.engine.source.repository import EnvironmentRepo
from towpath.engine.source.verified_changes import change_of, commit_changes
from towpath.errors import TerminalError
from towpath.gates.approval import Approval
from towpath.redact import redact
from towpath.release.model import Override, Release
from towpath.release.verified_file import VerifiedChange


def committer() -> Committer:
    """This flow run, as the commits that it makes name it."""
    return Committer(settings(), run_id(), actor())


@step("commit {proposal.release.app} {proposal.release.short_id} to {proposal.environment}")
def commit(proposal: Proposal, approvals: tuple[Approval, ...]) -> Target:
    """Write the release into the environment; nothing to commit is fine. At most one commit per promotion."""
    release, environment = proposal.release, proposal.environment
    override, told = overridden(proposal.admission.override), proposal.admission.verdict.told
    repo = commit_promotion(
        committer(), proposal.context.repo, environment, release, approvals, override=override, told=told
    )
    for each in told:
        get_run_logger().warning(
            "%s %s into %s: %s", release.app, release.short_id, environment, redact(each)
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
    sign_changes(detected, outcomes)
    return outcomes


def sign_changes(detected: Detected, outcomes: Sequence[Outcome]) -> None:
    """Sign what of apps without images is verified now; where nothing is new, there is no step."""
    news = verified_changes(detected.plan, outcomes, run_id())
    if news:
        sign_verified(detected.plan.context.repo, news)


@step("sign what is verified in {news[0].environment}")
def sign_verified(repo: EnvironmentRepo, news: tuple[VerifiedChange, ...]) -> None:
    """One commit for all of them. What cannot be signed is looked at anew next time."""
    try:
        commit_changes(committer(), repo, news)
    except TerminalError as error:
        named = ", ".join(each.app for each in news)
        get_run_logger().warning("%s: not signed as verified: %s", named, redact(str(error)))


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
    if not target.release:
        context = context_at(target.environment, target.commit)
        rendered = render_app(context, target.app)
        change = change_of(context.repo, rendered, target.environment, now(), run_id())
        return commit_changes(committer(), context.repo, (change,))
    return commit_verified(committer(), target.commit, target.environment, release)
