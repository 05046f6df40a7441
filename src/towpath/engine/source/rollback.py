"""Which release an app goes back to in an environment, and the commit that restores it."""

from towpath.engine.source.commits import Committer, commit_quarantine, commit_rollback
from towpath.engine.source.history import find_earlier
from towpath.engine.source.repository import EnvironmentRepo
from towpath.errors import RefusedError, UnknownNameError
from towpath.release.quarantine import QuarantineEntry


def restore_failed(
    by: Committer, repo: EnvironmentRepo, app: str, environment: str, failed: QuarantineEntry
) -> EnvironmentRepo | None:
    """Restore the last verified release before the failed one, and quarantine that.

    The repository after the commit; None where there is no such release, and the failed one is quarantined.
    """
    earlier = find_earlier(repo, app, environment, failed.digest)
    if earlier is None:
        commit_quarantine(by, repo, app, environment, failed)
        return None
    return commit_rollback(by, repo, environment, earlier, failed.digest, failed)


def restore_release(
    by: Committer, repo: EnvironmentRepo, app: str, environment: str, to: str | None
) -> EnvironmentRepo:
    """Restore the release `to` (digest or commit), or the last verified one; the repository after it.

    Repeated by the same flow run it commits nothing. Raises RefusedError where there is nothing to go back
    to, UnknownNameError for a release that is not in the app's history.
    """
    repo.config.app(app)
    repo.config.environment(environment)
    current = repo.release(app, environment)
    if current is None:
        raise RefusedError(f"{app} is not released in {environment}, so there is nothing to go back from")
    if current.rolls_back is not None and current.flow_run == by.flow_run:
        return repo  # this run was here before
    earlier = find_earlier(repo, app, environment, current.release.digest, to)
    if earlier is None and to is not None:
        raise UnknownNameError("release", to, where=f"the history of {app} in {environment}")
    if earlier is None:
        raise RefusedError(f"no earlier verified release of {app} in {environment}")
    return commit_rollback(by, repo, environment, earlier, current.release.digest)
