"""What a watcher does when what it reads is away or broken."""

from pathlib import Path
from typing import Any, cast

import pytest

from tests.unit.engine.described import app, context_at, deployment
from towpath.adapters.metrics import Metrics
from towpath.drift.decision import Decision
from towpath.drift.model import DriftEntry, DriftKind, DriftReport
from towpath.engine.reconcile.detect import Inspection
from towpath.engine.reconcile.loop import conclude
from towpath.engine.reconcile.result import ReconcilePlan
from towpath.engine.watch.git_poller import Branch, Head
from towpath.engine.watch.policy import policy_at, without_git
from towpath.engine.watch.watcher import Watcher
from towpath.errors import UnknownNameError
from towpath.objects import ObjectRef
from towpath.release.model import ReleaseRef
from towpath.settings import Settings

REF = ObjectRef("apps", "Deployment", "dev", "hello")


def found(decision: Decision) -> ReconcilePlan:
    context = context_at(Path())
    report = DriftReport("dev", "", decision.entries)
    objects = (app("hello", deployment("hello")),)
    return ReconcilePlan(
        context, objects, {"hello": ReleaseRef()}, {}, Inspection(report), (decision,), whole=False
    )


@pytest.mark.parametrize(
    ("action", "kind", "then"),
    [
        ("none", None, "none"),
        ("report", "modified", "report"),
        ("adopt", "modified", "report"),
        ("remove", "unapplied", "report"),
        ("sync", "unapplied", "report"),
        ("sync", "modified", "sync"),
    ],
)
def test_without_git_only_edits_are_taken_back_and_every_app_is_concluded(
    action: Any, kind: DriftKind | None, then: str
) -> None:
    entries = (DriftEntry("hello", REF, kind),) if kind else ()
    limited = without_git(found(Decision("hello", action, entries)))
    assert [each.action for each in limited.decisions] == [then]
    assert list(conclude(limited, ()).health) == ["hello"]


def test_pauses_that_cannot_be_read_hold_everything_and_raise_nothing(tmp_path: Path) -> None:
    assert not policy_at(context_at(tmp_path), "hello").paused
    (tmp_path / "pauses").mkdir()
    (tmp_path / "pauses/dev.yaml").write_text("- {until: tomorrow, reason: a migration}\n")
    assert "pauses/dev.yaml" in policy_at(context_at(tmp_path), "hello").paused


def unknown(kind: str, name: str) -> Any:
    def read(_branch: Branch) -> None:
        raise UnknownNameError(kind, name, ("dev", "prod"), where="towpath.yaml")

    return read


def test_a_misspelt_environment_ends_the_watch_with_the_nearest_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Branch, "_read", unknown("environment", "prd"))
    said: list[str] = []
    watcher = Watcher(Settings.load({}), "prd", cast(Any, None), Metrics("prd"), said.append, interval=1.0)
    with pytest.raises(UnknownNameError, match=r"unknown environment 'prd' in towpath\.yaml") as caught:
        watcher.keep()
    assert (caught.value.remedy, said) == ("Did you mean prod?", [])


def test_an_environment_that_a_later_commit_takes_away_does_not_end_the_watch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Branch, "_read", unknown("environment", "prod"))
    said: list[str] = []
    branch = Branch(Settings.load({}), "prod", 1.0, lambda _: None, said.append)
    branch.head = Head(context_at(Path()), {})
    assert not branch.refresh()
    assert branch.unknown is None
    assert said == ["unknown environment 'prod' in towpath.yaml; what was read before stays in force"]


def test_a_branch_that_is_not_there_yet_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Branch, "_read", unknown("branch", "main"))
    said: list[str] = []
    branch = Branch(Settings.load({}), "prod", 1.0, lambda _: None, said.append)
    assert not branch.refresh()
    assert branch.unknown is None
    assert said[0].endswith("nothing was read before, so nothing is done until it can be")
