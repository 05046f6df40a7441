"""Prometheus metrics of the door. Labels are fixed words, never names of repositories, people or objects."""

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest


class DoorMetrics:
    """Metrics in a registry of their own, apart from those of libraries in the process."""

    content_type = CONTENT_TYPE_PLAIN_0_0_4

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        self._requests = Counter(
            "towpath_door_requests",
            "Requests by path and result.",
            ("path", "result"),
            registry=self._registry,
        )
        self._deliveries = Counter(
            "towpath_door_deliveries",
            "Deliveries that were asked for: a new run, or one that was there (known).",
            ("by", "result"),
            registry=self._registry,
        )
        self._seconds = Histogram(
            "towpath_door_request_duration_seconds", "Time to answer.", ("path",), registry=self._registry
        )
        self._reachable = Gauge(
            "towpath_door_prefect_reachable", "1: the Prefect server answered last.", registry=self._registry
        )

    def answered(self, path: str, result: str, seconds: float) -> None:
        """Count a request; `result` is `ok` or why it was refused."""
        self._requests.labels(path, result).inc()
        self._seconds.labels(path).observe(seconds)

    def delivered(self, by: str, *, new: bool) -> None:
        """Count a delivery; `by` is hmac, token or a forge's name."""
        self._deliveries.labels(by, "new" if new else "known").inc()

    def set_reachable(self, reachable: bool) -> None:
        self._reachable.set(float(reachable))

    def text(self) -> str:
        """All metrics in Prometheus' text format."""
        return generate_latest(self._registry).decode()
