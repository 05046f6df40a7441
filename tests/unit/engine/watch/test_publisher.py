"""When an agent publishes: what changed, soon; the same again, seldom; and what is wrong, once."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.unit.engine.described import app, context_at, deployment
from towpath.drift.decision import Decision
from towpath.drift.model import DriftEntry, DriftReport
from towpath.drift.published import PublishedState
from towpath.engine.reconcile.detect import Inspection
from towpath.engine.reconcile.result import ReconcilePlan
from towpath.engine.watch import publisher
from towpath.engine.watch.publisher import LONGEST, PAUSE, POLL, REFRESH, WHOLE, Publisher, Seen
from towpath.errors import RefusedError, TransientError
from towpath.objects import ObjectRef
from towpath.release.model import ReleaseRef

REF = ObjectRef("apps", "Deployment", "dev", "hello")


class World:
    """A watcher's knowledge, a clock, and what was looked at and published."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        self.marks: dict[str, object] | None = {"hello": 1, "other": 1}
        self.commit = "c" * 40
        self.drifted: set[str] = set()
        self.looks: list[Any] = []
        self.published: list[PublishedState] = []
        self.said: list[str] = []
        self.error: Exception | None = None
        monkeypatch.setattr(publisher, "look", self.look)
        self.publisher = Publisher("dev", self.seen, self.publish, self.said.append, lambda: self.now)

    def seen(self) -> Seen | None:
        if self.marks is None:
            return None
        context = context_at(Path())
        checkout = replace(context.repo.checkout, commit=self.commit)
        return Seen(dict(self.marks), replace(context, repo=replace(context.repo, checkout=checkout)))

    def look(self, context: Any, apps: Any = None) -> ReconcilePlan:
        self.looks.append(None if apps is None else sorted(apps))
        names = sorted(self.marks or {}) if apps is None else sorted(apps)
        entries = tuple(DriftEntry(name, REF, "modified") for name in names if name in self.drifted)
        rendered = tuple(app(name, deployment(name)) for name in names)
        decisions = tuple(Decision(name, "none") for name in names)
        inspection = Inspection(DriftReport("dev", "c" * 40, entries))
        releases = {name: ReleaseRef() for name in names}
        return ReconcilePlan(context, rendered, releases, {}, inspection, decisions, whole=apps is None)

    def publish(self, state: PublishedState) -> None:
        if self.error:
            raise self.error
        self.published.append(state)

    def turn(self, seconds: float = POLL, times: int = 1) -> None:
        for _ in range(times):
            self.now += seconds
            self.publisher.turn()


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    return World(monkeypatch)


def test_nothing_is_published_before_everything_is_seen(world: World) -> None:
    world.marks, marks = None, world.marks
    world.turn(times=5)
    assert (world.looks, world.published) == ([], [])
    world.marks = marks
    world.turn(times=2)
    assert world.looks == [None]
    assert list(world.published[0].apps) == ["hello", "other"]


def test_while_nothing_changes_the_cluster_is_asked_nothing_and_the_age_is_renewed_seldom(
    world: World,
) -> None:
    world.turn(times=int(REFRESH / POLL) - 5)
    assert (len(world.looks), len(world.published)) == (1, 1)
    world.turn(times=20)
    assert (len(world.looks), len(world.published)) == (1, 2)


def test_only_what_has_changed_is_looked_at_and_the_rest_stays(world: World) -> None:
    world.turn(times=2)
    world.turn(PAUSE)
    world.drifted, world.marks = {"hello"}, {"hello": 2, "other": 1}
    world.turn(times=2)
    assert world.looks == [None, ["hello"]]
    assert [len(each.entries) for each in world.published[-1].apps.values()] == [1, 0]


def test_a_commit_has_apps_looked_at_again_that_differ_and_no_others(world: World) -> None:
    world.drifted = {"hello"}
    world.turn(times=2)
    world.commit = "d" * 40
    world.turn(PAUSE, times=3)
    assert (world.looks, len(world.published)) == ([None, ["hello"]], 1)
    world.turn(REFRESH)
    assert world.published[-1].commit == "d" * 40


def test_a_change_that_changes_nothing_published_is_not_pushed(world: World) -> None:
    world.turn(times=2)
    world.marks = {"hello": 2, "other": 1}
    world.turn(PAUSE, times=3)
    assert (world.looks, len(world.published)) == ([None, ["hello"]], 1)


def test_an_app_that_is_gone_is_not_published_any_more(world: World) -> None:
    world.turn(times=2)
    world.marks = {"other": 1}
    world.turn(PAUSE, times=2)
    assert (world.looks, list(world.published[-1].apps)) == ([None], ["other"])


def test_changes_that_never_end_are_published_now_and_then(world: World) -> None:
    world.turn(times=2)
    for number in range(int(600 / POLL)):
        world.marks = {"hello": number, "other": 1}
        world.drifted = {"hello"} if number % 40 < 20 else set()
        world.turn()
    assert 2 <= len(world.published) <= 600 / PAUSE
    assert len(world.looks) <= 600 / LONGEST + 2


def test_health_is_news_and_pushes_keep_their_distance(world: World) -> None:
    world.turn(times=2)
    world.publisher.set_health({"hello": "Degraded"})
    world.turn()
    assert len(world.published) == 1
    world.turn(PAUSE)
    assert [each.health for each in world.published[-1].apps.values()] == ["Degraded", ""]
    assert world.looks == [None]


def test_everything_is_looked_at_again_each_hour(world: World) -> None:
    world.turn(times=2)
    world.turn(WHOLE)
    assert world.looks == [None, None]


@pytest.mark.parametrize(
    "error",
    [
        RefusedError("the forge takes no refs/towpath/dev/state", remedy="Let it."),
        TransientError("Git did not answer"),
        ValueError("a bug"),
    ],
)
def test_what_is_wrong_is_told_once_tried_again_later_and_ends(world: World, error: Exception) -> None:
    world.error = error
    world.turn(times=200)
    assert len(world.said) == 1
    assert world.said[0].startswith("the state is not published: ")
    assert world.looks == [None]
    world.error = None
    world.turn(times=200)
    assert len(world.published) >= 1
    assert world.said[1:] == ["the state is published again"]
