"""Going back: a new commit that restores an earlier release. Git's history is never rewritten."""

from dataclasses import dataclass
from typing import Any, NoReturn

from prefect.client.schemas.objects import State

from tasks.cluster import Target, prune, sync, verify
from tasks.commit import committer
from tasks.context import context_at
from tasks.runs.run_identity import run_id
from tasks.runs.step import cause_of, settings, step
from towpath.engine.source.commits import now
from towpath.engine.source.repository import EnvironmentRepo, read_repository
from towpath.engine.source.rollback import restore_failed, restore_release
from towpath.errors import TowpathError, VerifyError
from towpath.printable import headline
from towpath.redact import redact
from towpath.release.model import Release
from towpath.release.quarantine import QuarantineEntry


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
    environment = context_at(target.environment, target.commit).environment
    if failure.transient or environment.on_failure == "hold":
        raise failure
    restored = restore(target, failure.message)
    if restored is None:
        raise VerifyError(
            f"{failure.message}\nThere is no earlier verified release of {target.app} in {target.environment}"
            " to go back to; this one is quarantined."
        )
    sync(restored.target)
    verify(restored.target)
    prune(restored.target, return_state=True)  # the next reconcile goes on with what cannot be deleted
    raise VerifyError(f"{failure.message}\n{target.environment} was rolled back to {restored.name}.")


def first_failure(*states: "State[Any]") -> TowpathError:
    """The error of the first step that failed; anything that is not ours is raised as it is."""
    causes = [cause for state in states if state.is_failed() and (cause := cause_of(state))]
    for cause in causes:
        if isinstance(cause, TowpathError):
            return cause
        raise cause
    return VerifyError("; ".join(state.message or str(state.name) for state in states))


@step("restore the release before {target.release} in {target.environment}")
def restore(target: Target, reason: str) -> Restored | None:
    """Commit the last verified release before the failed one, and quarantine that. None: there is none."""
    failed = QuarantineEntry(target.release, headline(redact(reason)), now(), run_id())
    repo = restore_failed(committer(), read_repository(settings()), target.app, target.environment, failed)
    return None if repo is None else _restored(repo, target.app, target.environment)


@step("restore {app} in {environment}")
def restore_earlier(app: str, environment: str, to: str | None) -> Restored:
    """Commit an earlier release because a person asked: `to` (id, digest or commit), or the last verified."""
    repo = restore_release(committer(), read_repository(settings()), app, environment, to)
    return _restored(repo, app, environment)


def _restored(repo: EnvironmentRepo, app: str, environment: str) -> Restored:
    state = repo.release(app, environment)
    assert state is not None  # noqa: S101 - it was committed just now
    return Restored(Target(app, environment, repo.commit, state.release.id), state.release)
