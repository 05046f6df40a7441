"""What a commit of the environment repository wants of one environment, as a watcher compares it. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from towpath.applyset.inventory import INVENTORY_LABEL, Inventory, OwnedObject
from towpath.config import CONFIG_FILE, Config
from towpath.drift.work_queue import git_mark
from towpath.gates.pause import pause_path
from towpath.kube.canonical import digest
from towpath.kube.managed_fields import KNOWN_TOOLS, IgnoredManagers, TakenBack
from towpath.objects import Manifest, ObjectRef


@dataclass(frozen=True, slots=True)
class Wanted:
    """What Git has for one app: digests of its manifests, what is left to others, deletions that it confirms.

    `plain` are digests of Secrets as former versions recorded them. `ignored` are pointers, `managers` the
    field managers whose fields are ignored, `taken_back` those whose edits count. `broken`: it does not
    render, for this reason.
    """

    applied: Mapping[ObjectRef, str] = field(default_factory=dict)
    plain: Mapping[ObjectRef, str] = field(default_factory=dict, repr=False)
    ignored: Mapping[ObjectRef, tuple[str, ...]] = field(default_factory=dict)
    managers: Mapping[ObjectRef, IgnoredManagers] = field(default_factory=dict)
    taken_back: Mapping[ObjectRef, TakenBack] = field(default_factory=dict)
    confirmed: tuple[str, ...] = ()
    broken: str = ""

    def mark(self, inventory: Inventory | None) -> str:
        """How Git differs from what was applied, as a text; empty: in nothing."""
        return self.broken or git_mark(inventory, self.applied, self.confirmed, self.plain)

    @property
    def compared(self) -> frozenset[ObjectRef]:
        """The objects with a comparison of their own."""
        return frozenset((*self.ignored, *self.managers, *self.taken_back))

    def compared_by(self, ref: ObjectRef) -> tuple[tuple[str, ...], IgnoredManagers, TakenBack]:
        """What a comparison of the object leaves out, and whose edits it finds, as in a reconcile."""
        taken_back = self.taken_back.get(ref, KNOWN_TOOLS)
        return self.ignored.get(ref, ()), self.managers.get(ref, ()), taken_back


def all_taken_back(wanted: Iterable[Wanted]) -> TakenBack:
    """Whose edits count, of any object."""
    each = {back for one in wanted for back in one.taken_back.values()}
    people = {manager for back in each for manager in back.people}
    return TakenBack(tuple(sorted(people))).with_former(manager for back in each for manager in back.former)


def app_of(inventory: Manifest) -> str:
    """The app of an inventory's ConfigMap."""
    app: str = (inventory["metadata"].get("labels") or {}).get(INVENTORY_LABEL, "")
    return app


def watched_objects(inventory: Inventory) -> dict[ObjectRef, OwnedObject]:
    """All but what waits to be deleted: whoever changes or deletes that makes no drift."""
    return {ref: owned for ref, owned in inventory.by_ref.items() if ref not in inventory.deletions}


def decided_by(trees: Mapping[str, str], environment: str) -> dict[str, str]:
    """App -> a mark of all files that decide whether its changes are carried out; "" stands for other apps.

    Besides what is rendered: releases of every environment, quarantine, confirmed deletions, policies and
    pauses. `trees` are ids by path, two levels deep. Also of apps that towpath.yaml does not name any more.
    """
    common = [trees.get(path, "") for path in (CONFIG_FILE, pause_path(environment))]
    apps = [path.removeprefix("apps/") for path in trees if path.startswith("apps/")]
    return {app: digest([*common, trees.get(f"apps/{app}", "")]) for app in ["", *apps]}


def concerns_all(before: Config, after: Config, environment: str) -> bool:
    """Whether a commit changes policies by which all apps, and what nobody declared, are judged.

    To look at the apps that differ does not carry that out.
    """
    one, other = before.environment(environment), after.environment(environment)
    return (one, before.health_check_exprs) != (other, after.health_check_exprs)
