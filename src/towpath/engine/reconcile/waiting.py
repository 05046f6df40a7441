"""Order between apps (`dependsOn`): who waits for whom to be healthy; what is deleted goes the other way."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from towpath.engine.live.context import EnvironmentContext, Tell
from towpath.engine.reconcile.detect import Inspection
from towpath.engine.reconcile.work import Outcome
from towpath.engine.source.dependencies import dependencies
from towpath.engine.source.repository import earlier_repository
from towpath.engine.verify.dependencies import NO_TIME, unhealthy, waits_for
from towpath.errors import TowpathError

Needs = Mapping[str, Collection[str]]
"""By app: the apps that it depends on."""


class Waiting:
    """Holds apps whose dependencies are not healthy.

    A dependency that this run syncs was waited for when it was verified. At another one there is one look:
    who waits for it comes in with a later reconcile, and keeps no other app waiting.
    """

    def __init__(self, context: EnvironmentContext, apps: Iterable[str], tell: Tell) -> None:
        self._context, self._tell = context, tell
        root, config, where = context.repo.root, context.repo.config, context.environment.name
        self.needs = {app: names for app in apps if (names := dependencies(root, config, app, where))}
        self._seen: dict[str, str] = {}

    def held(self, apps: Iterable[str], outcomes: Mapping[str, Outcome]) -> dict[str, Outcome]:
        """An outcome for each of `apps` that waits; `outcomes` are those of the apps before them."""
        wanted = {app: self.needs[app] for app in apps if app in self.needs}
        ask = {name for names in wanted.values() for name in names} - outcomes.keys() - self._seen.keys()
        if ask:
            found = unhealthy(self._context, sorted(ask), NO_TIME, self._tell)
            self._seen |= {name: found.get(name, "") for name in ask}
        held = {}
        for app, names in wanted.items():
            reasons = {name: why for name in names if (why := self._why(name, outcomes))}
            if reasons:
                held[app] = Outcome(app, synced=False, held=waits_for(reasons))
                self._tell(f"{app}: {held[app].held}")
        return held

    def _why(self, app: str, outcomes: Mapping[str, Outcome]) -> str:
        if app not in outcomes:
            return self._seen[app]
        ended = outcomes[app]
        return "" if ended.healthy else ended.held or ended.failure


def deletes_later(needs: Needs, apps: Iterable[str]) -> frozenset[str]:
    """Those of `apps` that others need: what left Git of them is deleted after those have done their work."""
    return frozenset(apps).intersection(name for names in needs.values() for name in names)


def may_delete(app: str, needs: Needs, outcomes: Mapping[str, Outcome]) -> bool:
    """Whether all that need the app and had work are well, now that what left Git of it is to be deleted."""
    return all(outcomes[other].well for other, names in needs.items() if app in names and other in outcomes)


def needed_then(context: EnvironmentContext, apps: Sequence[str], inspection: Inspection) -> Needs:
    """What apps that leave depended on, by the towpath.yaml of the commit that was applied last."""
    needs: dict[str, Collection[str]] = {}
    for app in apps if len(apps) > 1 else ():
        inventory = inspection.inventories.get(app)
        try:
            then = earlier_repository(context.repo, inventory.commit) if inventory else None
            declared = (then or context.repo).config.apps.get(app)
        except TowpathError:
            continue  # it could not be read today: nothing is known of its order
        needs[app] = set(declared.depends_on).intersection(apps) if declared else ()
    return needs


def dependents(needs: Needs) -> dict[str, set[str]]:
    """The same the other way round: by app, who needs it."""
    others: dict[str, set[str]] = {}
    for app, names in needs.items():
        for name in names:
            others.setdefault(name, set()).add(app)
    return others
