"""The metrics of a watcher and the next reconcile say the same, on the real API server."""

import json

import pytest

from tests.integration.manifests import configmap
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
