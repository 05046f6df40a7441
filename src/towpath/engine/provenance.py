"""How a release came into an environment: by a promotion or rollback, or by a commit that a person merged.

What a person merged has passed no gate, so it is judged here, where it takes effect: it must be the release
that the registry's record describes, and pass the environment's gate. What ran here before may come back.
"""

from collections.abc import Iterable
from datetime import UTC, datetime

from towpath.adapters import registry
from towpath.adapters.git import CommitInfo, log, read_file
from towpath.config import Config, ScanPolicy
from towpath.engine.observe import read_inventory
from towpath.engine.place import Place
from towpath.errors import RefusedError, TowpathError
from towpath.gate import evaluate_gate
from towpath.inventory import Owner
from towpath.promotion import INTENT, marker
from towpath.quarantine import is_quarantined
from towpath.release import EnvironmentRelease, parse_release_file, release_path

HISTORY = 200
"""Commits of one `release.yaml` that are looked through."""


def require_admitted(place: Place, app: str) -> None:
    """RefusedError when Git names a release that may not come in; nothing to say of one that is there.

    Asks nothing of cluster and registry where a promotion or rollback brought the release.
    """
    state = place.desired.release(app, place.environment.name)
    if state is None:
        return
    digest, environment = state.release.digest, place.environment.name
    path = release_path(app, environment)
    brought = was_brought(log(place.desired.checkout, (path,), HISTORY), app, environment, digest)
    quarantined = is_quarantined(place.desired.quarantine(app), digest)
    if brought and (quarantined is None or state.verified_at is not None):
        return  # what was verified here before its quarantine elsewhere may be rebuilt here
    if _runs_already(place, app, digest):
        return
    what = f"{app} {state.release.short}"
    if quarantined:
        why = [f"{what} is quarantined since {quarantined.at}: {quarantined.reason}"]
    else:
        why = _objections(place, app, state)
    if why:
        merged = "" if brought else f"no promotion brought {what} here, a commit names it, and "
        raise RefusedError(
            f"{environment} holds {app}: {merged}{'; '.join(why)}",
            remedy=f"Nothing was changed. `towpath promote {app} --to {environment}` takes a release through"
            " the gate; a commit that names one which was here before is carried out.",
        )


def was_brought(commits: Iterable[CommitInfo], app: str, environment: str, digest: str) -> bool:
    """Whether one of the commits is a promotion or rollback of this release to this environment."""
    for commit in commits:
        intents = commit.trailers.get(INTENT, [])
        for flow_run in commit.trailers.get("Towpath-Flow-Run", []):
            for verb in ("promote", "rollback"):
                if marker(verb, app, environment, digest, flow_run)[1] in intents:
                    return True
    return False


def _runs_already(place: Place, app: str, digest: str) -> bool:
    """Whether the last sync that succeeded was of the same release."""
    environment = place.environment
    inventory, _ = read_inventory(place.cluster, Owner(app, environment.name, environment.namespace))
    if inventory is None or not inventory.commit:
        return False
    path = release_path(app, environment.name)
    try:
        text = read_file(place.desired.checkout, path, inventory.commit)
        return text is not None and parse_release_file(text, path).release.digest == digest
    except TowpathError:  # a commit that this repository does not have (any more)
        return False


def _objections(place: Place, app: str, state: EnvironmentRelease) -> list[str]:
    """Why a release that a person merged may not come in."""
    config, environment = place.desired.config, place.environment.name
    if asks_nothing(config, environment):
        return []
    release = state.release
    if config.app(app).source is None:  # built elsewhere: there is no record and no scan of ours
        config = config.model_copy(update={"scan": ScanPolicy(scanners=())})
    else:
        record = registry.get_release(config.app(app).image, release.digest)
        if record is None:
            return ["the registry has no record of it, so nobody knows its commit and its scan"]
        if record.commit != release.commit:
            return ["its release.yaml and its record in the registry have another commit"]
        release = record
    verdict = evaluate_gate(
        config,
        app,
        environment,
        release,
        place.desired.releases(app),
        place.desired.quarantine(app),
        datetime.now(UTC),
    )
    missing = verdict.missing_approvals
    return [*verdict.reasons, *([f"{missing} approvals are missing"] if missing else [])]


def asks_nothing(config: Config, environment: str) -> bool:
    """Whether everybody's release may come in: no scan, no environment before, no approval."""
    approvals = config.environment(environment).gate.approvals.required
    return not (config.scan.scanners or config.verified_in(environment) or approvals)
