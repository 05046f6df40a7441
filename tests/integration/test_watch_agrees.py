"""The metrics of a watcher and the next reconcile say the same, on the real API server."""

import json

import pytest

from tests.integration.manifests import configmap, deployment
from tests.integration.observed import Observed, observed
from tests.integration.running import RunningStack

pytestmark = pytest.mark.integration


def takes(environment: Observed, name: str, manager: str, **data: str) -> None:
    """A controller, or a person's tool, writes these fields."""
    patch = json.dumps({"data": data})
    environment.world.kubectl(
        "patch", "configmap", name, "--type=merge", "-p", patch, f"--field-manager={manager}"
    )


@pytest.mark.parametrize("mode", ["heal", "report"])
def test_a_field_that_is_left_to_a_controller_is_no_drift(stack: RunningStack, mode: str) -> None:
    with observed(stack, drift=mode) as environment:
        takes(environment, "c0", "cainjector", a="theirs")
        takes(environment, "c0", "cainjector", a="theirs again")
        environment.agree_on({"app": (0, True)})
        assert environment.status("app") == "synced, 1 field left to cainjector"
        takes(environment, "c1", "cainjector", b="theirs", c="more")
        takes(environment, "c1", "other-controller", a="another's")
        environment.agree_on({"app": (0, True)})
        takes(environment, "c0", "kubectl-edit", b="a person's")
        environment.agree_on({"app": (1, False)})
        environment.reconcile()
        environment.agree_on({"app": (0, True)} if mode == "heal" else {"app": (1, False)})


def test_a_sync_beside_a_controller_leaves_the_metric_as_it_was(stack: RunningStack) -> None:
    with observed(stack) as environment:
        takes(environment, "c0", "cainjector", a="theirs")
        environment.agree_on({"app": (0, True)})
        environment.push(
            {"app": [configmap("c0", a="1", b="new"), *(configmap(f"c{n}", a="1", b="2") for n in (1, 2))]}
        )
        environment.agree_on({"app": (0, False)})
        environment.reconcile()
        environment.agree_on({"app": (0, True)})
        assert environment.status("app") == "synced, 1 field left to cainjector"


def test_a_field_that_its_controller_gave_up_or_has_as_in_git(stack: RunningStack) -> None:
    with observed(stack) as environment:
        takes(environment, "c0", "cainjector", a="theirs")
        environment.agree_on({"app": (0, True)})
        takes(environment, "c0", "cainjector", a="1")
        environment.agree_on({"app": (0, True)})
        assert environment.status("app") == "in sync"
        environment.world.kubectl(
            "patch", "configmap", "c0", "--type=json", "--field-manager=cainjector",
            "-p", json.dumps([{"op": "remove", "path": "/data/a"}]),
        )  # fmt: skip
        environment.agree_on({"app": (1, False)})
        environment.runner.held = False
        environment.agree_on({"app": (0, True)})
        assert environment.world.live("configmap", "c0")["data"] == {"a": "1", "b": "2"}


def autoscaler(name: str, target: str) -> str:
    return json.dumps(
        {
            "apiVersion": "autoscaling/v2",
            "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": name},
            "spec": {
                "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": target},
                "maxReplicas": 3,
            },
        }
    )


def test_an_autoscaler_that_comes_and_goes_by_hand_changes_what_git_wants(stack: RunningStack) -> None:
    workload = deployment("web")
    workload["spec"]["replicas"] = 0
    with observed(stack, {"app": [workload]}) as environment:
        environment.agree_on({"app": (0, True)})
        environment.world.kubectl("apply", "--server-side", "-f", "-", text=autoscaler("web", "web"))
        environment.agree_on({"app": (0, False)})
        environment.reconcile()
        environment.agree_on({"app": (0, True)})
        environment.world.kubectl("patch", "hpa", "web", "--type=merge", "-p", '{"spec": {"maxReplicas": 5}}')
        environment.world.kubectl("apply", "--server-side", "-f", "-", text=autoscaler("no", "nothing"))
        environment.agree_on({"app": (0, True)})
        environment.world.kubectl("delete", "hpa", "web")
        environment.agree_on({"app": (0, False)})
        environment.runner.held = False
        environment.agree_on({"app": (0, True)})


def test_a_namespace_that_is_gone_is_drift_of_all_that_git_has_in_it(stack: RunningStack) -> None:
    with observed(stack, drift="report") as environment:
        environment.agree_on({"app": (0, True)})
        environment.world.kubectl("delete", "namespace", environment.world.namespace, "--wait=true")
        environment.agree_on({"app": (4, False)})
        assert environment.status("app") == "drift allowed: 4 objects"
        environment.world.kubectl("create", "namespace", environment.world.namespace)
        environment.agree_on({"app": (0, False)})


def test_a_namespace_that_is_being_deleted(stack: RunningStack) -> None:
    held = configmap("c0", a="1")
    held["metadata"]["finalizers"] = ["example.com/held"]
    with observed(stack, {"app": [held], "other": [configmap("o", a="1")]}, drift="report") as environment:
        environment.world.kubectl("delete", "namespace", environment.world.namespace, "--wait=false")
        try:
            environment.agree_on({"app": (2, False), "other": (2, False)})
        finally:
            environment.world.kubectl(
                "patch", "configmap", "c0", "--type=merge", "-p", '{"metadata": {"finalizers": null}}'
            )


def test_a_namespace_that_an_app_declares_comes_back(stack: RunningStack) -> None:
    with observed(stack) as environment:
        namespace = {
            "apiVersion": "v1", "kind": "Namespace", "metadata": {"name": environment.world.namespace}
        }  # fmt: skip
        environment.push({"app": [namespace, configmap("c0", a="1")]})
        environment.reconcile()
        environment.agree_on({"app": (0, True)})
        environment.world.kubectl("delete", "namespace", environment.world.namespace, "--wait=true")
        environment.agree_on({"app": (3, False)})
        environment.runner.held = False
        environment.agree_on({"app": (0, True)})
