"""Watches one environment and answers what differs: by flow runs, or by itself while there is no server."""

import threading
import time
from collections.abc import Callable, Sequence
from functools import partial

from towpath.adapters.kubernetes import connect_environment
from towpath.adapters.metrics import Metrics
from towpath.drift.decision import DriftPolicy
from towpath.drift.work_queue import ReconcileCase, backoff
from towpath.engine.watch.answers import FIRST_RETRY, Answers
from towpath.engine.watch.git_poller import Branch, Head
from towpath.engine.watch.informers import Followers
from towpath.engine.watch.policy import policy_at
from towpath.engine.watch.run_protocol import Runner
from towpath.engine.watch.state import WatchState
from towpath.engine.watch.surroundings import Surroundings
from towpath.engine.watch.wanted import concerns_all
from towpath.errors import TerminalError, TowpathError
from towpath.health import Status
from towpath.kube.autoscaling import Target
from towpath.settings import Settings

BUSY_PAUSE = 0.25
"""Seconds until the environment's lock is looked at again."""
STUCK = 60.0
RECORD_EVERY = 5.0
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
        self._answers = Answers(settings, environment, runner, metrics, say, branch=self.branch)
        self._answering, self._whole, self._whole_at, self._whole_failures = False, False, 0.0, 0
        self._turned = self._asked = time.monotonic()
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

    def _sleep(self, longest: float = 1.0) -> None:
        due = self._state.next_due() if self._state else None
        with self._wake:
            if not self._stopped.is_set():
                left = TICK if due is None else due - time.monotonic()
                self._wake.wait(max(0.0, min(left, longest)))

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
            with self._runner.locked() as locked:
                self._metrics.set_reachable(server=locked is not None)
                if locked is False:
                    watch_state.again((case.app for case in cases), BUSY_PAUSE)
                else:
                    self._answering = True
                    more = partial(self._more, watch_state)
                    self._answers.to_cases(watch_state, cases, more, away=locked is None)
                    self._answering = False
                self._show(watch_state)
        self._show(watch_state)
        if self._answers.unrecorded and time.monotonic() - self._asked >= RECORD_EVERY:
            self._asked = time.monotonic()
            if not self._runner.is_away():
                self._answers.record_past()

    def _show(self, watch_state: WatchState) -> None:
        if watch_state.ready() and self._around and self._around.ready():
            self._metrics.set_apps(watch_state.drifted(), watch_state.unapplied())

    def _more(self, watch_state: WatchState, until: float) -> tuple[ReconcileCase, ...]:
        """As More. What a commit has changed is left to the next run, before which it is read."""
        self._show(watch_state)
        while not (self._whole or self._stopped.is_set() or self.branch.trouble):
            cases = self._allowed(watch_state.due(self._tries))
            if any(case.git for case in cases):
                watch_state.again((case.app for case in cases), 0.0)
                return ()
            if cases or time.monotonic() >= until:
                return cases
            self._sleep(max(0.0, until - time.monotonic()))
        return ()

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
        if time.monotonic() < self._whole_at:
            return
        with self._runner.locked() as locked:
            if locked is False:
                return
            self._whole, self._answering = False, True
            self._say(f"{self._environment}: its policies in towpath.yaml have changed")
            ended = self._answers.to_all(away=locked is None)
        self._answering = False
        if ended.failed and ended.again:
            self._whole = True
            self._whole_at = time.monotonic() + backoff(self._whole_failures, first=FIRST_RETRY)
            self._whole_failures += 1
        else:
            self._whole_failures = 0
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

    def succeeded(self, at: float) -> None:
        """Some reconcile of the environment has succeeded at this Unix time."""
        self._metrics.succeeded(at)

    def set_health(self, health: dict[str, str]) -> None:
        """What the environment's table says of each app."""
        self._metrics.set_health(health, [str(word) for word in Status])
