"""Which release an app goes back to in an environment, and the commit that restores it.

Order and soak are not asked: it was verified there before, which a signed commit proves. Evidence, scan and
quarantine are asked as of any other release.
"""

from collections.abc import Iterator

from towpath.engine.source.commits import Committer, commit_quarantine, commit_rollback
from towpath.engine.source.history import earlier_releases, is_named, release_history
from towpath.engine.source.keys import load_trusted_keys
from towpath.engine.source.release_proof import prove_for
from towpath.engine.source.repository import EnvironmentRepo
from towpath.errors import EvidenceError, RefusedError, UnknownNameError
from towpath.evidence.trusted_keys import TrustedKeys
from towpath.release.model import EnvironmentRelease
from towpath.release.quarantine import QuarantineEntry, find_quarantined

NAMED = 20
"""Earlier releases that are named to somebody who asks for one that is not there."""


def restore_failed(
    by: Committer, repo: EnvironmentRepo, app: str, environment: str, failed: QuarantineEntry
) -> EnvironmentRepo | None:
    """Restore the last verified release before the failed one, and quarantine that.

    The repository after the commit; None where there is no such release that is proven, and the failed one
    is quarantined.
    """
    trusted = load_trusted_keys(by.settings.trusted_keys)
    earlier = next(_proven(repo, trusted, app, environment, failed.release), None)
    if earlier is None:
        commit_quarantine(by, repo, app, environment, failed)
        return None
    return commit_rollback(by, repo, environment, earlier, failed.release, failed)


def restore_release(
    by: Committer, repo: EnvironmentRepo, app: str, environment: str, to: str | None
) -> EnvironmentRepo:
    """Restore the release `to` (id, digest or commit), or the last verified one; the repository after it.

    Repeated by the same flow run it commits nothing. Raises RefusedError where there is nothing to go back
    to, UnknownNameError for a release that is not in the app's history, EvidenceError for one that is not
    proven.
    """
    trusted = load_trusted_keys(by.settings.trusted_keys)
    current = _current(repo, app, environment)
    if current.rolls_back is not None and current.flow_run == by.flow_run:
        return repo  # this run was here before
    earlier = choose_earlier(repo, trusted, app, environment, to)
    _require_proven(repo, trusted, earlier)
    return commit_rollback(by, repo, environment, earlier, current.release.id)


def choose_earlier(
    repo: EnvironmentRepo, trusted: TrustedKeys, app: str, environment: str, to: str | None
) -> EnvironmentRelease:
    """The release that a rollback restores. Git alone is asked, and nothing is written. Raises as above."""
    current = _current(repo, app, environment).release.id
    verified = earlier_releases(repo, trusted, app, environment, current)
    earlier = next((each for each in verified if to is None or is_named(each, to)), None)
    if earlier is not None:
        return earlier
    if to is None:
        raise RefusedError(f"no earlier verified release of {app} in {environment}")
    entries = release_history(repo.checkout, repo.config, app, environment)
    if any(is_named(each.state, to) for each in entries if each.release.id == current):
        raise RefusedError(f"{environment} runs {app} {to} already, so there is nothing to go back to")
    if found := next((each.state for each in entries if is_named(each.state, to)), None):
        raise _not_restored(repo, environment, found)
    known = [each.release.commit[:7] for each in entries if each.release.id != current][:NAMED]
    error = UnknownNameError("release", to, known, where=f"the history of {app} in {environment}")
    hint = f"`towpath history {app}` lists all; `towpath promote` brings one that was never here."
    error.remedy = f"{error.remedy} {hint}" if error.remedy else hint
    raise error


def _not_restored(repo: EnvironmentRepo, environment: str, state: EnvironmentRelease) -> RefusedError:
    """Why a release that is in the history does not come back by a rollback."""
    app, short = state.release.app, state.release.short
    remedy = f"`towpath promote {app} --to {environment}` takes a release through the gate."
    if entry := find_quarantined(repo.quarantine(app), state.release.id):
        return RefusedError(f"{app} {short} is quarantined since {entry.at}: {entry.reason}", remedy=remedy)
    return RefusedError(
        f"no commit that the agent of {environment} has signed says that {app} {short} was verified there",
        remedy=remedy,
    )


def _proven(
    repo: EnvironmentRepo, trusted: TrustedKeys, app: str, environment: str, failed: str
) -> Iterator[EnvironmentRelease]:
    """Those of the earlier releases whose evidence and scan hold today."""
    for state in earlier_releases(repo, trusted, app, environment, failed):
        try:
            _require_proven(repo, trusted, state)
        except (EvidenceError, RefusedError):
            continue
        yield state


def _require_proven(repo: EnvironmentRepo, trusted: TrustedKeys, state: EnvironmentRelease) -> None:
    """Evidence is asked of what is built here; of what is built elsewhere there is none."""
    app = repo.config.app(state.release.app)
    if app.source is not None:
        prove_for(trusted, repo.config, app.name, state.release.digest)


def _current(repo: EnvironmentRepo, app: str, environment: str) -> EnvironmentRelease:
    repo.config.app(app)
    repo.config.environment(environment)
    current = repo.release(app, environment)
    if current is None:
        raise RefusedError(f"{app} is not released in {environment}, so there is nothing to go back from")
    return current
