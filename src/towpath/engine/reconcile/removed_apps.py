"""Apps that are live in an environment, but that Git does not have there any more."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from towpath.drift.decision import LEFT_GIT, REPORT_REASONS, Action, Decision, drift_policy
from towpath.drift.model import DriftReport
from towpath.engine.live.context import EnvironmentContext
from towpath.engine.reconcile.detect import Inspection
from towpath.errors import TowpathError
from towpath.gates.pause import Pause


def apps_without_folder(context: EnvironmentContext, chosen: Iterable[str]) -> set[str]:
    """Apps of towpath.yaml, none of `chosen`, that may be in this environment and have no folder for it.

    One whose `environments` does not name it any more has left it, as if it had left towpath.yaml.
    """
    name, config = context.environment.name, context.repo.config
    rest = {app for app in config.apps.keys() - set(chosen) if config.may_be_in(app, name)}
    return {app for app in rest if not (context.repo.root / f"apps/{app}/{name}").is_dir()}


def lost_folders(
    context: EnvironmentContext, inspection: Inspection, chosen: Iterable[str]
) -> dict[str, str]:
    """Apps of towpath.yaml that are live, but have no folder for this environment any more."""
    broken = {}
    for app in sorted(apps_without_folder(context, chosen) & inspection.inventories.keys()):
        number = len(inspection.inventories[app].objects)
        broken[app] = (
            f"apps/{app}/{context.environment.name}: there is no such folder, but {number} objects are live;"
            f" none is deleted.\nRestore the folder, or remove {app} from towpath.yaml if it is meant to go;"
            f" from {context.environment.name} alone: name the others in its `environments`."
        )
    return broken


def unconfirmed(context: EnvironmentContext, drift: DriftReport, in_git: set[str]) -> dict[str, str]:
    """Apps that left Git whose confirmed deletions cannot be read, with the reason: nothing is deleted."""
    broken = {}
    for app in sorted({entry.app for entry in drift.entries} - in_git):
        try:
            context.repo.confirmed(app, context.environment.name)
        except TowpathError as error:
            broken[app] = str(error)
    return broken


def leaving(
    context: EnvironmentContext, drift: DriftReport, in_git: set[str], pauses: Sequence[Pause], now: datetime
) -> tuple[Decision, ...]:
    """Apps that Git has no more, with live objects whose deletion a commit confirms."""
    decisions = []
    for app in sorted({entry.app for entry in drift.entries} - in_git):
        confirmed = context.repo.confirmed(app, context.environment.name)
        entries = tuple(entry for entry in drift.entries if entry.app == app)
        confirms = any(entry.ref in confirmed for entry in entries)
        policy = drift_policy(context.environment, app, pauses, now)
        off = REPORT_REASONS["off"] if policy.mode == "off" else ""
        held = policy.paused or off or context.repo.protection.held(context.environment.name, app)
        action: Action = "remove" if confirms and not held else "report"
        decisions.append(Decision(app, action, entries, held or LEFT_GIT))
    return tuple(decisions)
