"""Makes an environment equal to Git: look, decide, carry out, look at everybody's health. Knows no Prefect.

`reconcile` is all of it; a caller that shows the steps one by one calls `look`, `act` and `conclude`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from towpath.decision import Decision, Policy, decide_all
from towpath.drift import DriftReport
from towpath.engine.carry_out import EXTRAS, Outcome, Work, carry_out, clear_extras
from towpath.engine.drift import detect
from towpath.engine.extras import to_prune
from towpath.engine.glance import AppHealth, glance
from towpath.engine.place import Place, Tell
from towpath.engine.render import Rendered, render_app
from towpath.errors import TowpathError, UnknownNameError
from towpath.health import Status


@dataclass(frozen=True, slots=True)
class Found:
    """What one look found. `broken` are apps that do not render, with the reason; `left` are not in Git."""

    place: Place
    rendered: tuple[Rendered, ...]
    digests: dict[str, str]
    broken: dict[str, str]
    drift: DriftReport
    decisions: tuple[Decision, ...]
    whole: bool
    """Whether all apps were looked at, not only some."""

    @property
    def todo(self) -> tuple[Decision, ...]:
        """Decisions that write."""
        return tuple(each for each in self.decisions if each.action in ("sync", "remove"))

    @property
    def clears_extras(self) -> bool:
        return self.whole and bool(to_prune(self.place.environment, self.drift.extras))

    @property
    def quiet(self) -> bool:
        """Nothing to carry out."""
        return not self.todo and not self.clears_extras


@dataclass(frozen=True, slots=True)
class Reconciled:
    """A reconcile that has ended: what was found, what became of it, and how every app is. Times: seconds."""

    found: Found
    outcomes: tuple[Outcome, ...]
    health: dict[str, AppHealth]

    @property
    def failures(self) -> dict[str, str]:
        """Apps (and `extras`) that failed or do not render, with the reason."""
        return {each.app: each.failure for each in self.outcomes if each.failure} | self.found.broken

    @property
    def changed(self) -> int:
        """Objects written or deleted."""
        return sum(len(each.changed) for each in self.outcomes)

    def summary(self) -> str:
        """One line: what was found and what was done."""
        found = self.found
        environment = found.place.environment.name
        differs = found.drift.summary().removeprefix(f"{environment}: ")
        parts = [differs if found.drift.entries else f"{len(found.rendered)} apps in sync"]
        parts += _named("synced", [each.app for each in self.outcomes if not each.failure])
        parts += _named("failed", [each.app for each in self.outcomes if each.failure])
        parts += _named("cannot be rendered", found.broken)
        parts += _named("not healthy", [app for app, health in self.health.items() if not health.good])
        return f"{environment} at {found.place.desired.commit[:7]}: {'; '.join(parts)}"


def reconcile(
    place: Place, apps: Iterable[str] | None = None, *, deep: bool = False, tell: Tell = lambda _: None
) -> Reconciled:
    """All of it, for all apps or for `apps`; an app's failure is in the result, never raised.

    Raises what makes looking impossible: a cluster that does not answer, an unreadable inventory.
    """
    found = look(place, apps, deep=deep)
    return conclude(found, act(found, tell))


def look(place: Place, apps: Iterable[str] | None = None, *, deep: bool = False) -> Found:
    """Render, detect, decide. Writes nothing. An app that does not render stops no other.

    Raises UnknownNameError for an app that neither Git nor the cluster knows.
    """
    environment = place.environment
    only = None if apps is None else frozenset(apps)
    released = place.desired.released_apps(environment.name)
    chosen = [app for app in released if only is None or app in only]
    rendered, digests, broken = _render(place, chosen)
    drift = detect(
        place.cluster, place.desired.config, environment, rendered,
        commit=place.desired.commit, only=only, deep=deep,
    )  # fmt: skip
    if only is not None:
        _check_known(place, only, {*released, *drift.apps()})
    here = decide_all(drift, (each.app for each in rendered), lambda app: policy_of(place, app))
    decisions = (*here, *_leaving(place, drift, {*chosen, ""}))
    return Found(place, rendered, digests, broken, drift, decisions, only is None)


def policy_of(place: Place, app: str) -> Policy:
    """How drift of an app is answered here."""
    return Policy(place.environment.drift_of(app))


def act(found: Found, tell: Tell) -> tuple[Outcome, ...]:
    """Carry out what was decided, many apps at a time; extras last, when everything before went well."""
    rendered = {each.app: each for each in found.rendered}
    work = [Work(each, rendered.get(each.app), found.digests.get(each.app, "")) for each in found.todo]
    outcomes = carry_out(found.place, work, tell) if work else ()
    if found.clears_extras and not found.broken and not any(each.failure for each in outcomes):
        total = sum(len(each.objects) for each in found.rendered)
        outcomes += (clear_extras(found.place, found.drift.extras, total=total, tell=tell),)
    return outcomes


def conclude(found: Found, outcomes: Sequence[Outcome]) -> Reconciled:
    """The end of it, with everybody's health: what was synced has been verified, the rest gets a glance."""
    ended = {each.app: each for each in outcomes if each.app != EXTRAS}
    rest = [each for each in found.rendered if each.app not in ended]
    health = glance(found.place.cluster, found.place.desired.config, rest, found.digests)
    for app, outcome in ended.items():
        failed = AppHealth(Status.DEGRADED, outcome.failure)
        health[app] = failed if outcome.failure else AppHealth(Status.HEALTHY)
    return Reconciled(found, tuple(outcomes), dict(sorted(health.items())))


def _render(place: Place, apps: Iterable[str]) -> tuple[tuple[Rendered, ...], dict[str, str], dict[str, str]]:
    """What renders, the digests of the releases, and what is broken."""
    rendered, digests, broken = [], {}, {}
    environment, desired = place.environment.name, place.desired
    for app in apps:
        try:
            release = desired.release(app, environment)
            digests[app] = release.release.digest if release else ""
            rendered.append(
                render_app(
                    desired.root, desired.config, app, environment, tools=place.tools, cache=place.renders
                )
            )
        except TowpathError as error:
            broken[app] = error.message
    return tuple(rendered), digests, broken


def _leaving(place: Place, drift: DriftReport, here: set[str]) -> tuple[Decision, ...]:
    """Apps that Git has no more, with live objects whose deletion a commit confirms."""
    decisions = []
    for app in sorted({entry.app for entry in drift.entries} - here):
        confirmed = place.desired.confirmed(app, place.environment.name)
        entries = tuple(entry for entry in drift.entries if entry.app == app)
        confirms = any(entry.ref in confirmed for entry in entries)
        decisions.append(Decision(app, "remove" if confirms else "report", entries, "left Git"))
    return tuple(decisions)


def _check_known(place: Place, wanted: Iterable[str], known: set[str]) -> None:
    for app in wanted:
        if app not in known and app not in place.desired.config.apps:
            raise UnknownNameError("app", app, known, where=place.environment.name)


def _named(what: str, apps: Iterable[str]) -> list[str]:
    names = list(apps)
    if not names:
        return []
    shown = ", ".join(names[:10]) + (f" and {len(names) - 10} more" if len(names) > 10 else "")
    return [f"{what} {shown}"]
