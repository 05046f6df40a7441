"""Commits to the environment repository: a promotion, that it was verified, a rollback, a quarantine."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from towpath.adapters.git import commit_files
from towpath.config import load_config
from towpath.config.keys.graph import needs_text
from towpath.engine.source.edits import (
    Renderers,
    promote_edits,
    quarantine_edits,
    rollback_edits,
    signed_edits,
    verified_edits,
)
from towpath.engine.source.history import signed_states
from towpath.engine.source.keys import load_trusted_keys
from towpath.engine.source.repository import EnvironmentRepo, last_repository
from towpath.errors import ConflictError
from towpath.files import Edits
from towpath.gates.approval import Approval, given
from towpath.gates.signed_approval import encode_trailer
from towpath.release.commit_message import (
    PromotionIntent,
    promotion_message,
    quarantine_marker,
    quarantine_message,
    verified_marker,
    verified_message,
)
from towpath.release.model import EnvironmentRelease, Override, Release
from towpath.release.quarantine import QuarantineEntry
from towpath.release.release_file import release_path
from towpath.settings import Settings

AUTHOR = "Towpath <towpath@localhost>"
"""Who commits; who promoted and who approved is in the trailers and in release.yaml."""


@dataclass(frozen=True, slots=True)
class Committer:
    """The flow run that commits: its id, and who started it."""

    settings: Settings
    flow_run: str
    actor: str


def now() -> str:
    """RFC 3339, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def commit_promotion(  # noqa: PLR0913
    by: Committer,
    repo: EnvironmentRepo,
    environment: str,
    release: Release,
    approvals: tuple[Approval, ...],
    *,
    override: Override | None = None,
    told: tuple[str, ...] = (),
) -> EnvironmentRepo:
    """Write the release into the environment; at most one commit per promotion. The repository after it.

    What approvers have signed, and `told`, what it was let in without, are kept in the commit's message.

    A release that is there because others have written so is written again: signed, and to be verified.
    """
    intent = PromotionIntent(
        release=release,
        environment=environment,
        promoted_from=needs_text(repo.config.needs(environment, release.app)) or None,
        approved_by=tuple(each.approver for each in given(approvals)),
        flow_run=by.flow_run,
        actor=by.actor,
        statements=tuple(encode_trailer(each.statement) for each in given(approvals) if each.statement),
        override=override,
        told=told,
    )
    state = EnvironmentRelease(
        release=release,
        promoted_at=now(),
        promoted_by=intent.actor,
        promoted_from=intent.promoted_from,
        approved_by=intent.approved_by,
        flow_run=intent.flow_run,
        override=override,
    )

    programs = Renderers(by.settings.tools, by.settings.renders)
    renew = not _is_signed(by, repo, environment, release)

    def edits(root: Path) -> Edits:
        return promote_edits(root, load_config(root), environment, state, programs, renew=renew)

    return _commit_release(by, repo, intent, edits)


def commit_rollback(  # noqa: PLR0913
    by: Committer,
    repo: EnvironmentRepo,
    environment: str,
    earlier: EnvironmentRelease,
    replaced: str,
    *,
    failed: QuarantineEntry | None = None,
    override: Override | None = None,
    told: tuple[str, ...] = (),
) -> EnvironmentRepo:
    """Restore an earlier release in place of the release `replaced`, and quarantine what has `failed`.

    What has failed is what a person has not asked for: then the commit says that the rollback is automatic.
    """
    intent = PromotionIntent(
        release=earlier.release,
        environment=environment,
        promoted_from=None,
        approved_by=earlier.approved_by,
        flow_run=by.flow_run,
        actor=by.actor,
        rolls_back=replaced,
        override=override,
        automatic=failed is not None,
        told=told,
    )
    # It was verified here before; that it still is, this run says by its end.
    restored = replace(
        earlier,
        promoted_at=now(),
        promoted_by=intent.actor,
        flow_run=intent.flow_run,
        rolls_back=replaced,
        override=override,
    )

    programs = Renderers(by.settings.tools, by.settings.renders)

    def edits(root: Path) -> Edits:
        return rollback_edits(root, load_config(root), environment, restored, failed, programs)

    return _commit_release(by, repo, intent, edits)


