"""A defect of ours or of a library stops one app, or one turn of a thread, and is told."""

import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.unit.engine.described import context_at
from towpath.adapters.kubernetes import ApiRefusedError, Collection
from towpath.adapters.metrics import Metrics
from towpath.drift.decision import Decision
from towpath.engine.reconcile import adopt, execute
from towpath.engine.reconcile.work import Work
from towpath.engine.source.render import Rendered
from towpath.engine.watch import informers
from towpath.engine.watch.git_poller import Branch
from towpath.engine.watch.informers import Followers
from towpath.engine.watch.state import WatchState
from towpath.engine.watch.surroundings import Surroundings
from towpath.errors import TransientError
from towpath.release.model import ReleaseRef
from towpath.settings import Settings


def defect(*_: object, **__: object) -> None:
    raise ZeroDivisionError("division by zero")


def test_an_app_that_hits_a_defect_has_failed_and_stops_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def remove_app(_cluster: object, app: str, *_: object, **__: object) -> None:
        if app == "bad":
            defect()

    monkeypatch.setattr(execute, "remove_app", remove_app)
    context: Any = context_at(tmp_path)
    said: list[str] = []
    work = [Work(Decision(app, "remove", ()), None, ReleaseRef()) for app in ("bad", "good")]
    seen: Any = SimpleNamespace(inventories={})
    bad, good = execute.carry_out(context, work, seen, said.append)
    assert (bad.app, bad.transient) == ("bad", False)
    assert "unexpected ZeroDivisionError: division by zero" in bad.failure
    assert "please report it" in bad.failure
    assert said == ["bad: unexpected ZeroDivisionError: division by zero"]
    assert not good.failure


def test_an_app_whose_adoption_hits_a_defect_is_told_and_stops_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adopt, "adopt_app", defect)
    rendered = Rendered("hello", "dev", "dev", (), "")
    decision = Decision("hello", "adopt", ())
    proposal = adopt.propose_app(Settings.load({}), context_at(tmp_path), rendered, decision, "run")
    assert proposal.failure == "unexpected ZeroDivisionError: division by zero"
    assert str(proposal) == "hello: not adopted: unexpected ZeroDivisionError: division by zero"


def test_a_branch_that_hits_a_defect_is_in_trouble_and_is_asked_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said: list[str] = []
    watched = Branch(Settings.load({}), "dev", 1.0, lambda _: None, said.append)
    monkeypatch.setattr(Branch, "_read", defect)
    assert not watched.refresh()
    assert not watched.refresh()
    assert said == [
        "unexpected ZeroDivisionError: division by zero;"
        " nothing was read before, so nothing is done until it can be"
    ]
    monkeypatch.setattr(Branch, "_read", lambda _: None)
    assert watched.refresh()
    assert watched.trouble is None


def test_a_follower_that_hits_a_defect_is_not_ready_and_follows_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    turns, over = [0], threading.Event()

    def follow(*_: object, **__: object) -> None:
        turns[0] += 1
        if turns[0] > 1:
            over.set()
        defect()

    monkeypatch.setattr(informers, "follow", follow)
    monkeypatch.setattr(informers, "REFUSED_PAUSE", 0.01)
    said: list[str] = []
    cluster: Any = None
    state = WatchState("dev", "dev", lambda: None)
    made = Followers(
        lambda: cluster,
        state,
        Surroundings("dev", state.see_namespace, lambda: None),
        Metrics("dev"),
        said.append,
    )
    made.start()
    assert over.wait(60)
    assert made.troubles() == ["unexpected ZeroDivisionError: division by zero"]
    made.stop()
    assert len(said) == 1


@pytest.mark.parametrize("status", [403, 404])
def test_what_may_stay_unread_is_no_trouble_after_an_outage(
    monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    """A kind that went away, or a right, while the API server could not be reached."""
    state = WatchState("dev", "dev", lambda: None)
    around = Surroundings("dev", state.see_namespace, lambda: None)
    outage = TransientError("the API server cannot be reached")
    turns, over = [0], threading.Event()

    def follow(
        _: object, collection: Collection, sink: Followers, closed: threading.Event, **_k: object
    ) -> None:
        if collection != around.namespace:
            closed.wait()
            return
        turns[0] += 1
        if turns[0] == 1:
            sink.interrupted(collection, outage)
            assert sink.troubles() == [outage.message]
        if turns[0] == 3:
            over.set()
        raise ApiRefusedError("Namespace dev", status=status, reason="refused")

    monkeypatch.setattr(informers, "follow", follow)
    monkeypatch.setattr(informers, "REFUSED_PAUSE", 0.01)
    monkeypatch.setattr(informers, "UNREAD_PAUSE", 0.01)
    cluster: Any = None
    made = Followers(lambda: cluster, state, around, Metrics("dev"), lambda _: None)
    made._start(around.namespace)
    assert over.wait(60)
    assert made.troubles() == []
    made.stop()
