"""What a run deals with that the watcher has begun: one round after the other, each answered once."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest

from tests.unit.engine.described import app, context_at, deployment
from towpath.adapters.metrics import Metrics
from towpath.drift.decision import Decision
from towpath.drift.model import DriftEntry, DriftReport
from towpath.drift.work_queue import ReconcileCase, WatchFinding
from towpath.engine.reconcile.detect import Inspection
from towpath.engine.reconcile.result import ReconcilePlan
from towpath.engine.reconcile.rounds import Further, only_one
from towpath.engine.reconcile.work import Outcome
from towpath.engine.watch import answers
from towpath.engine.watch.answers import Answers
from towpath.engine.watch.git_poller import Branch
from towpath.engine.watch.run_protocol import Ended, Unrecorded
from towpath.objects import ObjectRef
from towpath.release.model import ReleaseRef
from towpath.settings import Settings

WELL = (Outcome("hello", changed=(ObjectRef("", "ConfigMap", "dev", "c0"),)),)


def case(name: str) -> ReconcileCase:
    ref = ObjectRef("", "ConfigMap", "dev", name)
    return ReconcileCase("hello", (WatchFinding("hello", ref, name, managers=("kubectl-edit",)),))


def plan(**more: Any) -> ReconcilePlan:
    entries = (DriftEntry("hello", ObjectRef("", "ConfigMap", "dev", "c0"), "modified"),)
    decision, objects = Decision("hello", "sync", entries), (app("hello", deployment("hello")),)
    return ReconcilePlan(
        context_at(Path()), objects, {"hello": ReleaseRef()}, more.get("broken", {}),
        Inspection(DriftReport("dev", "", entries)), (decision,), whole=False,
    )  # fmt: skip


@dataclass
class State:
    """A picture of the environment that notes what is answered, and what is to be looked at again."""

    done: list[str] = field(default_factory=list)
    waits: list[str] = field(default_factory=list)

    def answered(self, cases: Sequence[ReconcileCase]) -> None:
        self.done += [str(each.findings[0].ref.name) for each in cases]

    def again(self, apps: Sequence[str], _wait: float) -> None:
        self.waits += apps


@dataclass
class Runs:
    """A runner whose runs do as many rounds as they are asked for."""

    ends: Callable[[], Ended | None] = lambda: Ended("done", failed=False)
    outcomes: Sequence[Outcome] = WELL
    plan: ReconcilePlan = field(default_factory=plan)
    rounds: list[Sequence[str] | None] = field(default_factory=list)

    @contextmanager
    def locked(self) -> Iterator[bool | None]:
        yield True

    def is_away(self) -> bool:
        return False

    def run(self, apps: Sequence[str] | None, further: Further = only_one) -> Ended | None:
        more = apps
        while more:
            self.rounds.append(more)
            more = further(self.plan, self.outcomes)
        return self.ends()

    def record(self, past: Unrecorded) -> bool:
        raise AssertionError(past)


@dataclass
class More:
    """What changes while a run works; when it was asked until when."""

    cases: list[str] = field(default_factory=list)
    until: list[float] = field(default_factory=list)

    def __call__(self, until: float) -> tuple[ReconcileCase, ...]:
        self.until.append(until)
        return (case(self.cases.pop(0)),) if self.cases else ()


def answering(runs: Runs, metrics: Metrics | None = None) -> Answers:
    settings = Settings.load({})
    branch = Branch(settings, "dev", 15.0, lambda _: None, lambda _: None)
    return Answers(settings, "dev", runs, metrics or Metrics("dev"), lambda _: None, branch=branch)


def ask(made: Answers, more: More, state: State) -> None:
    made.to_cases(cast(Any, state), [case("c0")], more, away=False)


def test_what_changes_meanwhile_is_answered_in_the_same_run_and_counted_once_each() -> None:
    runs, state, metrics = Runs(), State(), Metrics("dev")
    ask(answering(runs, metrics), More(["c1", "c2"]), state)
    assert runs.rounds == [("hello",)] * 3
    assert (state.done, state.waits) == (["c0", "c1", "c2"], [])
    assert 'towpath_reconciles_total{environment="dev",result="completed"} 3.0' in metrics.text()


@pytest.mark.parametrize(
    "runs",
    [
        Runs(outcomes=(Outcome("hello", "not healthy"),)),
        Runs(outcomes=(Outcome("hello", held="waits for other"),)),
        Runs(plan=plan(broken={"hello": "does not render"})),
    ],
)
def test_a_round_that_did_not_end_well_is_the_last_one(runs: Runs) -> None:
    more = More(["c1"])
    ask(answering(runs), more, State())
    assert (len(runs.rounds), more.until) == (1, [])


def test_a_run_waits_for_a_change_only_where_changes_follow_one_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [100.0]
    monkeypatch.setattr(answers.time, "monotonic", lambda: now[0])
    made = answering(Runs())
    alone = More()
    ask(made, alone, State())
    assert alone.until == [100.0], "it has nothing to wait for"
    now[0] += answers.LINGER / 2
    ask(made, following := More(["c1"]), State())
    assert following.until == [now[0] + answers.LINGER] * 2
    now[0] += answers.LINGER
    ask(made, later := More(["c1"]), State())
    assert later.until == [now[0], now[0] + answers.LINGER], "in a run of two rounds they do"


def test_a_run_begins_no_round_after_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(answers.time, "monotonic", lambda: now[0])

    @dataclass
    class Long(More):
        def __call__(self, until: float) -> tuple[ReconcileCase, ...]:
            now[0] += 0.9
            return super().__call__(until)

    more = Long([f"c{number}" for number in range(9)])
    ask(answering(Runs()), more, State())
    assert more.until == pytest.approx([100.0, 101.4, 102.3, 100.0 + answers.LONGEST])


@pytest.mark.parametrize(
    ("end", "waits"),
    [
        (Ended("the table was not written", failed=True, again=True), ["hello"]),
        (Ended("refused", failed=True), []),
        (Ended("done", failed=False), []),
    ],
)
def test_a_run_that_fails_after_its_rounds_is_repeated_where_that_can_help(
    end: Ended, waits: list[str]
) -> None:
    state = State()
    ask(answering(Runs(lambda: end)), More(), state)
    assert (state.done, state.waits) == (["c0"], waits)


def test_rounds_of_a_run_that_the_server_lost_are_kept_to_be_recorded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made, state = answering(Runs(lambda: None)), State()
    ask(made, More(["c1"]), state)
    assert [(each.apps, each.failed) for each in made.unrecorded] == [(("hello",), False)] * 2
    assert state.done == ["c0", "c1"]
