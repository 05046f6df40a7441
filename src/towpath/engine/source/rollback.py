"""Which release an app goes back to in an environment, and the commit that restores it."""

from towpath.engine.source.commits import Committer, commit_quarantine, commit_rollback
from towpath.engine.source.history import find_earlier, is_named, release_history
from towpath.engine.source.repository import EnvironmentRepo
from towpath.errors import RefusedError, UnknownNameError
from towpath.release.model import EnvironmentRelease
from towpath.release.quarantine import QuarantineEntry

NAMED = 20
"""Earlier releases that are named to somebody who asks for one that is not there."""


def restore_failed(
    by: Committer, repo: EnvironmentRepo, app: str, environment: str, failed: QuarantineEntry
) -> EnvironmentRepo | None:
    """Restore the last verified release before the failed one, and quarantine that.

    The repository after the commit; None where there is no such release, and the failed one is quarantined.
    """
    earlier = find_earlier(repo, app, environment, failed.release)
    if earlier is None:
        commit_quarantine(by, repo, app, environment, failed)
        return None
    return commit_rollback(by, repo, environment, earlier, failed.release, failed)


def restore_release(
    by: Committer, repo: EnvironmentRepo, app: str, environment: str, to: str | None
) -> EnvironmentRepo:
    """Restore the release `to` (id, digest or commit), or the last verified one; the repository after it.

    Repeated by the same flow run it commits nothing. Raises RefusedError where there is nothing to go back
    to, UnknownNameError for a release that is not in the app's history.
    """
    current = _current(repo, app, environment)
    if current.rolls_back is not None and current.flow_run == by.flow_run:
        return repo  # this run was here before
    earlier = choose_earlier(repo, app, environment, to)
    return commit_rollback(by, repo, environment, earlier, current.release.id)


def choose_earlier(repo: EnvironmentRepo, app: str, environment: str, to: str | None) -> EnvironmentRelease:
    """The release that a rollback restores. Git alone is asked, and nothing is written. Raises as above."""
    current = _current(repo, app, environment).release.id
    earlier = find_earlier(repo, app, environment, current, to)
    if earlier is not None:
        return earlier
    if to is None:
        raise RefusedError(f"no earlier verified release of {app} in {environment}")
    entries = release_history(repo.checkout, repo.config, app, environment)
    if any(is_named(each.state, to) for each in entries if each.release.id == current):
        raise RefusedError(f"{environment} runs {app} {to} already, so there is nothing to go back to")
    known = [each.release.commit[:7] for each in entries if each.release.id != current][:NAMED]
    error = UnknownNameError("release", to, known, where=f"the history of {app} in {environment}")
    hint = f"`towpath history {app}` lists all; `towpath promote` brings one that was never here."
    error.remedy = f"{error.remedy} {hint}" if error.remedy else hint
    raise error


def _current(repo: EnvironmentRepo, app: str, environment: str) -> EnvironmentRelease:
    repo.config.app(app)
    repo.config.environment(environment)
    current = repo.release(app, environment)
    if current is None:
        raise RefusedError(f"{app} is not released in {environment}, so there is nothing to go back from")
    return current
