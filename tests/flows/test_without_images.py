"""An app without images: agents sign what they find verified, and take changes back."""

import json
from typing import Any

import pytest
from prefect.client.orchestration import get_client

from tests.flows.bench import TOWPATH, Bench, git
from tests.flows.test_verbs import towpath
from towpath.errors import VerifyError

CONFIG = TOWPATH.replace("apps:\n", "apps:\n  crds: {renderer: plain}\n")


def change(bench: Bench, value: str) -> str:
    text = f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: limits}}\ndata: {{value: '{value}'}}\n"
    files = {f"apps/crds/{name}/limits.yaml": text for name in ("dev", "prod")}
    return bench.push("environments", {"towpath.yaml": CONFIG, **files}, f"Limits {value}")


def status() -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = json.loads(towpath("status", "--output", "json").stdout)["apps"]
    return told


def limits(bench: Bench, environment: str) -> str:
    return git(bench.environments, "show", f"main:apps/crds/{environment}/limits.yaml")


def test_what_is_verified_is_signed_once_and_what_is_not_healthy_is_not(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    with get_client(sync_client=True) as client:
        monkeypatch.setenv("PREFECT_API_URL", str(client.api_url))
    first = change(bench, "1")
    bench.unhealthy = {"crds": VerifyError("not established")}
    bench.start("reconcile/reconcile-dev", environment="dev")
    assert bench.subjects()[0] == "Limits 1"
    bench.unhealthy = {}
    bench.calls.clear()
    run = bench.start("reconcile/reconcile-dev", environment="dev")
    assert run.state.is_completed(), run.state.message
    assert bench.calls == ["detect dev", "look dev crds", "health dev crds"]
    assert bench.subjects()[0] == f"Verified crds at {first[:7]} in dev"
    assert "Towpath-App: crds" in bench.message()
    bench.start("reconcile/reconcile-dev", environment="dev")
    assert len(bench.subjects()) == 3
    second = change(bench, "2")
    apps = {(each["app"], each["environment"]): each for each in status()}
    dev, prod = apps["crds", "dev"], apps["crds", "prod"]
    assert (dev["commit"], dev["verified_at"], dev["drift"]) == (second, "", "Git has changed")
    assert dev["newer"] == f"{second[:7]} Limits 2"
    assert (prod["commit"], prod["manifests"], prod["release"]) == (second, "", "")
    bench.start("reconcile/reconcile-dev", environment="dev")
    dev = next(each for each in status() if (each["app"], each["environment"]) == ("crds", "dev"))
    assert (dev["health"], dev["newer"], dev["subject"]) == ("Healthy", "", "Limits 2")
    assert dev["verified_at"]
    assert dev["manifests"].startswith("sha256:")
    lines = towpath("status").stdout.splitlines()
    assert any(line.split()[:3] == ["crds", "dev", second[:7]] for line in lines)
    assert any("crds" in line and f"{second[:7]} (not verified)" in line for line in lines)


def test_a_rollback_brings_the_files_of_a_commit_back_and_signs_them(bench: Bench) -> None:
    first = change(bench, "1")
    bench.start("reconcile/reconcile-dev", environment="dev")
    change(bench, "2")
    bench.start("reconcile/reconcile-dev", environment="dev")
    never = change(bench, "3")
    refused = bench.start("rollback/rollback-dev", app="crds", environment="dev", to=never[:7])
    assert "no commit that the agent of dev has signed says that crds" in refused.state.message
    bench.calls.clear()
    run = bench.start("rollback/rollback-dev", app="crds", environment="dev", to=first[:7])
    assert run.state.message == f"dev runs crds {first[:7]} again, verified"
    assert bench.calls == ["sync dev crds", "verify dev no image", "prune dev crds"]
    assert "value: '1'" in limits(bench, "dev")
    assert "value: '3'" in limits(bench, "prod"), "the folder of another environment stays"
    assert bench.subjects()[1] == f"Roll back crds in dev to {first[:7]}"
    assert bench.subjects()[0].startswith("Verified crds at ")
    back = bench.start("rollback/rollback-dev", app="crds", environment="dev")
    assert back.state.is_completed(), back.state.message
    assert "value: '2'" in limits(bench, "dev"), "without a commit it is what was verified before"
    unknown = bench.start("rollback/rollback-dev", app="crds", environment="dev", to="abcdef1")
    assert "unknown commit 'abcdef1'" in unknown.state.message


def test_a_delivery_and_a_promotion_are_refused(bench: Bench) -> None:
    change(bench, "1")
    for deployment, parameters in (
        ("deliver/deliver", {"app": "crds", "revision": "main"}),
        ("promote/promote-dev", {"app": "crds", "digest": "sha256:" + "1" * 64, "environment": "dev"}),
    ):
        run = bench.start(deployment, **parameters)
        assert run.state.is_failed()
        assert "app crds has no image, and releases of images are built and promoted" in run.state.message
