"""How a release came into an environment: by a promotion or rollback, or by a commit that a person merged.

A promotion or rollback is a commit that the environment's agent has signed; its trailers are no proof.
What a person merged has passed no gate, so it is judged here, where it takes effect: its evidence must hold,
and it must pass the environment's gate. What was verified here before may come back, as by a rollback: order,
soak and approvals are not asked again.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from towpath.adapters.git import CommitInfo, log_files, read_file
from towpath.applyset.inventory import Owner
from towpath.config import Config, ScanPolicy
from towpath.engine.live.context import EnvironmentContext
from towpath.engine.live.observe import read_inventory
from towpath.engine.source.gate import prove_promotion, proven_releases
from towpath.engine.source.history import is_last_word, signed_commits
from towpath.engine.source.keys import load_trusted_keys
from towpath.engine.source.release_proof import prove_for
from towpath.errors import EvidenceError, RefusedError, TowpathError
from towpath.evidence.trusted_keys import TrustedKeys
from towpath.gates.evaluate import evaluate_gate
from towpath.release.model import EnvironmentRelease, Release
from towpath.release.quarantine import find_quarantined
from towpath.release.release_file import parse_release_file, release_path

HISTORY = 200
"""Commits of one `release.yaml` that are looked through."""
RECENT = 4
"""Commits per app that are read for many apps at once; mostly one of the newest two is the one to find."""


def recent_commits(context: EnvironmentContext, apps: Iterable[str]) -> dict[str, list[CommitInfo]]:
    """By app: the newest commits that touch its release, from one walk through the history for all.

    Nothing of apps whose release may come in whatever its history, nor when there is only one to ask about.
    """
    environment = context.environment.name
    paths = {app: release_path(app, environment) for app in apps if not _takes_any(context, app)}
    if len(paths) < 2:
        return {}
    commits = log_files(context.repo.checkout, sorted(paths.values()), RECENT * len(paths))
    return {app: commits[path] for app, path in paths.items()}


def require_admitted(context: EnvironmentContext, app: str, recent: Sequence[CommitInfo] = ()) -> None:
    """RefusedError when Git names a release that may not come in; nothing to say of one that is there.

    Asks nothing of cluster and registry where a signed promotion or rollback brought the release. `recent`
    are the newest commits that touch it, as far as they are known; what they do not tell is looked up.
    """
    state = context.repo.release(app, context.environment.name)
    if state is None:
        return
    release, environment = state.release.id, context.environment.name
    quarantined = find_quarantined(context.repo.quarantine(app), release)
    if quarantined is None and _takes_any(context, app):
        return
    trusted = load_trusted_keys(context.trusted_keys)
    signed = _signed(context, trusted, app, release, recent)
    if signed and signed.is_last and (quarantined is None or signed.state.verified_at is not None):
        return  # what was verified here before its quarantine elsewhere may be rebuilt here
    if _runs_already(context, app, release):
        return
    what = f"{app} {state.release.short}"
    if quarantined:
        why = [f"{what} is quarantined since {quarantined.at}: {quarantined.reason}"]
    elif signed and signed.state.verified_at is not None:
        why = _unproven(context, trusted, app, state.release)
    else:
        why = _objections(context, trusted, app, state)
    if why:
        merged = "" if signed else f"no promotion brought {what} here, a commit names it, and "
        raise RefusedError(
            f"{environment} holds {app}: {merged}{'; '.join(why)}",
            remedy=f"Nothing was changed. `towpath promote {app} --to {environment}` takes a release through"
            " the gate; a commit that names one which was verified here before is carried out.",
        )


@dataclass(frozen=True, slots=True)
class _Signed:
    """What this environment's agent has signed of a release here. `is_last`: and nothing else since then."""

    state: EnvironmentRelease
    is_last: bool


def _signed(
    context: EnvironmentContext, trusted: TrustedKeys, app: str, release: str, recent: Sequence[CommitInfo]
) -> _Signed | None:
    """The newest that this environment's agent has written about the release here."""
    checkout, environment = context.repo.checkout, context.environment.name
    for commits in (recent, None):
        if commits is not None and not commits:
            continue
        known = signed_commits(checkout, trusted, app, environment, limit=HISTORY, commits=commits)
        for number, (commit, state) in enumerate(known):
            if state.release.id == release:
                is_last = number == 0 and is_last_word(checkout, trusted, app, environment, commit.sha)
                return _Signed(state, is_last)
    return None


def _runs_already(context: EnvironmentContext, app: str, release: str) -> bool:
    """Whether the last sync that succeeded was of the same release."""
    environment = context.environment
    inventory, _ = read_inventory(context.cluster, Owner(app, environment.name, environment.namespace))
    if inventory is None or not inventory.commit:
        return False
    path = release_path(app, environment.name)
    try:
        text = read_file(context.repo.checkout, path, inventory.commit)
        return text is not None and parse_release_file(text, path).release.id == release
    except TowpathError:  # a commit that this repository does not have (any more)
        return False


def _unproven(context: EnvironmentContext, trusted: TrustedKeys, app: str, release: Release) -> list[str]:
    """Why a release that was verified here before does not come back by a commit, as by a rollback."""
    config = context.repo.config
    if config.app(app).source is None:
        return []
    try:
        prove_for(trusted, config, app, release.digest)
    except (EvidenceError, RefusedError) as error:
        return [error.message]
    return []


def _objections(
    context: EnvironmentContext, trusted: TrustedKeys, app: str, state: EnvironmentRelease
) -> list[str]:
    """Why a release that a person merged may not come in."""
    config, release = _asked_of(context.repo.config, app), state.release
    authors: tuple[str, ...] = ()
    environment = context.environment.name
    if config.app(app).source is not None:
        if len(release.images) != 1:
            return ["only releases of one image are built here, so nothing proves its commit and its scan"]
        try:
            proven = prove_promotion(context.repo, environment, app, release.digest, context.trusted_keys)
        except (EvidenceError, RefusedError) as error:
            return [error.message]
        if proven.release.commit != release.commit:
            return ["its release.yaml and its evidence have another commit"]
        release, authors = proven.release, proven.authors
    verdict = evaluate_gate(
        config,
        app,
        environment,
        release,
        proven_releases(context.repo, trusted, app, environment),
        context.repo.quarantine(app),
        datetime.now(UTC),
        authors=authors,
    )
    missing = verdict.missing_approvals
    return [*verdict.reasons, *([f"{missing} approvals are missing"] if missing else [])]


def _takes_any(context: EnvironmentContext, app: str) -> bool:
    """Whether any release of the app may come in, if it is not quarantined: nothing here builds it."""
    if context.repo.config.app(app).source is not None:
        return False
    return asks_nothing(_asked_of(context.repo.config, app), context.environment.name)


def _asked_of(config: Config, app: str) -> Config:
    """What is asked of the app's releases: of one that is built elsewhere there is no record and no scan."""
    if config.app(app).source is None:
        return config.model_copy(update={"scan": ScanPolicy(scanners=())})
    return config


def asks_nothing(config: Config, environment: str) -> bool:
    """Whether everybody's release may come in: no scan, no environment before, no approval."""
    approvals = config.environment(environment).gate.approvals.required
    return not (config.scan.scanners or config.verified_in(environment) or approvals)
