"""Verifies many apps together: one picture of the cluster for all of them, each judged for itself.

Where nothing was rolled out, one look is enough; elsewhere health must hold for a moment, as in verify.py.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from towpath.adapters.kubernetes import Cluster
from towpath.config import Config, Environment
from towpath.engine.live.context import Tell
from towpath.engine.live.observe import concurrently
from towpath.engine.live.watch_cache import LivePicture
from towpath.engine.source.render import Rendered
from towpath.engine.verify.health_snapshot import HealthPicture, read_picture
from towpath.engine.verify.rollout_status import RolloutStatus
from towpath.engine.verify.smoke import addressed, run_smoke_checks, run_smoke_jobs
from towpath.engine.verify.verify import STABLE, collections_of, failed_error
from towpath.errors import TowpathError, TransientError, VerifyError
from towpath.health.expressions import judges_of

MANY, PAUSE = 20, 0.1


@dataclass(frozen=True, slots=True)
class Candidate:
    """One app that was synced. `digest` is its release's; `rolls` when pods or Git's will have changed."""

    rendered: Rendered
    digest: str
    rolls: bool


def verify_all(
    cluster: Cluster, config: Config, environment: Environment, candidates: Sequence[Candidate], tell: Tell
) -> dict[str, TowpathError | None]:
    """By app: None when it is healthy and answers its smoke checks, else why not. Raises nothing of ours."""
    end = time.monotonic() + environment.timeout.total_seconds()
    try:
        verdicts = _Waiting(cluster, config, candidates, end, tell).run()
    except TowpathError as error:
        return {each.rendered.app: error for each in candidates}
    good = [each for each in candidates if verdicts[each.rendered.app] is None]

    def ask(each: Candidate) -> tuple[str, TowpathError | None]:
        return each.rendered.app, _smoke(cluster, config, environment, each.rendered, end)

    return verdicts | dict(concurrently(ask, good))


class _Waiting:
    def __init__(
        self, cluster: Cluster, config: Config, candidates: Sequence[Candidate], end: float, tell: Tell
    ) -> None:
        self._cluster, self._config, self._end, self._tell = cluster, config, end, tell
        self._started, self._own = time.monotonic(), judges_of(config.health_check_exprs)
        self._open = {each.rendered.app: each for each in candidates}
        self._verdicts: dict[str, TowpathError | None] = {each.rendered.app: None for each in candidates}
        self._good_since: dict[str, float] = {}
        self._said: dict[str, str] = {}

    def run(self) -> dict[str, TowpathError | None]:
        self._look(read_picture(self._cluster, [each.rendered for each in self._open.values()]))
        if self._open:
            self._watch()
        return self._verdicts

    def _watch(self) -> None:
        collections = {c for each in self._open.values() for c in collections_of(each.rendered)[0]}
        with LivePicture(self._cluster, collections) as live:
            while self._open:
                version, seen = live.snapshot()
                picture = None if seen is None else HealthPicture(seen)
                if picture and (ripe := self._look(picture)):
                    self._look_again(ripe)
                now = time.monotonic()
                if now >= self._end:
                    trouble = live.trouble or TransientError("the cluster could not be read in time")
                    for app in list(self._open):
                        self._close(app, picture, trouble)
                elif self._open:
                    soon = min(self._good_since.values(), default=self._end) + STABLE
                    live.wait(version, min(self._end, soon) - now)
                    # One look at hundreds of apps is not free: changes of a moment are looked at together.
                    time.sleep(PAUSE if len(self._open) > MANY else 0)

    def _look(self, picture: HealthPicture) -> list[str]:
        """Judge what is open; what needs no second look is done. Gives apps that were good long enough."""
        now, ripe = time.monotonic(), []
        for app, each in list(self._open.items()):
            rollout = self._judge(picture, each)
            if rollout.line() != self._said.get(app):
                self._said[app] = rollout.line()
                self._tell(f"{app}: {rollout.line()}")
            if rollout.hopeless:
                self._close(app, picture)
            elif not rollout.good:
                self._good_since.pop(app, None)
            elif not each.rolls:
                del self._open[app]
            elif now - self._good_since.setdefault(app, now) >= STABLE:
                ripe.append(app)
        return ripe

    def _look_again(self, apps: list[str]) -> None:
        """A consistent read of the API server must say the same as the watches."""
        again = [self._open[app] for app in apps]
        picture = read_picture(self._cluster, [each.rendered for each in again])
        for each in again:
            app = each.rendered.app
            self._good_since.pop(app, None)
            if self._judge(picture, each).good:
                del self._open[app]

    def _judge(self, picture: HealthPicture, each: Candidate) -> RolloutStatus:
        return picture.judge(each.rendered, each.digest, self._config, self._own)

    def _close(self, app: str, picture: HealthPicture | None, trouble: TowpathError | None = None) -> None:
        each = self._open.pop(app)
        self._good_since.pop(app, None)
        if picture is None:
            self._verdicts[app] = trouble
        elif not (rollout := self._judge(picture, each)).good:
            seconds = time.monotonic() - self._started
            mine = picture.family(each.rendered)
            self._verdicts[app] = failed_error(self._cluster, rollout, mine, each.rendered, seconds)


def _smoke(
    cluster: Cluster, config: Config, environment: Environment, rendered: Rendered, end: float
) -> TowpathError | None:
    app = config.app(rendered.app)
    try:
        results = run_smoke_checks(cluster, environment.namespace, addressed(app.smoke, environment), end)
        results += run_smoke_jobs(cluster, rendered, app.smoke, end)
    except TowpathError as error:
        return error
    failed = [result for result in results if not result.passed]
    if not failed:
        return None
    listed = "\n".join(f"  {result}" for result in failed)
    return VerifyError(
        f"app {rendered.app} in {rendered.environment} is healthy, but fails its smoke checks:\n{listed}"
    )
