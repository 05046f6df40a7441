"""What a look decides about apps that left Git, and about those of which something cannot be read."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from towpath.adapters.git import Checkout
from towpath.config import parse_config
from towpath.drift import DriftEntry, DriftReport
from towpath.engine.drift import Inspection
from towpath.engine.place import Place
from towpath.engine.reconcile import Found, leaving
from towpath.engine.repository import Desired
from towpath.objects import ObjectRef

NOW = datetime(2026, 1, 1, tzinfo=UTC)
REF = ObjectRef("", "ConfigMap", "dev", "old")
EXTRA = DriftEntry("", REF, "extra")
PRUNE = "objects: [{kind: ConfigMap, namespace: dev, name: old, uid: u}]\n"


def place(root: Path, mode: str) -> Place:
    config = parse_config(
        "apiVersion: towpath.dev/v1\n"
        f"environments: [{{name: dev, namespace: dev, drift: '{mode}', extras: {{ConfigMap: prune}}}}]\n"
    )
    checkout = Checkout(root, "https://127.0.0.1/env.git", "c" * 40, "main", root)
    return Place(cast(Any, None), Desired(checkout, config), config.environment("dev"))


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
    here = place(tmp_path, mode)
    (decision,) = leaving(here, drift, {""}, (), NOW)
    assert decision.action == action
    assert Found(here, (), {}, {}, Inspection(drift), (decision,), whole=True).clears_extras is clears
