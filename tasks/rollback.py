"""Going back: a new commit that restores an earlier release. Git's history is never rewritten."""

from dataclasses import dataclass
from typing import Any, NoReturn

from prefect.client.schemas.objects import State
from prefect.logging import get_run_logger

from tasks.cluster import Target, prune, sync, verify
from tasks.commit import committer, tell_override
from tasks.context import context_at
from tasks.runs.events import emit
from tasks.runs.run_identity import run_id
from tasks.runs.step import cause_of, settings, step
from towpath.adapters.kubernetes import ApiRefusedError
from towpath.drift.events import rolled_back
from towpath.engine.gates.change_rollback import RestoredChange, restore_change
from towpath.engine.gates.rollback import Rollback, restore_failed, restore_release
from towpath.engine.source.commits import now
from towpath.engine.source.repository import read_repository
from towpath.errors import TowpathError, VerifyError
from towpath.printable import headline
from towpath.redact import redact
from towpath.release.model import Release
from towpath.release.quarantine import QuarantineEntry

UNKNOWN = 401


@dataclass(frozen=True, slots=True)
class Restored:
    """What was gone back to. `told` is what checks would have said that were not asked."""

    target: Target
    release: Release
    told: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return f"{self.release.app} {self.release.short_id}"


def undo(target: Target, *states: "State[Any]") -> NoReturn:
    """Deal with a sync or verification that failed as the environment's policy says, then fail the run.

    An outage (a transient error) is not the release's fault: its commit stays, and the run begins again.
    Nor is it that the API server does not know this agent: the token of a deleted pod counts no more.
    """
    failure = first_failure(*states)
    environment = context_at(target.environment, target.commit).environment
    if failure.transient or is_unknown(failure) or environment.on_failure == "hold":
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
    told = f" It was not asked for this: {'; '.join(restored.told)}." if restored.told else ""
    raise VerifyError(f"{failure.message}\n{target.environment} was rolled back to {restored.name}.{told}")


def is_unknown(failure: TowpathError) -> bool:
    """Whether the API server does not know who asks."""
    return isinstance(failure, ApiRefusedError) and failure.status == UNKNOWN


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
    done = restore_failed(committer(), read_repository(settings()), target.app, target.environment, failed)
    if done is None:
        return None
    restored = _restored(done, target.app, target.environment)
    emit([rolled_back(target.environment, restored.release, failed, restored.told)])
    for each in restored.told:
        get_run_logger().warning("%s is restored although today's policy refuses it: %s", restored.name, each)
    return restored


@step("restore {app} in {environment}")
def restore_earlier(app: str, environment: str, to: str | None, override: str) -> Restored:
    """Commit an earlier release because a person asked: `to` (id, digest or commit), or the last verified.

    Of an app without images its files as of an earlier commit.
    """
    repo = read_repository(settings())
    if not repo.config.app(app).is_released:
        return _restored_change(restore_change(committer(), repo, app, environment, to), environment)
    done = restore_release(committer(), repo, app, environment, to, override=override)
    restored = _restored(done, app, environment)
    if done.override:
        tell_override(environment, restored.release, done.override)
    return restored


def _restored_change(done: RestoredChange, environment: str) -> Restored:
    if done.others:
        get_run_logger().warning(
            "%s has files that its environments share: %s come back to it, too",
            done.change.app, ", ".join(done.others),
        )  # fmt: skip
    return Restored(Target(done.change.app, environment, done.repo.commit, ""), done.change)


def _restored(done: Rollback, app: str, environment: str) -> Restored:
    state = done.repo.release(app, environment)
    assert state is not None  # noqa: S101 - it was committed just now
    target = Target(app, environment, done.repo.commit, state.release.id)
    return Restored(target, state.release, done.told)
