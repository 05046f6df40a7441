"""What Prometheus gets about an agent's flow runs."""

import pytest
from prometheus_client import CollectorRegistry

from towpath.adapters.run_metrics import ENDS, RunMetrics


def made() -> tuple[CollectorRegistry, RunMetrics]:
    registry = CollectorRegistry()
    metrics = RunMetrics("dev", registry)
    metrics.set_flows(("promote", "reconcile"))
    return registry, metrics


def value(registry: CollectorRegistry, name: str, **labels: str) -> float | None:
    return registry.get_sample_value(f"towpath_{name}", {"environment": "dev", **labels})


def test_a_run_is_under_way_from_its_start_to_its_end() -> None:
    registry, metrics = made()
    metrics.started("promote", 0.3)
    assert value(registry, "runs_running", flow="promote") == 1
    assert value(registry, "runs_started_total", flow="promote") == 1
    metrics.ended("promote", "completed", 4.0, 150 * 1024 * 1024)
    assert value(registry, "runs_running", flow="promote") == 0
    assert value(registry, "runs_ended_total", flow="promote", state="completed") == 1
    assert value(registry, "run_start_delay_seconds_bucket", flow="promote", le="0.25") == 0
    assert value(registry, "run_start_delay_seconds_bucket", flow="promote", le="0.5") == 1
    assert value(registry, "run_duration_seconds_sum", flow="promote") == 4
    assert value(registry, "run_peak_memory_bytes_bucket", flow="promote", le="1.34217728e+08") == 0
    assert value(registry, "run_peak_memory_bytes_bucket", flow="promote", le="1.6777216e+08") == 1


def test_every_series_is_there_before_anything_runs() -> None:
    registry, _ = made()
    for flow in ("promote", "reconcile"):
        assert value(registry, "runs_started_total", flow=flow) == 0
        assert {value(registry, "runs_ended_total", flow=flow, state=state) for state in ENDS} == {0}
    assert value(registry, "runs_waiting") == 0


@pytest.mark.parametrize("flow", ["", "steal", "promote2", "_other"])
def test_flows_that_are_not_installed_have_one_series(flow: str) -> None:
    registry, metrics = made()
    metrics.started(flow, None)
    metrics.ended(flow, "refused", 0.1, 0)
    assert value(registry, "runs_started_total", flow="_other") == 1
    assert value(registry, "runs_ended_total", flow="_other", state="refused") == 1
    assert value(registry, "run_peak_memory_bytes_count", flow="_other") is None


def test_a_state_of_another_word_is_unknown() -> None:
    registry, metrics = made()
    metrics.started("promote", None)
    metrics.ended("promote", "dreaming", 0.1, 0)
    assert value(registry, "runs_ended_total", flow="promote", state="unknown") == 1


def test_clocks_that_differ_give_no_negative_delay() -> None:
    registry, metrics = made()
    metrics.started("promote", -3.0)
    assert value(registry, "run_start_delay_seconds_sum", flow="promote") == 0
    metrics.waiting(3)
    assert value(registry, "runs_waiting") == 3
