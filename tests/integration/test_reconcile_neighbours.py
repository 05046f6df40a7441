"""A reconcile beside controllers that write to the same objects: theirs stays theirs, nobody is fought."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.integration.fleet import Fleet, a_fleet
from tests.integration.manifests import configmap
from towpath.adapters.registries.registry import read_manifest
from towpath.engine.reconcile.result import ReconcileResult
from towpath.objects import Manifest

pytestmark = pytest.mark.integration
MANAGER = "kube-controller-manager"


@pytest.fixture
def fleet(stack, tmp_path: Path) -> Iterator[Fleet]:
    """An app `web` with one pod that really runs, and a ConfigMap."""
    with a_fleet(stack.settings, tmp_path) as fleet:
        image = f"{stack.registry}/base/busybox"
        fleet.images["web"] = f"{image}@{read_manifest(f'{image}:1').digest}"
        # Without metrics its controller calls an autoscaler broken after some seconds; here it is not asked.
        rule = {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "current": "true"}
        fleet.health_rules.append(rule)
        fleet.add("web")
        spec = fleet.apps["web"][0]["spec"]
        container = {"name": "app", "image": fleet.images["web"], "command": ["sleep", "1000"]}
        spec["template"]["spec"] = {"containers": [container], "terminationGracePeriodSeconds": 0}
        spec["replicas"] = 1
        yield fleet


def autoscaler() -> Manifest:
    """There are no metrics here: its controller raises to the minimum, and leaves all else as it is."""
    spec = {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
        "minReplicas": 2,
        "maxReplicas": 3,
    }
    api = "autoscaling/v2"
    return {"apiVersion": api, "kind": "HorizontalPodAutoscaler", "metadata": {"name": "web"}, "spec": spec}


def until(holds: Callable[[], bool], promise: str) -> None:
    deadline = time.monotonic() + 90
    while not holds():
        assert time.monotonic() < deadline, f"not true: {promise}"
        time.sleep(0.2)


def web(fleet: Fleet) -> Manifest:
    return fleet.world.live("deployment", "web")


def settled(fleet: Fleet, replicas: int) -> Manifest:
    """The Deployment when so many of its pods run; afterwards nobody writes to it by himself."""
    fleet.world.kubectl("rollout", "status", "deployment/web", "--timeout=90s")
    until(lambda: web(fleet)["status"].get("availableReplicas") == replicas, f"{replicas} pods run")
    return web(fleet)


def writers_of_replicas(live: Manifest) -> set[tuple[str, str]]:
    return {
        (entry["manager"], entry.get("subresource", ""))
        for entry in live["metadata"]["managedFields"]
        if "f:replicas" in entry.get("fieldsV1", {}).get("f:spec", {})
    }


def assert_nothing_to_do(fleet: Fleet) -> ReconcileResult:
    before = fleet.resource_versions()
    done = fleet.reconcile()
    assert (done.failures, done.outcomes, done.changed) == ({}, (), 0)
    assert done.plan.drift.entries == ()
    assert all(health.good for health in done.health.values()), done.health
    assert fleet.resource_versions() == before
    return done


@pytest.mark.parametrize("declared", [True, False], ids=["in-git", "made-by-hand"])
def test_replicas_are_the_autoscalers_while_all_else_is_healed(fleet: Fleet, *, declared: bool) -> None:
    if declared:
        fleet.apps["web"].append(autoscaler())
    fleet.push()
    done = fleet.reconcile()
    assert done.failures == {}
    if not declared:
        fleet.world.kubectl("create", "-f", "-", text=json.dumps(autoscaler()))
    until(lambda: web(fleet)["spec"]["replicas"] == 2, "the autoscaler raises to its minimum")
    writers = writers_of_replicas(settled(fleet, 2))
    # In Git beside an autoscaler replicas are nobody's, and the server does not record who scales those.
    assert writers == (set() if declared else {(MANAGER, "scale")})
    if not declared:
        assert fleet.reconcile().failures == {}, "what Git wants has lost its replicas; that is noted once"
    assert web(fleet)["spec"]["replicas"] == 2
    assert_nothing_to_do(fleet)

    fleet.world.kubectl("scale", "deployment", "web", "--replicas=3")
    settled(fleet, 3)
    assert_nothing_to_do(fleet)

    fleet.world.kubectl("set", "env", "deployment/web", "BY_HAND=1")
    fleet.world.kubectl("label", "--overwrite", "deployment", "web", "tier=db")
    done = fleet.reconcile()
    assert done.failures == {}
    assert [ref.name for each in done.outcomes for ref in each.changed] == ["web"]
    [entry] = done.plan.drift.entries
    assert "/spec/replicas" not in {each.pointer for each in entry.differences}
    live = settled(fleet, 3)
    assert (live["spec"]["replicas"], live["metadata"]["labels"]["tier"]) == (3, "web")
    assert "env" not in live["spec"]["template"]["spec"]["containers"][0]
    assert_nothing_to_do(fleet)


def test_replicas_are_gits_again_when_the_autoscaler_is_gone(fleet: Fleet) -> None:
    fleet.apps["web"].append(autoscaler())
    fleet.push()
    fleet.reconcile()
    until(lambda: web(fleet)["spec"]["replicas"] == 2, "the autoscaler raises to its minimum")
    fleet.apps["web"].pop()
    fleet.push("Without an autoscaler")
    assert fleet.reconcile().failures == {}
    assert_goes_back_to_git(fleet)


def assert_goes_back_to_git(fleet: Fleet) -> None:
    fleet.reconcile()
    assert web(fleet)["spec"]["replicas"] == 1


def test_a_controller_that_is_never_done_with_its_own_fields_is_no_drift(fleet: Fleet) -> None:
    fleet.push()
    fleet.reconcile()
    settled(fleet, 1)
    theirs = configmap("web-settings")
    theirs["metadata"]["namespace"] = fleet.namespace
    for number in range(5):
        theirs["data"] = {"seen": str(number)}
        theirs["metadata"]["annotations"] = {"restless.example.com/turn": str(number)}
        fleet.world.cluster.server_side_apply(theirs, field_manager="restless")
        assert_nothing_to_do(fleet)
    fleet.world.kubectl("patch", "configmap", "web-settings", "-p", '{"data":{"A":"by hand"}}')
    assert fleet.reconcile().failures == {}
    assert fleet.world.live("configmap", "web-settings")["data"] == {"A": "1", "seen": "4"}


def written(fleet: Fleet, before: dict[str, str]) -> set[str]:
    """Objects of ours that have another version than `before`."""
    now = fleet.resource_versions()
    return {name for name in now.keys() | before.keys() if now.get(name) != before.get(name)}


def test_a_controller_that_takes_a_field_of_git_is_named_and_never_fought(fleet: Fleet) -> None:
    fleet.push()
    fleet.reconcile()
    settled(fleet, 1)
    for number in range(5):
        fleet.world.kubectl(
            *("patch", "configmap", "web-settings", "--field-manager=restless"),
            *("-p", json.dumps({"data": {"A": f"theirs {number}"}})),
        )
        before = fleet.resource_versions()
        done = fleet.reconcile()
        assert done.failures == {}
        assert any("restless" in str(entry.managers) for entry in done.plan.drift.entries)
        # The first time our own entry lets the field go.
        assert done.changed == (1 if number == 0 else 0)
        assert number == 0 or written(fleet, before) <= {"ConfigMap/towpath-heals-web"}, "it is counted"
    assert fleet.world.live("configmap", "web-settings")["data"] == {"A": "theirs 4"}
