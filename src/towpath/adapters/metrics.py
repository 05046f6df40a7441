"""Prometheus metrics of an agent: of its watcher here, of its flow runs in `run_metrics`.

Labels are names of apps, kinds and fixed words, never of objects.
"""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from towpath.adapters.run_metrics import RunMetrics

MAX_APPS = 1000
"""Apps with series of their own; further ones, in order of name, are summed as `_other`."""
_REST = "_other"
_BUCKETS = (0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 30, 60, 300)
_GAUGES = {
    "app_in_sync": ("1: as in Git and as Towpath left it; 0: not.", "app"),
    "app_drifted_objects": ("Objects that are not as Towpath left them.", "app"),
    "app_health": ("1 for the health that the app has, 0 for each other word.", "app", "health"),
    "watch_ready": ("1: everything that must be watched is being watched.",),
    "git_reachable": ("1: the environment repository answers.",),
    "prefect_reachable": ("1: the Prefect server answers.",),
    "pending_records": ("Reconciles that are not recorded yet, because the Prefect server is away.",),
    "last_successful_reconcile_timestamp_seconds": ("Unix time of the newest reconcile that succeeded.",),
}
Values = dict[tuple[str, ...], float]


class Metrics(Collector):
    """Metrics of one agent, in a registry of its own, apart from those of libraries in the process."""

    content_type = CONTENT_TYPE_PLAIN_0_0_4

    def __init__(self, environment: str) -> None:
        self._environment = environment
        self._stands_by = False
        self._lock = threading.Lock()
        self._values: dict[str, Values] = {name: {} for name in _GAUGES}
        self._is_ready: Callable[[], bool] = lambda: False
        self._registry, self._standby = CollectorRegistry(), CollectorRegistry()
        self._leads = Gauge(
            "towpath_agent_leads",
            "1: does the work of its environment; 0: stands by until the agent that does it is gone.",
            ("environment",),
            registry=self._standby,
        ).labels(environment)
        self._leads.set(1)
        self._registry.register(self._standby)
        self._registry.register(self)
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        self.runs = RunMetrics(environment, self._registry)
        self._reconciles = self._counter("reconciles", "Reconciles that the watcher ran.", "result")
        self._heals = self._counter("heals", "Objects taken back, by whose tool had changed them.", "manager")
        self._restarts = self._counter(
            "watch_restarts", "Watches that broke off or had expired, and were resumed.", "kind", "reason"
        )
        self._seconds = Histogram(
            "towpath_reconcile_duration_seconds",
            "From the first sign of a difference to the end of the reconcile that answered it.",
            ("environment",),
            buckets=_BUCKETS,
            registry=self._registry,
        ).labels(environment)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"towpath_{name}", text, ("environment", *labels), registry=self._registry)

    def collect(self) -> Iterator[Metric]:
        self._set("watch_ready", {(): float(self._is_ready())})
        with self._lock:
            for name, (text, *labels) in _GAUGES.items():
                family = GaugeMetricFamily(f"towpath_{name}", text, labels=("environment", *labels))
                for values, value in self._values[name].items():
                    family.add_metric((self._environment, *values), value)
                yield family

    def _set(self, name: str, values: Values) -> None:
        with self._lock:
            self._values[name] = values

    def set_apps(self, drifted: Mapping[str, int], unapplied: Iterable[str]) -> None:
        """Set the series of all apps: app -> drifted objects, and the apps that are not applied as in Git.

        Series of apps that no longer exist are removed.
        """
        unapplied_apps = set(unapplied)
        counts: Values = {}
        in_sync: Values = {}
        for app, count in sorted(drifted.items()):
            key = (app,) if len(counts) < MAX_APPS else (_REST,)
            counts[key] = counts.get(key, 0.0) + count
            in_sync[key] = min(in_sync.get(key, 1.0), float(not count and app not in unapplied_apps))
        self._set("app_drifted_objects", counts)
        self._set("app_in_sync", in_sync)

    def set_health(self, health: Mapping[str, str], words: Iterable[str]) -> None:
        """Set app -> health; `words` are all health words that exist."""
        apps, all_words = sorted(health.items())[:MAX_APPS], list(words)
        self._set(
            "app_health", {(app, word): float(word == current) for app, current in apps for word in all_words}
        )

    def set_ready(self, is_ready: Callable[[], bool]) -> None:
        """`is_ready` is called at each scrape."""
        self._is_ready = is_ready

    def set_leads(self, *, leads: bool) -> None:
        """Whether it works; one that stands by has no other metrics, as it watches nothing."""
        self._leads.set(leads)
        self._stands_by = not leads

    def set_reachable(self, *, git: bool | None = None, server: bool | None = None) -> None:
        if git is not None:
            self._set("git_reachable", {(): float(git)})
        if server is not None:
            self._set("prefect_reachable", {(): float(server)})

    def set_pending(self, count: int) -> None:
        self._set("pending_records", {(): float(count)})

    def succeeded(self, at: float) -> None:
        """Record a successful reconcile at Unix time `at`; an older time changes nothing."""
        name = "last_successful_reconcile_timestamp_seconds"
        self._set(name, {(): max(at, self._values[name].get((), 0.0))})

    def ran(self, result: str, seconds: float) -> None:
        """Count a reconcile of `seconds`; `result` is completed, failed or unrecorded."""
        self._reconciles.labels(self._environment, result).inc()
        self._seconds.observe(seconds)

    def healed(self, manager: str) -> None:
        self._heals.labels(self._environment, manager).inc()

    def restarted(self, kind: str, reason: str) -> None:
        """Count a resumed watch; `reason` is expired, interrupted or refused."""
        self._restarts.labels(self._environment, kind, reason).inc()

    def text(self) -> str:
        """All metrics in Prometheus' text format."""
        return generate_latest(self._standby if self._stands_by else self._registry).decode()

    def names(self) -> frozenset[str]:
        """Every metric name that a query may use."""
        ends = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}
        return frozenset(
            each.name + end for each in self._registry.collect() for end in ends.get(each.type, ("",))
        )
