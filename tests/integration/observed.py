"""A watcher in this process without a Prefect server, beside what a reconcile says at the same moment."""

import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from prometheus_client.parser import text_string_to_metric_families

from tests.integration.manifests import configmap
from tests.integration.running import RunningStack
from tests.integration.watched import Watched, _variables
from tests.integration.world import World, throw_away
from towpath.adapters.metrics import Metrics
from towpath.drift.decision import drift_status
from towpath.engine.live.context import open_context
from towpath.engine.reconcile.loop import look, reconcile
from towpath.engine.reconcile.result import ReconcilePlan, ReconcileResult
from towpath.engine.reconcile.rounds import Further, only_one
from towpath.engine.watch.run_protocol import Ended, Unrecorded
from towpath.engine.watch.watcher import Watcher
from towpath.objects import Manifest
from towpath.settings import Settings

PATIENCE = 60.0
SETTLED = 1.5
"""Seconds for which nothing may change before two answers count as the last ones."""
Sample = tuple[int, bool]
"""(drifted objects, in sync)"""


@dataclass
class NoServer:
    """Flow runs while there is no server; `held`: somebody else holds the environment's lock."""

    held: bool = True

    @contextmanager
    def locked(self) -> Iterator[bool | None]:
        yield False if self.held else None

    def is_away(self) -> bool:
        return True

    def run(self, apps: Sequence[str] | None, further: Further = only_one) -> Ended | None:
        return None

    def record(self, past: Unrecorded) -> bool:
        return False


@dataclass
class Observed:
    """An environment, and a watcher of it that only looks until `runner.held` is false."""

    world: World
    repository: Watched
    settings: Settings
    runner: NoServer = field(default_factory=NoServer)
    said: list[str] = field(default_factory=list)
    metrics: Metrics = field(default_factory=lambda: Metrics("observed"))

    def push(self, apps: dict[str, list[Manifest]], **policy: Any) -> None:
        self.repository.push(apps, **policy)

    def commit(self, path: str, text: str) -> None:
        """One more file, beside the apps."""
        at = self.repository.folder / "clone" / path
        at.parent.mkdir(parents=True, exist_ok=True)
        at.write_text(text)
        self.repository.git("add", "-A")
        self.repository.git("commit", "-qm", path)
        self.repository.git("push", "-q", str(self.repository.repository), "HEAD:main")

    def look(self) -> ReconcilePlan:
        return look(open_context(self.settings, self.repository.environment))

    def reconcile(self) -> ReconcileResult:
        return reconcile(open_context(self.settings, self.repository.environment))

    def by_metrics(self) -> dict[str, Sample]:
        found: dict[str, dict[str, float]] = {}
        for family in text_string_to_metric_families(self.metrics.text()):
            for sample in family.samples:
                if sample.name in ("towpath_app_in_sync", "towpath_app_drifted_objects"):
                    found.setdefault(sample.labels["app"], {})[sample.name] = sample.value
        return {
            app: (int(each["towpath_app_drifted_objects"]), bool(each["towpath_app_in_sync"]))
            for app, each in found.items()
        }

    def by_reconcile(self) -> dict[str, Sample]:
        plan = self.look()
        found: dict[str, Sample] = {}
        for decision in plan.decisions:
            drifted = sum(entry.is_drift for entry in decision.entries)
            unapplied = any(entry.kind == "unapplied" for entry in decision.entries)
            found[decision.app] = (drifted, not drifted and not unapplied)
        return found | dict.fromkeys(plan.broken, (0, False))

    def status(self, app: str) -> str:
        """What `towpath status` would say after a run that carries out nothing."""
        [decision] = [each for each in self.look().decisions if each.app == app]
        return drift_status(decision)

    def agree_on(self, expected: dict[str, Sample]) -> None:
        """Fails unless both say this, and go on to say it."""
        self.until(lambda: self.by_metrics() == expected, f"the metrics say {expected}", self.by_metrics)
        assert self.by_reconcile() == expected
        time.sleep(SETTLED)
        assert self.by_metrics() == expected

    def until(self, holds: Callable[[], bool], promise: str, shown: Callable[[], object] = str) -> None:
        deadline = time.monotonic() + PATIENCE
        while not holds():
            assert time.monotonic() < deadline, f"not true: {promise}; {shown()}\n" + "\n".join(self.said)
            time.sleep(0.05)


@contextmanager
def observed(
    stack: RunningStack, apps: dict[str, list[Manifest]] | None = None, **policy: Any
) -> Iterator[Observed]:
    """The environment with its apps synced, and a watcher that is ready and carries out nothing yet."""
    apps = apps or {"app": [configmap(f"c{number}", a="1", b="2") for number in range(3)]}
    with throw_away(stack.settings) as world, tempfile.TemporaryDirectory(prefix="towpath-watch-") as text:
        folder = Path(text)
        variables = _variables(stack, folder)
        repository = Watched(world, httpx.Client(), "observed", folder, variables)
        repository.push(apps, **policy)
        made = Observed(world, repository, Settings.load(variables))
        made.reconcile()
        watcher = Watcher(made.settings, "observed", made.runner, made.metrics, made.said.append, interval=1)
        thread = threading.Thread(target=watcher.keep, daemon=True)
        thread.start()
        try:
            made.until(lambda: not watcher.not_ready(), "it is ready", watcher.not_ready)
            yield made
        finally:
            watcher.stop()
            thread.join(30)
