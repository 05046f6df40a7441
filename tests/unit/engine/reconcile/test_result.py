"""What a look decides about apps that left Git, and about those of which something cannot be read."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from towpath.adapters.git import Checkout
from towpath.config import parse_config
from towpath.drift.decision import Decision
from towpath.drift.model import DriftEntry, DriftReport
from towpath.engine.live.context import EnvironmentContext
from towpath.engine.reconcile.detect import Inspection
from towpath.engine.reconcile.loop import conclude, within_budget
from towpath.engine.reconcile.removed_apps import leaving, unconfirmed
from towpath.engine.reconcile.result import ReconcilePlan
from towpath.engine.reconcile.work import Outcome
from towpath.engine.source.repository import EnvironmentRepo
from towpath.engine.verify.health_snapshot import AppHealth
from towpath.health import Status
from towpath.objects import ObjectRef

NOW = datetime(2026, 1, 1, tzinfo=UTC)
REF = ObjectRef("", "ConfigMap", "dev", "old")
EXTRA = DriftEntry("", REF, "extra")
PRUNE = "objects: [{kind: ConfigMap, namespace: dev, name: old, uid: u}]\n"


def context(root: Path, mode: str) -> EnvironmentContext:
    config = parse_config(
        "apiVersion: towpath.dev/v2\n"
        f"environments: [{{name: dev, namespace: dev, drift: '{mode}', extras: {{ConfigMap: prune}}}}]\n"
    )
    checkout = Checkout(root, "https://127.0.0.1/env.git", "c" * 40, "main", root)
    return EnvironmentContext(cast(Any, None), EnvironmentRepo(checkout, config), config.environment("dev"))


def confirm(root: Path, app: str, text: str = PRUNE) -> None:
    (root / f"apps/{app}/dev").mkdir(parents=True)
    (root / f"apps/{app}/dev/prune.yaml").write_text(text)


@pytest.mark.parametrize(
    ("mode", "action", "clears"),
    [("heal", "remove", True), ("report", "remove", True), ("off", "report", False)],
)
def test_off_deletes_nothing(tmp_path: Path, mode: str, action: str, clears: bool) -> None:
    confirm(tmp_path, "gone")
    drift = DriftReport("dev", "", (DriftEntry("gone", REF, "unapplied"), EXTRA))
    here = context(tmp_path, mode)
    (decision,) = leaving(here, drift, {""}, (), NOW)
    assert decision.action == action
    assert ReconcilePlan(here, (), {}, {}, Inspection(drift), (decision,), whole=True).clears_extras is clears


def test_confirmations_that_cannot_be_read_stop_only_their_own_app(tmp_path: Path) -> None:
    confirm(tmp_path, "gone")
    confirm(tmp_path, "torn", "objects: [")
    entries = tuple(DriftEntry(app, REF, "unapplied") for app in ("gone", "torn"))
    here, drift = context(tmp_path, "heal"), DriftReport("dev", "", entries)
    broken = unconfirmed(here, drift, {""})
    assert list(broken) == ["torn"]
    assert "apps/torn/dev/prune.yaml" in broken["torn"]
    assert [(each.app, each.action) for each in leaving(here, drift, {"", *broken}, (), NOW)] == [
        ("gone", "remove")
    ]


@pytest.mark.parametrize("heals", ["torn", None, '["2026-01-01T00:00:00"]'])
def test_a_history_of_heals_that_cannot_be_read_stops_only_its_own_app(
    tmp_path: Path, heals: str | None
) -> None:
    text = f'{{"format": 1, "objects": [["", "ConfigMap", "dev", "old", "", {{"/data": {heals}}}]]}}'
    data = {"heals": text} if heals else {}

    class Kept:
        """A cluster that has the history."""

        def get(self, ref: ObjectRef) -> Any:
            metadata = {"namespace": ref.namespace, "name": ref.name, "resourceVersion": "1"}
            return {"metadata": metadata, "data": data}

    here = replace(context(tmp_path, "heal"), cluster=cast(Any, Kept()))
    broken: dict[str, str] = {}
    decision = Decision("hello", "sync", (DriftEntry("hello", REF, "modified"),))
    assert within_budget(here, decision, broken).action == "report"
    assert "towpath-heals-hello" in broken["hello"]


def test_an_app_that_left_git_is_not_called_healthy(tmp_path: Path) -> None:
    found = ReconcilePlan(
        context(tmp_path, "heal"),
        (),
        {},
        {},
        Inspection(DriftReport("dev", "", ())),
        (Decision("gone", "remove"),),
        whole=True,
    )
    assert conclude(found, (Outcome("gone"),)).health == {}
    assert conclude(found, (Outcome("gone", "refused"),)).health == {
        "gone": AppHealth(Status.DEGRADED, "refused")
    }
