"""Watches one environment and answers what differs: by flow runs, or by itself while there is no server."""

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime

from towpath.adapters.kubernetes import connect_environment
from towpath.adapters.metrics import Metrics
from towpath.drift.decision import DriftPolicy
from towpath.drift.work_queue import ReconcileCase, backoff, manager_family
from towpath.engine.live.context import open_context
from towpath.engine.reconcile.loop import act, conclude, look, reconcile
from towpath.engine.reconcile.result import ReconcileResult
from towpath.engine.watch.git_poller import Branch, Head
from towpath.engine.watch.informers import Followers
from towpath.engine.watch.policy import policy_at, without_git
from towpath.engine.watch.run_protocol import Ended, Runner, Unrecorded
from towpath.engine.watch.state import WatchState
from towpath.engine.watch.surroundings import Surroundings
from towpath.engine.watch.wanted import concerns_all
from towpath.errors import TerminalError, TowpathError
from towpath.health import Status
from towpath.kube.autoscaling import Target
from towpath.settings import Settings

BUSY_PAUSE = 0.25
"""Seconds until the environment's lock is looked at again."""
FIRST_RETRY = 2.0
STUCK = 60.0
RECORD_EVERY = 5.0
ALL = ""  # in the place of an app
UNRECORDED = 1000
"""So many reconciles are kept for a server that is away; of more, only the newest."""
TICK = 30.0
"""Seconds until what was held back (a pause, a mode) is looked at again."""


