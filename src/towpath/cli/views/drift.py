"""What `towpath drift` shows: the drift of an environment, as the cluster has it or as it was published."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import click

from towpath.cli.ui.names import Environments, load_environments, of_apps
from towpath.cli.ui.published import CLUSTER, Against, against
from towpath.drift.decision import Decision
from towpath.drift.model import DriftReport
from towpath.drift.published import PublishedState
from towpath.engine.live.context import environment_context
from towpath.engine.reconcile.held import held_apps
from towpath.engine.reconcile.loop import look
from towpath.errors import UnknownNameError
from towpath.settings import Settings


@dataclass(frozen=True, slots=True)
class DriftView:
    """`held`: app -> why a reconcile does not carry its decision out. `held_all`: why it does nothing."""

    drift: DriftReport
    decisions: tuple[Decision, ...] = ()
    broken: Mapping[str, str] = field(default_factory=dict)
    held: Mapping[str, str] = field(default_factory=dict)
    held_all: str = ""
    against: Against = CLUSTER


def drift_view(settings: Settings, environment: str, apps: Sequence[str], *, deep: bool) -> DriftView:
    """The drift of all apps, or of `apps`. Raises UnknownNameError for one that nobody knows."""
    desired = load_environments(settings)
    desired.config.environment(environment)
    with of_apps(apps, desired.config, environment):
        other = against(settings, environment)
        if other.published:
            if deep:
                raise click.UsageError("--deep asks the cluster, and this machine has no kubeconfig.")
            return _published(other, other.published.state, apps, desired)
        found = look(environment_context(settings, desired, environment), apps or None, deep=deep)
    return DriftView(found.drift, found.decisions, found.broken, held_apps(found), found.held)


def _published(
    other: Against, state: PublishedState, apps: Sequence[str], desired: Environments
) -> DriftView:
    for app in apps:
        if app not in state.apps and app not in desired.config.apps:
            raise UnknownNameError("app", app, state.apps, where=state.environment)
    chosen = {app: each for app, each in state.apps.items() if not apps or app in apps}
    return DriftView(
        drift=state.report_of(apps or None),
        decisions=tuple(each.decision for each in chosen.values()),
        broken={app: each.broken for app, each in chosen.items() if each.broken},
        held_all=state.held,
        against=other,
    )
