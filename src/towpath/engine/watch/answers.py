"""Carries out what a watcher wants answered: by flow runs, or by itself while there is no server."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial

from towpath.adapters.metrics import Metrics
from towpath.drift.work_queue import ReconcileCase, backoff, manager_family
from towpath.engine.live.context import open_context
from towpath.engine.reconcile.loop import act, conclude, look, reconcile
from towpath.engine.reconcile.result import ReconcilePlan, ReconcileResult
from towpath.engine.reconcile.work import Outcome
from towpath.engine.watch.git_poller import Branch
from towpath.engine.watch.policy import without_git
from towpath.engine.watch.run_protocol import Ended, Runner, Unrecorded
from towpath.engine.watch.state import WatchState
from towpath.errors import TowpathError
from towpath.settings import Settings

FIRST_RETRY = 2.0
UNRECORDED = 1000
"""So many reconciles are kept for a server that is away; of more, only the newest."""
LINGER = 0.5
"""Seconds for which a run waits for the next change, where the last one came so soon after the one before: a
run costs more.
"""
LONGEST = 3.0
"""Seconds after which a run begins no further round: others wait for the environment's lock."""
More = Callable[[float], tuple[ReconcileCase, ...]]
"""Until when to wait, by `time.monotonic` -> what else has changed live by then."""


@dataclass(frozen=True, slots=True)
class Round:
    """One that went well."""

    apps: tuple[str, ...]
    plan: ReconcilePlan
    outcomes: Sequence[Outcome]


@dataclass
class Turn:
    """What one run deals with. `cases` are those of its present round, until they are answered."""

    begun: float
    cases: tuple[ReconcileCase, ...] = ()
    apps: tuple[str, ...] = ()
    rounds: list[Round] = field(default_factory=list)