def commit_quarantine(
    by: Committer, repo: EnvironmentRepo, app: str, environment: str, failed: QuarantineEntry
) -> None:
    """Only quarantine: there is no earlier release to go back to."""
    named = (app, environment, failed.release, by.flow_run)
    push_edits(
        by.settings,
        repo.commit,
        lambda root: quarantine_edits(root, app, failed),
        quarantine_message(*named),
        marker=quarantine_marker(*named),
    )


def commit_verified(by: Committer, commit: str, environment: str, release: Release) -> str:
    """Record in Git that the release was verified here: the next environment's gate reads it there."""
    return push_edits(
        by.settings,
        commit,
        lambda root: verified_edits(root, release.app, environment, release.id, now()),
        verified_message(release, environment, by.flow_run),
        marker=verified_marker(release, environment, by.flow_run),
        expected_unchanged=(release_path(release.app, environment),),
    )


def commit_merged(
    by: Committer, repo: EnvironmentRepo, environment: str, release: Release, approved_by: tuple[str, ...]
) -> str:
    """Sign a release that a person's commit brought, that was admitted, and that is verified here by now.

    Nothing that the person wrote of it is signed: the release is what its evidence states.
    """
    at, path = now(), release_path(release.app, environment)
    state = EnvironmentRelease(
        release, at, by.actor, approved_by=approved_by, flow_run=by.flow_run, verified_at=at
    )
    return push_edits(
        by.settings,
        repo.commit,
        lambda root: signed_edits(root, state, environment),
        verified_message(release, environment, by.flow_run),
        marker=verified_marker(release, environment, by.flow_run),
        expected_unchanged=(path,),
    )


def push_edits(  # noqa: PLR0913
    settings: Settings,
    base: str,
    edits: Callable[[Path], Edits],
    message: str,
    *,
    marker: tuple[str, str],
    expected_unchanged: tuple[str, ...] = (),
) -> str:
    """Commit to the environment repository's branch, signed by this agent, and push; the commit.

    MissingPartError without a signing key: nobody would believe the commit.
    """
    return commit_files(
        settings.environments_url(),
        settings.branch,
        base,
        edits,
        message,
        author=AUTHOR,
        cache=settings.cache,
        marker=marker,
        expected_unchanged=expected_unchanged,
        signing_key=settings.signing_key_file(),
        allow_file=settings.git_allow_file,
    )


def _is_signed(by: Committer, repo: EnvironmentRepo, environment: str, release: Release) -> bool:
    """Whether the agent's newest commit there names the release, and as verified if the file says so."""
    trusted = load_trusted_keys(by.settings.trusted_keys)
    newest = next(signed_states(repo.checkout, trusted, release.app, environment), None)
    current = repo.release(release.app, environment)
    if newest is None or newest.release.id != release.id:
        return False
    return current is None or current.verified_at is None or newest.verified_at is not None


def _commit_release(
    by: Committer, repo: EnvironmentRepo, intent: PromotionIntent, edits: Callable[[Path], Edits]
) -> EnvironmentRepo:
    app, environment = intent.release.app, intent.environment
    pushed = push_edits(
        by.settings,
        repo.commit,
        edits,
        promotion_message(intent),
        marker=intent.marker,
        expected_unchanged=(release_path(app, environment),),
    )
    return _newest_with(by.settings, app, environment, intent.release.id, pushed)


def _newest_with(
    settings: Settings, app: str, environment: str, release: str, pushed: str
) -> EnvironmentRepo:
    """What to sync after a push: the newest commit, so that what people merged meanwhile stays.

    The mirror has it: it knows our own push, and was fetched again when the push found the branch moved.
    """
    repo = last_repository(settings)
    current = repo.release(app, environment)
    if current is None or current.release.id != release:
        raise ConflictError(
            f"{app} in {environment} was changed again right after commit {pushed[:7]}",
            remedy="The newest commit wins; the next reconcile carries it out.",
        )
    return repo
