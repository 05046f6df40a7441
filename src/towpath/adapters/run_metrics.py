"""Prometheus metrics of the flow runs that an agent carries out, by flow."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

ENDS = ("completed", "failed", "refused", "crashed", "cancelled", "suspended", "rescheduled", "unknown")
"""How a run's process may have left it. `suspended`: it waits for people. `refused`: not for this agent."""
UNKNOWN = "unknown"
OTHER = "_other"
"""In the place of a flow that is not installed."""
_DELAYS = (0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 30, 60, 300)
_DURATIONS = (0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800)
_MIB = 1024 * 1024
_MEMORY = tuple(size * _MIB for size in (64, 96, 128, 160, 192, 256, 384, 512, 1024, 2048, 4096))


class RunMetrics:
    """What happens to the runs of one agent's pool. `set_flows` says first which flows have series."""

    def __init__(self, environment: str, registry: CollectorRegistry) -> None:
        self._environment = environment
        self._flows: frozenset[str] = frozenset()
        labels = ("environment", "flow")
        self._started = Counter(
            "towpath_runs_started_total", "Flow runs whose process was started.", labels, registry=registry
        )
        self._ended = Counter(
            "towpath_runs_ended_total",
            "Flow runs whose process has ended, by the state in which it left them.",
            (*labels, "state"),
            registry=registry,
        )
        self._running = Gauge("towpath_runs_running", "Flow runs under way.", labels, registry=registry)
        self._waiting = Gauge(
            "towpath_runs_waiting",
            "Flow runs that are due and wait until another one has ended: the agent's limit is reached.",
            ("environment",),
            registry=registry,
        ).labels(environment)
        self._delay = Histogram(
            "towpath_run_start_delay_seconds",
            "From the time for which a flow run was scheduled to the start of its process.",
            labels,
            buckets=_DELAYS,
            registry=registry,
        )
        self._duration = Histogram(
            "towpath_run_duration_seconds",
            "From the start of a flow run's process to its end.",
            labels,
            buckets=_DURATIONS,
            registry=registry,
        )
        self._memory = Histogram(
            "towpath_run_peak_memory_bytes",
            "Most resident memory that a flow run's process had, with what it shares with others.",
            labels,
            buckets=_MEMORY,
            registry=registry,
        )

    def set_flows(self, flows: tuple[str, ...]) -> None:
        """Give each of these flows its series: rates need a first value, which is 0."""
        self._flows = frozenset(flows)
        for flow in flows:
            for metric in (self._started, self._running, self._delay, self._duration, self._memory):
                metric.labels(self._environment, flow)
            for state in ENDS:
                self._ended.labels(self._environment, flow, state)

    def waiting(self, count: int) -> None:
        """So many runs are due, and the limit is reached."""
        self._waiting.set(count)

    def started(self, flow: str, delay: float | None) -> None:
        """A run's process was started, `delay` seconds after the time for which the run was scheduled."""
        named = self._labels(flow)
        self._started.labels(*named).inc()
        self._running.labels(*named).inc()
        if delay is not None:
            self._delay.labels(*named).observe(max(0.0, delay))

    def ended(self, flow: str, state: str, seconds: float, peak: int) -> None:
        """A run's process has ended after `seconds`; `peak`: bytes, 0 when nobody knows."""
        named = self._labels(flow)
        self._running.labels(*named).dec()
        self._ended.labels(*named, state if state in ENDS else UNKNOWN).inc()
        self._duration.labels(*named).observe(seconds)
        if peak:
            self._memory.labels(*named).observe(peak)

    def _labels(self, flow: str) -> tuple[str, str]:
        return self._environment, flow if flow in self._flows else OTHER