class Answers:
    """Of one environment; called by the watcher's thread."""

    def __init__(  # noqa: PLR0913
        self,
        settings: Settings,
        environment: str,
        runner: Runner,
        metrics: Metrics,
        say: Callable[[str], None],
        *,
        branch: Branch,
    ) -> None:
        self._settings, self._environment, self._runner = settings, environment, runner
        self._metrics, self._say, self._branch = metrics, say, branch
        self._failures: dict[str, int] = {}
        self._ended = float("-inf")
        self.unrecorded: list[Unrecorded] = []

    def to_all(self, *, away: bool) -> Ended:
        """A reconcile of the whole environment."""
        ended = None if away or self._branch.trouble else self._runner.run(None)
        ended = ended or self._by_hand(None)
        self._say(ended.summary)
        return ended

    def to_cases(
        self, watch_state: WatchState, cases: Sequence[ReconcileCase], more: More, *, away: bool
    ) -> None:
        """A reconcile of these apps, and in the same run of what changes meanwhile."""
        turn = Turn(time.monotonic())
        self._begin(turn, cases)
        further = partial(self._further, watch_state, turn, more)
        recorded = None if away or self._branch.trouble else self._runner.run(turn.apps, further)
        ended = recorded or self._unrecorded(turn)
        self._ended = time.monotonic()
        self._say(ended.summary)
        if turn.cases or ended.failed:
            self._count(turn, failed=ended.failed, recorded=recorded is not None)
        if turn.cases and ended.done:
            self._tell_of(ended.done.plan, ended.done.outcomes)
        if ended.failed and ended.again:
            self._retry(watch_state, turn.apps)
        else:
            self._answered(watch_state, turn)

    def _begin(self, turn: Turn, cases: Sequence[ReconcileCase]) -> None:
        self._say("; ".join(f"{case.app}: {case.reason}" for case in cases))
        turn.cases, turn.apps = tuple(cases), tuple(case.app for case in cases)

    def _further(
        self,
        watch_state: WatchState,
        turn: Turn,
        more: More,
        plan: ReconcilePlan,
        outcomes: Sequence[Outcome],
    ) -> Sequence[str]:
        """As Further: a round has ended. One that did not end well is the last one, and is told of."""
        if plan.broken or not all(each.well for each in outcomes):
            return ()
        turn.rounds.append(Round(turn.apps, plan, outcomes))
        self._count(turn, failed=False, recorded=True)
        self._tell_of(plan, outcomes)
        self._answered(watch_state, turn)
        now, longest = time.monotonic(), turn.begun + LONGEST
        restless = len(turn.rounds) > 1 or turn.begun - self._ended < LINGER
        until = min(now + LINGER, longest) if restless else now
        if now >= longest or not (cases := more(until)):
            return ()
        self._begin(turn, cases)
        return turn.apps

    def _count(self, turn: Turn, *, failed: bool, recorded: bool) -> None:
        seen = min((f.since for case in turn.cases for f in case.findings), default=turn.begun)
        result = "failed" if failed else "completed"
        self._metrics.ran(result if recorded else "unrecorded", time.monotonic() - seen)
        if not failed:
            self._metrics.succeeded(time.time())

    def _answered(self, watch_state: WatchState, turn: Turn) -> None:
        for app in turn.apps:
            self._failures.pop(app, None)
        watch_state.answered(turn.cases)
        turn.cases = ()

    def _retry(self, watch_state: WatchState, apps: Iterable[str]) -> None:
        for app in apps:
            self._failures[app] = self._failures.get(app, 0) + 1
            watch_state.again((app,), backoff(self._failures[app] - 1, first=FIRST_RETRY))

    def _unrecorded(self, turn: Turn) -> Ended:
        """What the server does not know of: the rounds of a run that it has lost, and what is left to do."""
        try:
            told = [self._keep(conclude(each.plan, each.outcomes), each.apps) for each in turn.rounds]
        except TowpathError as error:
            return Ended(error.message, failed=True, again=error.transient)
        return self._by_hand(turn.apps) if turn.cases else Ended("\n".join(told), failed=False)

    def _by_hand(self, apps: tuple[str, ...] | None) -> Ended:
        """The same work without a flow run, for some apps or for all."""
        started = datetime.now(UTC)
        try:
            done = self._reconcile(apps)
        except TowpathError as error:
            return Ended(error.message, failed=True, again=error.transient)
        summary = self._keep(done, apps or (), started)
        return Ended(summary, bool(done.failures), any(each.transient for each in done.outcomes), done)

    def _keep(self, done: ReconcileResult, apps: tuple[str, ...], started: datetime | None = None) -> str:
        """Keep for the server what was done without it. A summary."""
        summary = "\n".join([done.summary(), *(f"{app}: {why}" for app, why in done.failures.items())])
        if done.outcomes:
            now = datetime.now(UTC)
            self.unrecorded.append(Unrecorded(apps, started or now, now, summary, bool(done.failures)))
            del self.unrecorded[:-UNRECORDED]
            self._metrics.set_pending(len(self.unrecorded))
        return summary

    def _reconcile(self, apps: tuple[str, ...] | None) -> ReconcileResult:
        head = self._branch.head
        if self._branch.trouble is None or head is None:
            return reconcile(open_context(self._settings, self._environment), apps, tell=self._say)
        # Git is away: what was applied last is put back, nothing else is decided.
        plan = without_git(look(head.context, apps))
        return conclude(plan, act(plan, self._say))

    def _tell_of(self, plan: ReconcilePlan, outcomes: Sequence[Outcome]) -> None:
        well = {each.app for each in outcomes if each.well}
        for entry in (e for d in plan.decisions if d.app in well for e in d.taken_back if e.app):
            for name in {manager_family(each.manager) for each in entry.managers} or {"unknown"}:
                self._metrics.healed(name)

    def record_past(self) -> None:
        """Hand in what happened while the server was away, oldest first."""
        while self.unrecorded and self._runner.record(self.unrecorded[0]):
            del self.unrecorded[0]
        self._metrics.set_pending(len(self.unrecorded))
