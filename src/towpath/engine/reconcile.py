"""Makes an environment equal to Git: look, decide, carry out, look at everybody's health. Knows no Prefect.

`reconcile` is all of it; a caller that shows the steps one by one calls `look`, `act` and `conclude`.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from towpath.adapters.git import outside_history
from towpath.config import Environment
from towpath.decision import REPORTED, Action, Decision, Policy, decide_all, limit
from towpath.drift import DriftReport
from towpath.engine.budget import budget_of
from towpath.engine.carry_out import EXTRAS, Outcome, Work, as_allowed, carry_out, clear_extras, rolls_another
from towpath.engine.drift import Inspection, inspect
from towpath.engine.extras import to_prune
from towpath.engine.glance import AppHealth, glance
from towpath.engine.place import Place, Tell
from towpath.engine.render import Rendered
from towpath.engine.renders import render_apps
from towpath.errors import RefusedError, TowpathError, UnknownNameError
from towpath.health import Status
from towpath.inventory import Owner
from towpath.pause import Pause, active
from towpath.printable import counted
from towpath.progress import elapsed


@dataclass(frozen=True, slots=True)
class Found:
    """What one look found. `broken` are apps that do not render, or of which something cannot be read, with
    the reason; they are not among `rendered`."""

    place: Place
    rendered: tuple[Rendered, ...]
    digests: dict[str, str]
    broken: dict[str, str]
    inspection: Inspection
    decisions: tuple[Decision, ...]
    whole: bool
    """Whether all apps were looked at, not only some."""
    held: str = ""
    """Why nothing at all is carried out; empty: nothing is held."""
    paused: str = ""
    """Why nothing is written to the whole environment for a while; apps may have pauses of their own."""
    since: float = field(default_factory=time.monotonic, compare=False)

    @property
    def drift(self) -> DriftReport:
        return self.inspection.report

    @property
    def todo(self) -> tuple[Decision, ...]:
        """Decisions that write."""
        return tuple(each for each in self.decisions if each.action in ("sync", "remove"))

    def to_markdown(self) -> str:
        """The report of drift, and what is not taken back of it, and why."""
        notes = [
            f"{each.app}: {each.reason}" for each in self.decisions if each.action in ("report", "adopt")
        ]
        notes += [f"{each.app}: {stopped}" for each in self.decisions for stopped in each.exhausted]
        listed = "".join(f"- {line}\n" for line in dict.fromkeys(note.replace("\n", " ") for note in notes))
        return self.drift.to_markdown() + (f"\n{listed}" if listed else "")

    @property
    def adopts(self) -> tuple[Decision, ...]:
        """Decisions that write back to Git, which is for the caller to do."""
        return tuple(each for each in self.decisions if each.action == "adopt")

    @property
    def clears_extras(self) -> bool:
        where = self.place.environment
        may = self.whole and where.drift != "off" and not self.held and not self.paused
        return may and bool(to_prune(where, self.drift.extras))

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
    seconds: float = 0.0
    """From the first look to the last."""

    @property
    def failures(self) -> dict[str, str]:
        """Apps (and `extras`) that failed or do not render, with the reason."""
        held = {"held": self.found.held} if self.found.held else {}
        failed = {each.app: each.failure for each in self.outcomes if each.failure}
        return held | failed | self.found.broken

    @property
    def changed(self) -> int:
        """Objects written or deleted."""
        return sum(len(each.changed) for each in self.outcomes)

    def summary(self) -> str:
        """One line: what was found and what was done."""
        found = self.found
        environment = found.place.environment.name
        differs = found.drift.summary().removeprefix(f"{environment}: ")
        parts = ["held: the branch was rewritten"] if found.held else []
        parts += [found.paused] if found.paused else []
        parts += [differs if found.drift.entries else f"{counted(len(found.rendered), 'app')} in sync"]
        parts += _named("synced", [each.app for each in self.outcomes if not each.failure])
        parts += (
            [f"{counted(self.changed, 'object')} written in {elapsed(self.seconds)}"] if self.changed else []
        )
        parts += _named("failed", [each.app for each in self.outcomes if each.failure])
        parts += _named("cannot be rendered", found.broken)
        parts += _named("healing stopped", [each.app for each in found.decisions if each.exhausted])
        parts += _named("not healthy", [app for app, health in self.health.items() if not health.good])
        return f"{environment} at {found.place.desired.commit[:7]}: {'; '.join(parts)}"


_listener: ContextVar[Callable[[Reconciled], None]] = ContextVar("listener", default=lambda _: None)


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
    environment, since = place.environment, time.monotonic()
    only = None if apps is None else frozenset(apps)
    released = place.desired.released_apps(environment.name)
    chosen = [app for app in released if only is None or app in only]
    renders = render_apps(place.desired, environment, chosen, tools=place.tools, cache=place.renders)
    rendered = tuple(each.rendered for each in renders.results.values())
    commit = place.desired.commit
    inspection = inspect(place.cluster, environment, rendered, commit=commit, only=only, deep=deep)
    drift = inspection.report
    if only is not None:
        _check_known(place, only, {*released, *drift.apps()})
    broken = renders.broken | _lost_folders(place, inspection, chosen)
    broken |= unconfirmed(place, drift, {*chosen, *broken, ""})
    held = _rewritten(place, inspection)
    now, pauses = datetime.now(UTC), place.desired.pauses(environment.name)
    decisions = tuple(
        replace(each, action="report", reason=held) if held and each.action != "none" else each
        for each in (
            *decide_all(drift, renders.results, lambda app: policy_of(environment, app, pauses, now)),
            *leaving(place, drift, {*chosen, *broken, ""}, pauses, now),
        )
    )
    decisions = tuple(within_budget(place, each, broken) for each in decisions)
    rendered = tuple(each for each in rendered if each.app not in broken)
    digests = {each.app: renders.results[each.app].digest for each in rendered}
    paused = str(active(pauses, "", now) or "")
    whole = only is None
    return Found(place, rendered, digests, broken, inspection, decisions, whole, held, paused, since)


def policy_of(environment: Environment, app: str, pauses: Iterable[Pause], now: datetime) -> Policy:
    """How drift of an app is answered here and now."""
    return Policy(environment.drift_of(app), str(active(pauses, app, now) or ""))


def within_budget(place: Place, decision: Decision, broken: dict[str, str]) -> Decision:
    """Fields that were healed again and again are left alone; asks the cluster only where there is drift.

    An app whose history of heals cannot be read is not healed without one: it joins those that are `broken`.
    """
    if decision.action != "sync" or decision.mode != "heal":
        return decision
    where = place.environment
    owner = Owner(decision.app, where.name, where.namespace)
    # A lost inventory is no drift of anybody's field.
    drifted = [entry for entry in decision.drifted if entry.ref != owner.ref]
    try:
        return limit(decision, budget_of(place.cluster, owner, drifted))
    except RefusedError as error:
        broken[decision.app] = str(error)
        return replace(decision, action="report", reason=error.message)


def act(found: Found, tell: Tell) -> tuple[Outcome, ...]:
    """Carry out what was decided, many apps at a time; extras last, when everything before went well."""
    rendered = {each.app: each for each in found.rendered}
    work = [Work(each, rendered.get(each.app), found.digests.get(each.app, "")) for each in found.todo]
    outcomes = carry_out(found.place, work, found.inspection, tell) if work else ()
    if found.clears_extras and not found.broken and not any(each.failure for each in outcomes):
        total = sum(len(each.objects) for each in found.rendered)
        outcomes += (clear_extras(found.place, found.drift.extras, total=total, tell=tell),)
    return outcomes


def conclude(found: Found, outcomes: Sequence[Outcome]) -> Reconciled:
    """The end of it, with everybody's health: what was synced has been verified, the rest gets a glance."""
    ended = {each.app: each for each in outcomes if each.app != EXTRAS}
    decided = {each.app: each for each in found.decisions}
    rest = [as_allowed(each, decided[each.app]) for each in found.rendered if each.app not in ended]
    digests = {app: digest for app, digest in found.digests.items() if not rolls_another(decided[app])}
    health = glance(found.place.cluster, found.place.desired.config, rest, digests)
    for app, outcome in ended.items():
        if outcome.failure:
            health[app] = AppHealth(Status.DEGRADED, outcome.failure)
        elif decided[app].action != "remove":  # nobody has verified what is left of an app that left Git
            health[app] = AppHealth(Status.HEALTHY)
    seconds = time.monotonic() - found.since
    done = Reconciled(found, tuple(outcomes), dict(sorted(health.items())), seconds)
    _listener.get()(done)
    return done