class Watcher:
    """One environment. `keep` returns after `stop`; everything else happens in threads of its own."""

    def __init__(  # noqa: PLR0913
        self,
        settings: Settings,
        environment: str,
        runner: Runner,
        metrics: Metrics,
        say: Callable[[str], None],
        *,
        interval: float,
    ) -> None:
        self._settings, self._environment, self._runner = settings, environment, runner
        self._metrics, self._say = metrics, say
        self.branch = Branch(settings, environment, interval, self._moved, say)
        self._wake = threading.Condition()
        self._stopped = threading.Event()
        self._state: WatchState | None = None
        self._around: Surroundings | None = None
        self._reread_for: tuple[frozenset[Target] | None, float] = (None, 0.0)
        self._followers: Followers | None = None
        self._fatal: TowpathError | None = None
        self._failures: dict[str, int] = {}
        self._answering, self._whole, self._whole_at = False, False, 0.0
        self._turned = self._asked = time.monotonic()
        self.unrecorded: list[Unrecorded] = []
        metrics.set_ready(lambda: not self.not_ready())

    def stop(self) -> None:
        """Begin nothing new. May be called from a signal handler's thread."""
        self._stopped.set()
        self.branch.notify()
        if self._followers:
            self._followers.stop()

    @property
    def seen(self) -> WatchState | None:
        """None while it does not see everything."""
        return None if self.not_ready() else self._state

    def wait(self, seconds: float) -> bool:
        """Whether it is stopped now, or within so many seconds."""
        return self._stopped.wait(seconds)

    def alive(self) -> bool:
        """Whether the loop still turns: a long reconcile counts as turning."""
        return self._answering or time.monotonic() - self._turned < STUCK

    def not_ready(self) -> list[str]:
        """What is missing until every change is seen; nothing when it is."""
        if self._stopped.is_set():
            return ["it is being stopped"]
        if self._state is None or self._followers is None or self._around is None:
            return [self.branch.trouble.message if self.branch.trouble else "Git was not read yet"]
        troubles = self._followers.troubles()
        ready = self._state.ready() and self._around.ready()
        return troubles or ([] if ready else ["not everything was listed yet"])

    def keep(self) -> None:
        """Watch and answer until stopped. Raises when there is no such environment or its place moved."""
        threading.Thread(target=self.branch.keep, args=(self._stopped,), name="branch", daemon=True).start()
        looked = time.monotonic()
        while not self._stopped.is_set():
            if fatal := self._fatal or self.branch.unknown:
                raise fatal
            if self._state is not None:
                if time.monotonic() - looked >= TICK:
                    looked = time.monotonic()
                    self._state.look_again()
                self._turn(self._state)
            self._turned = time.monotonic()
            self._sleep()

    def _sleep(self) -> None:
        due = self._state.next_due() if self._state else None
        with self._wake:
            if not self._stopped.is_set():
                left = TICK if due is None else due - time.monotonic()
                self._wake.wait(max(0.0, min(left, 1.0)))

    def _awake(self) -> None:
        with self._wake:
            self._wake.notify_all()

    def _moved(self, head: Head) -> None:
        """The branch has a new commit; the first one says where to watch."""
        environment = head.context.environment
        try:
            head.context.repo.pauses(environment.name)
        except TowpathError as error:
            self._say(f"{error.message}; nothing is written until it can be read")
        if self._state is None:
            watch_state = WatchState(self._environment, environment.namespace, self._awake)
            watch_state.want(head.wanted, head.decided_by)
            connection = self._settings.connection
            around = Surroundings(environment.namespace, watch_state.see_namespace, self._awake)
            around.follow_autoscalers(head.autoscalers, head.places)
            self._followers = Followers(
                *(lambda: connect_environment(environment, connection), watch_state, around),
                *(self._metrics, self._say),
            )
            self._followers.start()
            self._first, self._around, self._state = head.context.repo.config, around, watch_state
            self._say(f"watching {self._environment} (namespace {environment.namespace})")
            return
        config, before = head.context.repo.config, self._first.environment(self._environment)
        if environment.namespace != before.namespace:
            self._fatal = TerminalError(f"{self._environment} has moved to another namespace; watch it there")
        elif concerns_all(self._first, config, self._environment):
            self._state.forgive()
            self._whole = True
        self._first = config
        if head.moved:
            self._say(f"{self._environment} is now at commit {head.context.repo.commit[:7]}")
        if self._around and self._followers:
            self._around.follow_autoscalers(head.autoscalers, head.places)
            self._followers.adjust()
        self._state.want(head.wanted, head.decided_by)
        self._state.look_again()  # the commit may have ended a pause

    def _turn(self, watch_state: WatchState) -> None:
        self._read_scaled_again()
        if self._whole:
            self._answer_all(watch_state)
        cases = self._allowed(watch_state.due(self._tries))
        if cases and any(case.git for case in cases):
            # What was applied may be of a commit that was not read here yet.
            self.branch.refresh()
            cases = self._allowed(watch_state.confirm(cases, self._tries))
        self._metrics.set_reachable(git=self.branch.trouble is None)
        if cases:
            busy = self._runner.busy()
            self._metrics.set_reachable(server=busy is not None)
            if busy:
                watch_state.again((case.app for case in cases), BUSY_PAUSE)
            else:
                self._answering = True
                self._answer(watch_state, cases, away=busy is None)
                self._answering = False
        if watch_state.ready() and self._around and self._around.ready():
            self._metrics.set_apps(watch_state.drifted(), watch_state.unapplied())
        if self.unrecorded and time.monotonic() - self._asked >= RECORD_EVERY:
            self._asked = time.monotonic()
            if self._runner.busy() is not None:
                self._record_past()

    def _read_scaled_again(self) -> None:
        """An autoscaler came or went without a commit: Git counts otherwise now."""
        head, now = self.branch.head, time.monotonic()
        scaled = self._around.scaled() if self._around else None
        if scaled is None or head is None or scaled == head.scaled:
            return
        tried, at = self._reread_for
        if tried != scaled or now - at >= TICK:  # the cluster may have refused to tell
            self._reread_for = (scaled, now)
            self.branch.read_again()

    def _answer_all(self, watch_state: WatchState) -> None:
        """A reconcile of the whole environment as soon as nobody holds its lock: its policies changed."""
        if time.monotonic() < self._whole_at or (busy := self._runner.busy()):
            return
        self._whole, self._answering = False, True
        self._say(f"{self._environment}: its policies in towpath.yaml have changed")
        away = busy is None or self.branch.trouble
        ended = (None if away else self._runner.run(None)) or self._by_hand(None)
        self._say(ended.summary)
        self._answering = False
        if ended.failed and ended.again:
            self._failures[ALL] = self._failures.get(ALL, 0) + 1
            self._whole = True
            self._whole_at = time.monotonic() + backoff(self._failures[ALL] - 1, first=FIRST_RETRY)
        else:
            self._failures.pop(ALL, None)
        watch_state.look_again()

    def _allowed(self, cases: Sequence[ReconcileCase]) -> tuple[ReconcileCase, ...]:
        """Without apps that must be left alone now: they are looked at again every TICK."""
        policies = {case.app: self._policy(case.app) for case in cases}
        return tuple(c for c in cases if policies[c.app].mode != "off" and not policies[c.app].paused)

    def _policy(self, app: str) -> DriftPolicy:
        head = self.branch.head
        if head is None:
            return DriftPolicy("off")
        return policy_at(head.context, app)

    def _tries(self, app: str) -> int:
        # What is only told is told once; what is healed may have been edited again meanwhile.
        return 2 if self._policy(app).mode == "heal" else 1

    def _answer(self, watch_state: WatchState, cases: Sequence[ReconcileCase], *, away: bool) -> None:
        apps = tuple(case.app for case in cases)
        seen = min((f.since for case in cases for f in case.findings), default=time.monotonic())
        self._say("; ".join(f"{case.app}: {case.reason}" for case in cases))
        ended = None if away or self.branch.trouble else self._runner.run(apps)
        recorded = ended is not None
        ended = ended or self._by_hand(apps)
        self._say(ended.summary)
        result = "failed" if ended.failed else "completed"
        self._metrics.ran(result if recorded else "unrecorded", time.monotonic() - seen)
        if not ended.failed:
            self._metrics.succeeded(time.time())
        if ended.done:
            self._tell_of(ended.done)
        if ended.failed and ended.again:
            self._retry(watch_state, apps)
            return
        for app in apps:
            self._failures.pop(app, None)
        watch_state.answered(cases)

    def _retry(self, watch_state: WatchState, apps: Iterable[str]) -> None:
        for app in apps:
            self._failures[app] = self._failures.get(app, 0) + 1
            watch_state.again((app,), backoff(self._failures[app] - 1, first=FIRST_RETRY))

    def _by_hand(self, apps: tuple[str, ...] | None) -> Ended:
        """The same work without a flow run, for some apps or for all; recorded when the server is back."""
        started = datetime.now(UTC)
        try:
            done = self._reconcile(apps)
        except TowpathError as error:
            return Ended(error.message, failed=True, again=error.transient)
        failed, again = bool(done.failures), any(each.transient for each in done.outcomes)
        summary = "\n".join([done.summary(), *(f"{app}: {why}" for app, why in done.failures.items())])
        if done.outcomes:
            self.unrecorded.append(Unrecorded(apps or (), started, datetime.now(UTC), summary, failed))
            del self.unrecorded[:-UNRECORDED]
            self._metrics.set_pending(len(self.unrecorded))
        return Ended(summary, failed, again, done)

    def _reconcile(self, apps: tuple[str, ...] | None) -> ReconcileResult:
        head = self.branch.head
        if self.branch.trouble is None or head is None:
            return reconcile(open_context(self._settings, self._environment), apps, tell=self._say)
        # Git is away: what was applied last is put back, nothing else is decided.
        plan = without_git(look(head.context, apps))
        return conclude(plan, act(plan, self._say))

    def _tell_of(self, done: ReconcileResult) -> None:
        well = {each.app for each in done.outcomes if each.well}
        for entry in (e for d in done.plan.decisions if d.app in well for e in d.taken_back if e.app):
            for name in {manager_family(each.manager) for each in entry.managers} or {"unknown"}:
                self._metrics.healed(name)

    def _record_past(self) -> None:
        """Hand in what happened while the server was away, oldest first."""
        while self.unrecorded and self._runner.record(self.unrecorded[0]):
            del self.unrecorded[0]
        self._metrics.set_pending(len(self.unrecorded))

    def succeeded(self, at: float) -> None:
        """Some reconcile of the environment has succeeded at this Unix time."""
        self._metrics.succeeded(at)

    def set_health(self, health: dict[str, str]) -> None:
        """What the environment's table says of each app."""
        self._metrics.set_health(health, [str(word) for word in Status])
