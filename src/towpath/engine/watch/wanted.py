"""What a commit of the environment repository wants of one environment, as a watcher compares it. Pure."""

from collections.abc import Mapping, Set
from dataclasses import dataclass, field

from towpath.applyset.wanted_object import WantedObject
from towpath.config import CONFIG_FILE, Config
from towpath.fields.canonical import digest
from towpath.formats.versions import VERIFIED
from towpath.gates.pause import pause_path
from towpath.objects import ObjectRef


@dataclass(frozen=True, slots=True)
class Wanted:
    """What Git has for one app, and the deletions that it confirms. `digests`: inventories have one of these.

    `broken`: what Git wants cannot be told, for this reason: nothing of the app is compared. `absent`: so it
    is only where the app is live, because it has no folder for the environment.
    """

    objects: Mapping[ObjectRef, WantedObject] = field(default_factory=dict)
    digests: tuple[str, ...] = ()
    confirmed: tuple[str, ...] = ()
    broken: str = ""
    absent: bool = False

    def changed(self, later: "Wanted", refs: Set[ObjectRef]) -> Set[ObjectRef]:
        """Those of `refs` whose comparison may have another result `later`."""
        if (self.broken, self.digests) != (later.broken, later.digests):
            return refs
        return {ref for ref in refs if self.objects.get(ref) != later.objects.get(ref)}


def decided_by(trees: Mapping[str, str], environment: str) -> dict[str, str]:
    """App -> a mark of all files that decide whether its changes are carried out; "" stands for other apps.

    Besides what is rendered: releases of every environment, what the others verified, quarantine, confirmed
    deletions, policies and pauses. `trees` are ids by path, two levels deep. Also of apps that towpath.yaml
    does not name any more.
    """
    common = [trees.get(path, "") for path in (CONFIG_FILE, pause_path(environment))]
    # What others have verified lets changes in; what this one has, nothing.
    own = f"{VERIFIED}/{environment}"
    common += [trees[path] for path in sorted(trees) if path.startswith(f"{VERIFIED}/") and path != own]
    apps = [path.removeprefix("apps/") for path in trees if path.startswith("apps/")]
    return {app: digest([*common, trees.get(f"apps/{app}", "")]) for app in ["", *apps]}


def concerns_all(before: Config, after: Config, environment: str) -> bool:
    """Whether a commit changes policies by which all apps, and what nobody declared, are judged.

    To look at the apps that differ does not carry that out.
    """
    one, other = before.environment(environment), after.environment(environment)
    return (one, before.health_check_exprs) != (other, after.health_check_exprs)
