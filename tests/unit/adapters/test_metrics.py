"""What Prometheus gets, and that the dashboard and the alerts ask for nothing else."""

import json
import re
from pathlib import Path

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from towpath.adapters import metrics as module
from towpath.adapters.metrics import Metrics

ROOT = Path(__file__).parents[3]
DASHBOARD = ROOT / "deployments/chart/files/dashboard.json"
ALERTS = ROOT / "deployments/chart/files/alerts.yaml"


def told(metrics: Metrics) -> dict[tuple[str, ...], float]:
    """Every sample of ours: (name, label values without the environment's) -> value."""
    found = {}
    for each in text_string_to_metric_families(metrics.text()):
        for sample in each.samples:
            if sample.name.startswith("towpath_"):
                assert sample.labels["environment"] == "dev"
                labels = tuple(value for name, value in sample.labels.items() if name != "environment")
                found[(sample.name, *labels)] = sample.value
    return found


def test_each_app_is_in_sync_or_not() -> None:
    metrics = Metrics("dev")
    metrics.set_apps({"a": 0, "b": 2, "c": 0}, ["c"])
    found = told(metrics)
    assert [found["towpath_app_in_sync", app] for app in "abc"] == [1, 0, 0]
    assert found["towpath_app_drifted_objects", "b"] == 2


def test_an_app_that_is_gone_has_no_series() -> None:
    metrics = Metrics("dev")
    metrics.set_apps({"a": 0, "b": 2}, [])
    metrics.set_apps({"a": 0}, [])
    metrics.set_health({"a": "Healthy", "b": "Degraded"}, ["Healthy", "Degraded"])
    metrics.set_health({"a": "Degraded"}, ["Healthy", "Degraded"])
    found = told(metrics)
    assert not [key for key in found if "b" in key]
    assert found["towpath_app_health", "a", "Degraded"] == 1
    assert found["towpath_app_health", "a", "Healthy"] == 0


def test_labels_are_bounded_whatever_the_number_of_apps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_APPS", 3)
    metrics = Metrics("dev")
    metrics.set_apps({f"app-{number}": 1 for number in range(10)}, [])
    series = [key for key in told(metrics) if key[0] == "towpath_app_drifted_objects"]
    assert [key[1] for key in series] == ["app-0", "app-1", "app-2", "_other"]
    assert told(metrics)["towpath_app_drifted_objects", "_other"] == 7
    assert told(metrics)["towpath_app_in_sync", "_other"] == 0


def test_runs_heals_and_times_are_counted() -> None:
    metrics = Metrics("dev")
    metrics.set_ready(lambda: True)
    metrics.ran("completed", 0.4)
    metrics.ran("failed", 2.0)
    metrics.healed("kubectl")
    metrics.restarted("ConfigMap", "expired")
    metrics.succeeded(100.0)
    metrics.succeeded(50.0)
    metrics.set_reachable(git=True, server=False)
    metrics.set_pending(2)
    found = told(metrics)
    assert found["towpath_reconciles_total", "completed"] == 1
    assert found["towpath_heals_total", "kubectl"] == 1
    assert found["towpath_watch_restarts_total", "ConfigMap", "expired"] == 1
    assert found[("towpath_last_successful_reconcile_timestamp_seconds",)] == 100
    assert found[("towpath_git_reachable",)] == 1
    assert found[("towpath_prefect_reachable",)] == 0
    assert found[("towpath_pending_records",)] == 2
    assert found[("towpath_watch_ready",)] == 1
    assert found[("towpath_reconcile_duration_seconds_count",)] == 2


def test_an_agent_that_stands_by_shows_that_alone() -> None:
    metrics = Metrics("dev")
    assert 'towpath_agent_leads{environment="dev"} 1.0' in metrics.text()
    metrics.set_leads(leads=False)
    names = {line.split("{")[0] for line in metrics.text().splitlines() if not line.startswith("#")}
    assert names == {"towpath_agent_leads"}
    metrics.set_leads(leads=True)
    assert "towpath_watch_ready" in metrics.text()


def expressions() -> list[str]:
    dashboard = json.loads(DASHBOARD.read_text())
    asked = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    asked += [str(each["query"]) for each in dashboard["templating"]["list"]]
    rules = yaml.safe_load(ALERTS.read_text())["groups"]
    return asked + [rule["expr"] for group in rules for rule in group["rules"]]


def test_the_dashboard_and_the_alerts_use_metrics_that_there_are() -> None:
    names = Metrics("dev").names()
    used = {
        name for text in expressions() for name in re.findall(r"\b(?:towpath|process)_[a-z_]+\b(?!-)", text)
    }
    assert len(used) > 8
    assert used <= names, used - names


def test_the_dashboard_shows_all_of_them() -> None:
    shown = " ".join(expressions())
    ours = {name for name in Metrics("dev").names() if name.startswith("towpath_")}
    missing = {name for name in ours if name not in shown and not name.endswith(("_sum", "_count"))}
    assert not missing


def test_panels_do_not_overlap_and_have_ids_of_their_own() -> None:
    panels = json.loads(DASHBOARD.read_text())["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken = [
        (x, y)
        for at in (panel["gridPos"] for panel in panels)
        for x in range(at["x"], at["x"] + at["w"])
        for y in range(at["y"], at["y"] + at["h"])
    ]
    assert len(taken) == len(set(taken))
    assert max(x for x, _ in taken) < 24
