"""Going back: a new commit that restores an earlier release. Git's history is never rewritten."""

from dataclasses import dataclass, replace
from typing import Any, NoReturn

from prefect.client.schemas.objects import State

from tasks.cluster import Target, sync, verify
from tasks.commit import push_edits, target_at_head
from tasks.desired import EnvironmentRepo, read_desired
from tasks.proposal import now
from tasks.run_identity import actor, run_id
from tasks.step import cause_of, step
from towpath.adapters.git import log, read_file
from towpath.config import load_config
from towpath.engine.source.edits import quarantine_edits, rollback_edits
from towpath.errors import ConfigError, RefusedError, TowpathError, UnknownNameError, VerifyError
from towpath.printable import headline
from towpath.redact import redact
from towpath.release.commit_message import PromotionIntent, format_message, intent_marker, promotion_message
from towpath.release.model import EnvironmentRelease, Release, parse_release_file, release_path
from towpath.release.quarantine import QuarantineEntry, find_quarantined

HISTORY = 100
"""Commits of one `release.yaml` that are searched for an earlier release."""


@dataclass(frozen=True, slots=True)
class Restored:
    """What was gone back to."""

    target: Target
    release: Release

    @property
    def name(self) -> str:
        return f"{self.release.app} {self.release.short}"


def undo(target: Target, *states: "State[Any]") -> NoReturn:
    """Deal with a sync or verification that failed as the environment's policy says, then fail the run.

    An outage (a transient error) is not the release's fault: its commit stays; the next reconcile does it.
    """
    failure = first_failure(*states)
    where = read_desired(target.commit).config.environment(target.environment)
    if failure.transient or where.on_failure == "hold":
        raise failure
    restored = restore(target, failure.message)
    if restored is None:
        raise VerifyError(
            f"{failure.message}\nThere is no earlier verified release of {target.app} in {target.environment}"
            " to go back to; this one is quarantined."
        )
    sync(restored.target)
    verify(restored.target)
    raise VerifyError(f"{failure.message}\n{target.environment} was rolled back to {restored.name}.")


def first_failure(*states: "State[Any]") -> TowpathError:
    """The error of the first step that failed; anything that is not ours is raised as it is."""
    causes = [cause for state in states if state.is_failed() and (cause := cause_of(state))]
    for cause in causes:
        if isinstance(cause, TowpathError):
            return cause
        raise cause
    return VerifyError("; ".join(state.message or str(state.name) for state in states))


@step("restore the release before {target.digest} in {target.environment}")
def restore(target: Target, reason: str) -> Restored | None:
    """Commit the last verified release before the failed one, and quarantine that. None: there is none."""
    desired = read_desired()
    failed = QuarantineEntry(target.digest, headline(redact(reason)), now(), run_id())
    earlier = find_earlier(desired, target.app, target.environment, target.digest)
    if earlier is None:
        push_edits(
            desired.commit,
            lambda root: quarantine_edits(root, target.app, failed),
            quarantine_message(target),
            marker=quarantine_marker(target),
        )
        return None
    return go_back(desired, target.app, target.environment, earlier, target.digest, failed)


@step("restore {app} in {environment}")
def restore_earlier(app: str, environment: str, to: str | None) -> Restored:
    """Commit an earlier release because a person asked: `to` (digest or commit), or the last verified."""
    desired = read_desired()
    desired.config.app(app)
    desired.config.environment(environment)
    current = desired.release(app, environment)
    if current is None:
        raise RefusedError(f"{app} is not released in {environment}, so there is nothing to go back from")
    if current.rolls_back is not None and current.flow_run == run_id():  # this run was here before
        return Restored(Target(app, environment, desired.commit, current.release.digest), current.release)
    earlier = find_earlier(desired, app, environment, current.release.digest, to)
    if earlier is None and to is not None:
        raise UnknownNameError("release", to, where=f"the history of {app} in {environment}")
    if earlier is None:
        raise RefusedError(f"no earlier verified release of {app} in {environment}")
    return go_back(desired, app, environment, earlier, current.release.digest, None)


def find_earlier(
    desired: EnvironmentRepo, app: str, environment: str, failed: str, to: str | None = None
) -> EnvironmentRelease | None:
    """The newest release in history that is not `failed`: verified and not quarantined, or `to` by name."""
    path = release_path(app, environment)
    quarantine = desired.quarantine(app)
    for change in log(desired.checkout, (path,), HISTORY):
        state = _release_at(desired, path, change.sha)
        if state is None or state.release.digest == failed:
            continue
        if to is not None and named(state, to):
            return state
        if to is None and state.verified_at and not find_quarantined(quarantine, state.release.digest):
            return state
    return None


def _release_at(desired: EnvironmentRepo, path: str, commit: str) -> EnvironmentRelease | None:
    """The release file at a commit; one that somebody broke there is passed by: others may be sound."""
    text = read_file(desired.checkout, path, commit)
    try:
        return parse_release_file(text, path) if text else None
    except ConfigError:
        return None


def named(state: EnvironmentRelease, name: str) -> bool:
    """Whether `name` means this release: its digest or commit, or at least seven digits that begin one."""
    short = name.removeprefix("sha256:")
    digest = state.release.digest.removeprefix("sha256:")
    return len(short) >= 7 and (digest.startswith(short) or state.release.commit.startswith(short))


def go_back(  # noqa: PLR0913, PLR0917
    desired: EnvironmentRepo,
    app: str,
    environment: str,
    earlier: EnvironmentRelease,
    replaced: str,
    failed: QuarantineEntry | None,
) -> Restored:
    """The commit of a rollback."""
    intent = PromotionIntent(
        release=earlier.release,
        environment=environment,
        promoted_from=None,
        approved_by=earlier.approved_by,
        flow_run=run_id(),
        actor=actor(),
        rolls_back=replaced,
    )
    # It was verified here before; that it still is, this run says by its end.
    restored = replace(
        earlier, promoted_at=now(), promoted_by=intent.actor, flow_run=intent.flow_run, rolls_back=replaced
    )
    head = push_edits(
        desired.commit,
        lambda root: rollback_edits(root, load_config(root), environment, restored, failed),
        promotion_message(intent),
        marker=intent.marker,
        expected_unchanged=(release_path(app, environment),),
    )
    return Restored(target_at_head(app, environment, earlier.release.digest, head), earlier.release)


def quarantine_marker(target: Target) -> tuple[str, str]:
    """The trailer that recognises the commit of `quarantine_message`."""
    return intent_marker("quarantine", target.app, target.environment, target.digest, run_id())


def quarantine_message(target: Target) -> str:
    """Message of the commit that only quarantines."""
    trailers = [
        ("Towpath-App", target.app),
        ("Towpath-Environment", target.environment),
        ("Towpath-Flow-Run", run_id()),
        quarantine_marker(target),
    ]
    return format_message(f"Quarantine {target.app} {target.digest[:19]}", "", trailers)
