"""How the release that Git names came there: by the environment's agent, or by a commit that a person merged.

A promotion or rollback is a commit that the environment's agent has signed; its trailers are no proof. What a
person merged has passed no gate, so it is judged here, where it takes effect. Nothing that the cluster says
is proof of anything.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from towpath.adapters.git import CommitInfo, log_files
from towpath.engine.gates.admission import Admission, Entry, admit, asks_nothing, verified_here
from towpath.engine.gates.changes import ChangedApp, require_change
from towpath.engine.source.history import is_last_word, signed_commits
from towpath.engine.source.keys import load_trusted_keys
from towpath.engine.source.repository import EnvironmentRepo
from towpath.errors import EvidenceError, RefusedError
from towpath.evidence.trusted_keys import TrustedKeys
from towpath.gates.ways import Way
from towpath.release.model import EnvironmentRelease
from towpath.release.quarantine import find_quarantined
from towpath.release.release_file import release_path

HISTORY = 200
"""Commits of one `release.yaml` that are looked through."""
RECENT = 4
"""Commits per app that are read for many apps at once; mostly one of the newest two is the one to find."""
_MERGED: tuple[Way, ...] = ("merge", "merged return")


@dataclass(frozen=True, slots=True)
class InGit:
    """One environment at one commit of Git, and the file of the keys that its agent trusts.

    `tools` and `renders` are where the programs that render are, and their earlier results.
    """

    repo: EnvironmentRepo
    environment: str
    trusted_keys: Path | None
    tools: Path | None = None
    renders: Path | None = None


def recent_commits(where: InGit, apps: Iterable[str]) -> dict[str, list[CommitInfo]]:
    """By app: the newest commits that touch its release, from one walk through the history for all.

    Nothing of apps whose release may come in whatever its history, nor when there is only one to ask about.
    """
    environment, config = where.environment, where.repo.config
    paths = {
        app: release_path(app, environment)
        for app in apps
        if config.app(app).is_released and not asks_nothing(config, app, environment)
    }
    if len(paths) < 2:
        return {}
    commits = log_files(where.repo.checkout, sorted(paths.values()), RECENT * len(paths))
    return {app: commits[path] for app, path in paths.items()}


def require_admitted(where: InGit, app: str, recent: Sequence[CommitInfo] = ()) -> Admission | None:
    """RefusedError when Git names a release that may not come in; else how a merged one was admitted.

    None where the agent itself has signed it, where the app has no release, and where nothing is asked. Of an
    app without images its change is judged.
    Asks nothing of the registry where a signed promotion or rollback brought the release. `recent` are the
    newest commits that touch it, as far as they are known; what they do not tell is looked up.
    """
    repo, environment = where.repo, where.environment
    state = repo.release(app, environment)
    if state is None and repo.config.app(app).is_released:
        return None
    if state is not None and repo.config.app(app).promote == "manifests":
        raise RefusedError(
            f"{environment} holds {app}: it has no images, and {release_path(app, environment)} names a"
            " release",
            remedy="Remove the file: with `promote: manifests` what is merged is judged by what it renders.",
        )
    if not repo.config.app(app).is_released:  # with a release, too: its quarantine is of another hash
        require_change(ChangedApp(repo, environment, app, where.trusted_keys, where.tools, where.renders))
    if state is None:
        return None
    repo.protection.require(environment, app)
    quarantined = find_quarantined(repo.quarantine(app), *state.release.quarantine_ids)
    if quarantined is None and asks_nothing(repo.config, app, environment):
        return None
    trusted = load_trusted_keys(where.trusted_keys)
    signed = _signed(where, trusted, app, state.release.id, recent)
    way = _way(where, trusted, state, signed)
    what, admission, why = f"{app} {state.release.short_id}", None, []
    try:
        entry = Entry(repo, environment, app, state.release.id, way, named=state.release)
        admission = admit(entry, trusted)
        why = [*admission.verdict.reasons]
        if missing := admission.verdict.missing_approvals:
            why.append(f"{missing} approvals are missing")
    except (EvidenceError, RefusedError) as error:
        why = [error.message]
    if why:
        merged = "" if signed else f"no promotion brought {what} here, a commit names it, and "
        raise RefusedError(
            f"{environment} holds {app}: {merged}{'; '.join(why)}",
            remedy=f"Nothing was changed. `towpath promote {app} --to {environment}` takes a release through"
            " the gate; a commit that names one which was verified here before is carried out.",
        )
    return admission if way in _MERGED else None


@dataclass(frozen=True, slots=True)
class _Signed:
    """What this environment's agent has signed of a release here. `is_last`: and nothing else since then."""

    state: EnvironmentRelease
    is_last: bool


def _way(where: InGit, trusted: TrustedKeys, state: EnvironmentRelease, signed: _Signed | None) -> Way:
    if signed and signed.is_last:
        return "rebuild" if signed.state.verified_at is not None else "finish"
    release, app = state.release.id, state.release.app
    here = signed and verified_here(where.repo, trusted, app, where.environment, release)
    return "merged return" if here else "merge"


def _signed(
    where: InGit, trusted: TrustedKeys, app: str, release: str, recent: Sequence[CommitInfo]
) -> _Signed | None:
    """The newest that this environment's agent has written about the release here."""
    checkout, environment = where.repo.checkout, where.environment
    for commits in (recent, None):
        if commits is not None and not commits:
            continue
        known = signed_commits(checkout, trusted, app, environment, limit=HISTORY, commits=commits)
        for number, (commit, state) in enumerate(known):
            if state.release.id == release:
                is_last = number == 0 and is_last_word(checkout, trusted, app, environment, commit.sha)
                return _Signed(state, is_last)
    return None
