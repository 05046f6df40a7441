"""Whoever writes one inventory's ConfigMap is told of, and stops no other app from being compared."""

import json

import pytest

from tests.unit.cli.running_app import RunningApp
from towpath.objects import Manifest


def inventory(app: str, text: str) -> Manifest:
    labels = {"towpath.dev/inventory": app, "towpath.dev/environment": "dev"}
    metadata = {"name": f"towpath-inventory-{app}", "namespace": "dev", "uid": app, "labels": labels}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"inventory": text}}


@pytest.mark.parametrize("text", ["{", "[" * 100_000, '{"format": 2, "commits": [1]}'])
def test_the_other_apps_are_compared(app: RunningApp, text: str) -> None:
    app.begin("dev").apply("dev")
    app.api.add({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "dev", "uid": "dev"}})
    app.api.add(inventory("two", text))
    drift = app.run("drift", "dev")
    assert drift.exit_code == 1
    assert "two: cannot be rendered: inventory ConfigMap dev/towpath-inventory-two cannot be" in drift.output
    assert "hello: cannot be" not in drift.output
    found = json.loads(app.run("diff", "dev", "--output", "json").stdout)
    assert [each["app"] for each in found["problems"]] == ["two"]
    assert [each["app"] for each in found["environments"][0]["plans"]] == ["hello"]
    refused = app.run("rbac", "dev")
    assert refused.exit_code == 1
    assert "what dev needs cannot be told, as not all of it is known" in str(refused.exception)
