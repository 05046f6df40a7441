"""What `towpath rbac` prints: the roles of an environment's account, from Git and, if asked, its cluster."""

import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from towpath.adapters.kubernetes import Cluster
from towpath.applyset.inventory import Inventory
from towpath.applyset.prune_file import load_confirmed_deletions
from towpath.config import Config, Environment
from towpath.engine.live.inventories import read_inventories
from towpath.engine.reconcile.diff import WantedApps, read_wanted
from towpath.engine.rights.known_kinds import KnownKinds
from towpath.engine.rights.needed_rights import EnvironmentNeeds, needed_rights
from towpath.engine.rights.rights_notes import OFFLINE, notes_of
from towpath.errors import RefusedError
from towpath.kube.lease import lease_rights
from towpath.kube.rights import Account, roles_of
from towpath.objects import Manifest, ref_of
from towpath.yamltext.writer import dump_all

WIDTH = 100


@dataclass(frozen=True, slots=True)
class EnvironmentRights:
    """Roles and their bindings; `notes` are what whoever applies them should know.

    `commit` is that of the environment repository, empty for a folder. `read`: inventories were read.
    """

    environment: str
    commit: str
    account: Account
    read: bool
    objects: tuple[Manifest, ...] = ()
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {
            "environment": self.environment,
            "commit": self.commit,
            "account": {"namespace": self.account.namespace, "name": self.account.name},
            "inventories": self.read,
            "objects": list(self.objects),
            "notes": list(self.notes),
        }

    def to_yaml(self) -> str:
        """For `kubectl apply -f -`: the notes are comments at the top."""
        at = f" at commit {self.commit[:7]}" if self.commit else ""
        head = f"What {self.account.name} needs in {self.environment}{at}, printed by `towpath rbac`."
        wrapped = (
            textwrap.wrap(note, WIDTH, break_long_words=False, break_on_hyphens=False)
            for note in (head, *self.notes)
        )
        return "".join(f"# {line}\n" for note in wrapped for line in note) + dump_all(self.objects)


@dataclass(frozen=True, slots=True)
class Asked:
    """For whom, in what state of the repository, and how the cluster is reached; None: it is not asked.

    `lease`: several agents of the account share a Lease in its namespace.
    """

    root: Path
    config: Config
    environment: Environment
    account: Account
    commit: str = ""
    connect: Callable[[Environment], Cluster] | None = None
    lease: bool = False


def rights_of(asked: Asked, *, tools: Path | None = None, cache: Path | None = None) -> EnvironmentRights:
    """The roles that the account needs now. Writes nothing.

    Raises RefusedError where an app does not render: roles without its rights would take these away.
    """
    environment, name = asked.environment, asked.environment.name
    wanted = read_wanted(asked.root, asked.config, environment, tools=tools, cache=cache)
    if wanted.problems:
        why = "\n".join(f"  {app or 'all'}: {problem}" for app, problem in sorted(wanted.problems.items()))
        raise RefusedError(f"what {name} needs cannot be told, as not all of it renders:\n{why}")
    cluster = asked.connect(environment) if asked.connect else None
    inventories = _inventories(cluster, environment) if cluster else {}
    needs = _needs(asked, wanted, inventories)
    kinds = KnownKinds.of(cluster.discover() if cluster else None, needs.objects)
    needed = needed_rights(needs, kinds)
    rights = needed.rights | (lease_rights(asked.account.namespace, name) if asked.lease else set())
    objects = roles_of(f"towpath-{name}", asked.account, rights, needed.roles.rules, name)
    present = {*map(ref_of, needs.objects), *needs.held} - needs.confirmed
    places = [each["metadata"]["namespace"] for each in objects if each["kind"] == "Role"]
    notes: list[str] = [] if cluster else [OFFLINE]
    notes += notes_of(present, needed.roles, kinds.guessed, places)
    return EnvironmentRights(
        name, asked.commit, asked.account, cluster is not None, tuple(objects), tuple(notes)
    )


def _inventories(cluster: Cluster, environment: Environment) -> Mapping[str, Inventory]:
    found, unreadable = read_inventories(cluster, environment.name, environment.namespace)
    if unreadable:
        why = "\n".join(f"  {app}: {problem}" for app, problem in sorted(unreadable.items()))
        raise RefusedError(f"what {environment.name} needs cannot be told, as not all of it is known:\n{why}")
    return found


def _needs(asked: Asked, wanted: WantedApps, inventories: Mapping[str, Inventory]) -> EnvironmentNeeds:
    environment, config = asked.environment, asked.config
    confirmed = {ref for _, each in wanted.apps for ref in each}
    for app in inventories.keys() - set(wanted.released):
        confirmed |= load_confirmed_deletions(asked.root, app, environment.name).keys()
    services = tuple(
        (environment.namespace_of(app), check.service, check.port)
        for app in wanted.released
        for check in config.app(app).smoke
        if check.service and check.port
    )
    apps = tuple(rendered for rendered, _ in wanted.apps)
    return EnvironmentNeeds(environment, apps, tuple(inventories.values()), frozenset(confirmed), services)
