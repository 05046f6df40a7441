"""Compares whole environments with Git: one list of inventories and one look at each kind for all apps.

An app costs a dry run only where something of it is not settled. What cannot be judged is told and stops
nothing else: one app that does not render, one cluster that does not answer.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from towpath.adapters.kubernetes import ApiRefusedError, Cluster
from towpath.admission.rules import objects_of_two_apps
from towpath.applyset.inventory import Inventory
from towpath.applyset.plan import Plan
from towpath.applyset.prune_file import ConfirmedDeletions, load_confirmed_deletions
from towpath.config import Config, Environment
from towpath.engine.apply.foreign_fields import AppliedBefore, nothing_before
from towpath.engine.apply.uninstall import plan_leaving
from towpath.engine.live.app_state import app_state_from, is_lost, owner_of
from towpath.engine.live.concurrent import concurrently
from towpath.engine.live.finished import with_finished
from towpath.engine.live.inventories import read_inventories
from towpath.engine.live.observe import Live, namespace_state, observe, secrets_of
from towpath.engine.preview.plan import plan_app, plan_state
from towpath.engine.source.render import Rendered, released_apps, render_app, secret_places
from towpath.errors import ConfigError, TowpathError
from towpath.objects import ref_of

Connect = Callable[[Environment], Cluster]
_Wanted = tuple[Rendered, ConfirmedDeletions]


@dataclass(frozen=True, slots=True)
class Comparison:
    """An environment against Git. `problems`: app (empty: all of them) -> why it could not be judged."""

    environment: str
    plans: tuple[Plan, ...] = ()
    problems: Mapping[str, str] = field(default_factory=dict)
    unreleased: tuple[str, ...] = ()

    @property
    def differs(self) -> bool | None:
        """None: nothing is known to differ, and not all could be judged."""
        return any(plan.differs for plan in self.plans) or (None if self.problems else False)

    def summary(self) -> str:
        """One line."""
        different = [plan.app for plan in self.plans if plan.differs]
        parts = [f"{len(different)} of {len(self.plans)} apps differ"]
        parts[0] += f": {', '.join(different)}" if different else ""
        parts += [f"not judged: {', '.join(filter(None, self.problems))}"] if any(self.problems) else []
        parts += [f"not released: {', '.join(self.unreleased)}"] if self.unreleased else []
        return f"{self.environment}: {'; '.join(parts) if '' not in self.problems else 'not judged'}"

    def to_json(self) -> dict[str, Any]:
        return {
            "environment": self.environment,
            "differs": self.differs,
            "summary": self.summary(),
            "plans": [plan.to_json() for plan in self.plans],
            "problems": [{"app": app or None, "message": why} for app, why in self.problems.items()],
            "unreleased": list(self.unreleased),
        }

    def to_text(self) -> str:
        """For a terminal: what differs, app by app, then one line."""
        return "\n".join([*(plan.to_text() for plan in self.plans if plan.differs), self.summary()])


@dataclass(frozen=True, slots=True)
class WantedApps:
    """What Git has in an environment. `apps` are those that render; `problems` as of a Comparison."""

    apps: tuple[_Wanted, ...]
    released: tuple[str, ...]
    unreleased: tuple[str, ...]
    problems: Mapping[str, str]


def read_wanted(
    root: Path, config: Config, environment: Environment, *, tools: Path | None, cache: Path | None
) -> WantedApps:
    """Every app that is released in the environment, rendered; the cluster is not asked."""
    name = environment.name
    apps = tuple(sorted(released_apps(root, config, name)))
    problems: dict[str, str] = {}

    def wanted(app: str) -> _Wanted | None:
        try:
            rendered = render_app(root, config, app, name, tools=tools, cache=cache)
            return rendered, load_confirmed_deletions(root, app, name)
        except TowpathError as error:
            problems[app] = str(error)
            return None

    here = tuple(each for each in concurrently(wanted, apps) if each is not None)
    conflicts = objects_of_two_apps((rendered.app, rendered.origins) for rendered, _ in here)
    if conflicts:
        problems[""] = "\n".join(map(str, conflicts))
    # Of an app without images only its folder says where it is: without one it is not here.
    released_later = {each for each, app in config.apps.items() if app.is_released and app.may_be_in(name)}
    return WantedApps(here, apps, tuple(sorted(released_later - set(apps))), problems)


def compare_environment(  # noqa: PLR0913
    root: Path,
    config: Config,
    environment: Environment,
    connect: Connect,
    *,
    tools: Path | None = None,
    cache: Path | None = None,
    applied_before: Callable[[str], AppliedBefore] = lambda _: nothing_before,
) -> Comparison:
    """Every app that is released in the environment, and what is live of apps that Git has no more.

    `applied_before` gives for an app what renders it at an earlier commit, as a sync does.
    """
    wanted = read_wanted(root, config, environment, tools=tools, cache=cache)
    name, problems, unreleased = environment.name, dict(wanted.problems), wanted.unreleased
    if "" in problems:
        return Comparison(name, (), problems, unreleased)
    try:
        cluster = connect(environment)
        inventories, unreadable = _inventories(cluster, environment)
        problems |= unreadable
        apps = [each for each in wanted.apps if each[0].app not in unreadable]
        plans = list(_plans(cluster, environment, apps, inventories, applied_before))
        left = sorted((inventories or {}).keys() - set(wanted.released))
        for app in left:
            try:
                plans.append(
                    plan_leaving(cluster, app, environment, load_confirmed_deletions(root, app, name))
                )
            except ConfigError as error:
                problems[app] = str(error)
    except TowpathError as error:
        return Comparison(name, (), {**problems, "": str(error)}, unreleased)
    return Comparison(name, tuple(plans), problems, tuple(app for app in unreleased if app not in left))


def _inventories(
    cluster: Cluster, environment: Environment
) -> tuple[dict[str, Inventory] | None, dict[str, str]]:
    """All of the environment, and why others cannot be read; None when none can be read now, which planning
    app by app explains."""
    if namespace_state(cluster, environment.namespace) != "present":
        return None, {}
    try:
        return read_inventories(cluster, environment.name, environment.namespace)
    except ApiRefusedError as error:
        if error.status != 403:
            raise
        return None, {}


def _plans(
    cluster: Cluster,
    environment: Environment,
    wanted: Sequence[_Wanted],
    inventories: Mapping[str, Inventory] | None,
    applied_before: Callable[[str], AppliedBefore],
) -> Iterator[Plan]:
    live = None if inventories is None else _look(cluster, environment, wanted, inventories)
    for rendered, confirmed in wanted:
        inventory, before = (inventories or {}).get(rendered.app), applied_before(rendered.app)
        if live is None or (inventory is None and is_lost(owner_of(rendered), live)):
            yield plan_app(cluster, rendered, environment, confirmed=confirmed, applied_before=before)
        else:
            known = inventory and with_finished(cluster, inventory, rendered.objects, live.metadata)
            state = app_state_from(rendered, environment, known, live)
            yield plan_state(cluster, rendered, state, environment, confirmed, before)


def _look(
    cluster: Cluster,
    environment: Environment,
    wanted: Sequence[_Wanted],
    inventories: Mapping[str, Inventory],
) -> Live:
    manifests = [manifest for rendered, _ in wanted for manifest in rendered.objects]
    known = [inventories[rendered.app] for rendered, _ in wanted if rendered.app in inventories]
    sought = {ref_of(manifest) for manifest in manifests}
    sought |= {owned.ref for inventory in known for owned in inventory.objects}
    sought |= {secrets_of(place) for each, _ in wanted for place in secret_places(each)}
    return observe(cluster, sought, environment.namespace, scaled=manifests)