@contextmanager
def listening(told: Callable[[Reconciled], None]) -> Iterator[None]:
    """`told` gets what is concluded in this context, also by a caller's callee that tells only a sentence."""
    token = _listener.set(told)
    try:
        yield
    finally:
        _listener.reset(token)


def _rewritten(place: Place, inspection: Inspection) -> str:
    """Why the branch cannot be trusted: it does not descend from what was applied. Empty: it does."""
    applied: dict[str, list[str]] = {}
    for app, inventory in inspection.inventories.items():
        if inventory.commit:
            applied.setdefault(inventory.commit, []).append(app)
    lost = outside_history(place.desired.checkout, applied)
    if not lost:
        return ""
    branch, commit = place.desired.checkout.branch, place.desired.commit
    named = ", ".join(f"{each[:7]} (applied for {', '.join(sorted(applied[each])[:3])})" for each in lost[:3])
    return (
        f"branch {branch} was rewritten: {commit[:7]} does not descend from {named}. Nothing is changed.\n"
        f"Restore the branch, or accept it as it is now: merge what was lost, keeping nothing of it"
        f" (`git merge -s ours {lost[0][:12]}`), and push."
    )


def _lost_folders(place: Place, inspection: Inspection, chosen: Iterable[str]) -> dict[str, str]:
    """Apps of towpath.yaml that are live, but have no folder for this environment any more."""
    broken = {}
    for app in sorted(inspection.inventories.keys() - set(chosen)):
        folder = f"apps/{app}/{place.environment.name}"
        if app in place.desired.config.apps and not (place.desired.root / folder).is_dir():
            number = len(inspection.inventories[app].objects)
            broken[app] = (
                f"{folder}: there is no such folder, but {number} objects are live; none is deleted.\n"
                f"Restore the folder, or remove {app} from towpath.yaml if it is meant to go."
            )
    return broken


def unconfirmed(place: Place, drift: DriftReport, here: set[str]) -> dict[str, str]:
    """Apps that left Git whose confirmed deletions cannot be read, with the reason: nothing is deleted."""
    broken = {}
    for app in sorted({entry.app for entry in drift.entries} - here):
        try:
            place.desired.confirmed(app, place.environment.name)
        except TowpathError as error:
            broken[app] = str(error)
    return broken


def leaving(
    place: Place, drift: DriftReport, here: set[str], pauses: Sequence[Pause], now: datetime
) -> tuple[Decision, ...]:
    """Apps that Git has no more, with live objects whose deletion a commit confirms."""
    decisions = []
    for app in sorted({entry.app for entry in drift.entries} - here):
        confirmed = place.desired.confirmed(app, place.environment.name)
        entries = tuple(entry for entry in drift.entries if entry.app == app)
        confirms = any(entry.ref in confirmed for entry in entries)
        policy = policy_of(place.environment, app, pauses, now)
        off = REPORTED["off"] if policy.mode == "off" else ""
        action: Action = "remove" if confirms and not policy.paused and not off else "report"
        decisions.append(Decision(app, action, entries, policy.paused or off or "left Git"))
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
