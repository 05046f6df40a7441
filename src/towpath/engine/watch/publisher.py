"""Publishes what a watcher sees of its environment, when that has changed, and seldom for its age.

An app is looked at again when its inventory, or what differs of it, has changed; while nothing changes, the
cluster is asked nothing: the watch proves that what was published still holds.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from towpath.drift.published import PublishedApp, PublishedState
from towpath.drift.work_queue import backoff
from towpath.engine.live.context import EnvironmentContext
from towpath.engine.reconcile.loop import look
from towpath.engine.reconcile.published import published_apps
from towpath.engine.reconcile.result import ReconcilePlan
from towpath.engine.watch.watcher import Watcher
from towpath.errors import as_towpath_error

POLL = 3.0
"""Seconds between two turns; what changes all the time is taken as it is after LONGEST."""
LONGEST = 60.0
PAUSE = 30.0
"""Seconds between two pushes."""
REFRESH = 600.0
"""Seconds after which the same is published again, so that its age says that the agent lives."""
WHOLE = 3600.0
"""Seconds between two looks at everything, which find what no watch shows: what nobody declared."""

Marks = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Seen:
    """What a watcher knows when it sees everything: app -> what changes with its inventory and differences.

    `context` is the environment at the newest commit that was read.
    """

    marks: Marks
    context: EnvironmentContext


def seen_by(watcher: Watcher) -> Seen | None:
    """None while the watcher does not see everything."""
    state, head = watcher.seen, watcher.branch.head
    return Seen(state.marks(), head.context) if state and head else None


class Publisher:
    """One environment's. `publish` writes what it is given; `say` is told once of what is wrong."""

    def __init__(
        self,
        environment: str,
        seen: Callable[[], Seen | None],
        publish: Callable[[PublishedState], object],
        say: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._seen, self._publish, self._say, self._clock = seen, publish, say, clock
        self._state = PublishedState(environment, "", "")
        self._marks: Marks | None = None
        self._last: Marks | None = None
        self._moving_since = clock()
        self._whole_at = 0.0
        self._published: PublishedState | None = None
        self._published_at = self._not_before = 0.0
        self._failures, self._told = 0, ""
        self._health: Mapping[str, str] = {}

    def set_health(self, health: Mapping[str, str]) -> None:
        """What the environment's table says of each app."""
        self._health = health

    def turn(self) -> None:
        """Look at what has changed, and publish what is news. Nothing is raised."""
        try:
            if self._look():
                self._renew()
        except Exception as raised:  # noqa: BLE001 - the agent goes on, and tells it once
            error = as_towpath_error(raised)
            self._not_before = self._clock() + backoff(self._failures, first=PAUSE)
            self._failures += 1
            if error.message != self._told:
                self._say(f"the state is not published: {error}")
            self._told = error.message

    def _look(self) -> bool:
        """Whether everything is known as it is now."""
        now, seen = self._clock(), self._seen()
        if seen is None or now < self._not_before:
            return False
        marks, context = seen.marks, seen.context
        moving, self._last = marks != self._last, marks
        if moving and now - self._moving_since < LONGEST:
            return False
        self._moving_since, before = now, self._marks
        if before is None or now - self._whole_at >= WHOLE:
            plan: ReconcilePlan | None = look(context)
            apps: dict[str, PublishedApp] = {}
            self._state = replace(self._state, extras=plan.drift.extras if plan else ())
            self._whole_at = now
        else:
            changed = {app for app in before.keys() | marks.keys() if before.get(app) != marks.get(app)}
            if context.repo.commit != self._state.commit:
                # What is done about a difference may be decided otherwise: a pause, a mode, a gate.
                changed |= {app for app, each in self._state.apps.items() if each.entries or each.broken}
            apps = {app: each for app, each in self._state.apps.items() if app not in changed}
            plan = look(context, here) if (here := changed & marks.keys()) else None
        if plan is not None:
            apps |= published_apps(plan)
            self._state = replace(self._state, held=plan.held)
        self._marks = marks
        self._state = replace(self._state, commit=context.repo.commit, apps=dict(sorted(apps.items())))
        return True

    def _renew(self) -> None:
        now = self._clock()
        apps = {
            app: replace(each, health=self._health.get(app, each.health))
            for app, each in self._state.apps.items()
        }
        at = datetime.now(UTC).isoformat(timespec="seconds")
        state = replace(self._state, at=at, apps=apps).within_limits()
        known = self._published is not None and state.content == self._published.content
        if self._published is not None and now - self._published_at < (REFRESH if known else PAUSE):
            return
        self._publish(state)
        self._published, self._published_at = state, now
        if self._told:
            self._say("the state is published again")
        self._failures, self._told = 0, ""
