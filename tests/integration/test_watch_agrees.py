"""The metrics of a watcher and the next reconcile say the same, on the real API server."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from tests.integration.manifests import configmap, definition, deployment
from tests.integration.observed import Observed, observed
from tests.integration.running import RunningStack
from towpath.adapters.kubernetes import connect
from towpath.engine.apply.crd_wait import wait_established
from towpath.engine.watch import informers
from towpath.formats.versions import V1
from towpath.gates.pause import Pause, dump_pauses, pause_path
from towpath.objects import Manifest, ref_of

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


def three(*more: Manifest) -> list[Manifest]:
    return [*(configmap(f"c{number}", a="1", b="2") for number in range(3)), *more]


def test_two_apps_that_have_the_same_object(stack: RunningStack) -> None:
    with observed(stack, {"one": three(), "two": [configmap("o", a="1")]}) as environment:
        environment.push({"one": three(), "two": [configmap("o", a="1"), configmap("c0", a="another")]})
        environment.agree_on({"one": (0, True), "two": (0, False)})
        done = environment.reconcile()
        assert "belongs to app one" in done.failures["two"]
        environment.agree_on({"one": (0, True), "two": (0, False)})
        takes(environment, "c0", "kubectl-edit", a="a person's")
        environment.agree_on({"one": (1, False), "two": (0, False)})
        environment.push({"one": three()[1:], "two": [configmap("o", a="1"), configmap("c0", a="another")]})
        environment.agree_on({"one": (0, False), "two": (0, False)})
        environment.reconcile()
        environment.reconcile()
        environment.agree_on({"one": (0, True), "two": (0, True)})
        assert environment.world.live("configmap", "c0")["data"] == {"a": "another"}


@pytest.mark.parametrize("mode", ["report", "prune", "ignore"])
def test_extras_are_no_apps_drift(stack: RunningStack, mode: str) -> None:
    with observed(stack, extras={"ConfigMap": mode}) as environment:
        environment.world.kubectl("create", "configmap", "extra", "--from-literal=a=1")
        environment.agree_on({"app": (0, True)})
        plan = environment.look()
        assert [entry.ref.name for entry in plan.drift.extras] == ["extra"] * (mode != "ignore")
        assert plan.clears_extras is (mode == "prune")
        environment.reconcile()
        environment.agree_on({"app": (0, True)})
        assert environment.status("app") == "in sync"


def test_what_left_git_and_waits_or_is_kept(stack: RunningStack) -> None:
    kept = configmap("kept", a="1")
    kept["metadata"]["annotations"] = {"towpath.dev/prune": "disabled"}
    with observed(stack, {"app": three(kept)}) as environment:
        never = deployment("never", replicas=1)
        environment.push({"app": [*three()[1:], never]}, timeout="2s")
        environment.agree_on({"app": (0, False)})
        assert environment.reconcile().failures
        environment.agree_on({"app": (0, True)})
        kinds = {entry.ref.name: entry.kind for entry in environment.look().drift.entries}
        assert kinds == {"c0": "waiting", "kept": "kept"}
        assert environment.status("app") == "in sync, 1 to delete"
        takes(environment, "c0", "kubectl-edit", a="a person's")
        takes(environment, "kept", "kubectl-edit", a="a person's")
        environment.agree_on({"app": (0, True)})
        environment.push({"app": three()[1:]})
        environment.agree_on({"app": (0, False)})
        environment.reconcile()
        environment.agree_on({"app": (0, True)})
        assert environment.world.kubectl("get", "configmap", "c0", "--ignore-not-found") == ""


def test_a_paused_app_is_counted_as_it_is(stack: RunningStack) -> None:
    with observed(stack, {"app": three(), "other": [configmap("o", a="1")]}) as environment:
        pause = Pause("app", (datetime.now(UTC) + timedelta(hours=1)).isoformat(), "an incident", "ana")
        environment.commit(pause_path("observed"), dump_pauses([pause], V1) or "")
        takes(environment, "c0", "kubectl-edit", a="a person's")
        takes(environment, "c1", "cainjector", a="theirs")
        environment.agree_on({"app": (1, False), "other": (0, True)})
        environment.runner.held = False
        environment.agree_on({"app": (1, False), "other": (0, True)})
        assert environment.status("app") == "paused, drifted: 1 object"


def test_fields_of_an_ignored_manager(stack: RunningStack) -> None:
    rules = [{"kind": "ConfigMap", "manager": "filler"}, {"kind": "ConfigMap", "pointer": "/data/free"}]
    with observed(stack, ignore=rules) as environment:
        takes(environment, "c0", "filler", a="theirs", c="more")
        takes(environment, "c1", "kubectl-edit", free="anything")
        environment.agree_on({"app": (0, True)})
        assert environment.status("app") == "in sync"
        takes(environment, "c0", "cainjector", b="theirs")
        environment.agree_on({"app": (0, True)})
        assert environment.status("app") == "synced, 1 field left to cainjector"
        takes(environment, "c1", "kubectl-edit", a="a person's")
        environment.agree_on({"app": (1, False)})
        environment.runner.held = False
        environment.agree_on({"app": (0, True)})


@contextmanager
def scaled_objects(stack: RunningStack) -> Iterator[None]:
    """The definition of KEDA's kind, as far as an autoscaler of it goes; KEDA itself does not run."""
    cluster = connect(str(stack.settings.kubeconfig))
    made = definition("keda.sh")
    made["metadata"]["name"] = "scaledobjects.keda.sh"
    made["spec"]["names"] = {"kind": "ScaledObject", "plural": "scaledobjects", "singular": "scaledobject"}
    cluster.create(made)
    try:
        wait_established(cluster, ref_of(made))
        yield
    finally:
        cluster.delete(ref_of(made))


def test_a_scaled_object_that_comes_and_goes_by_hand(
    stack: RunningStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(informers, "UNREAD_PAUSE", 1.0)
    workload = deployment("web")
    workload["spec"]["replicas"] = 0
    scaled = {
        "apiVersion": "keda.sh/v1", "kind": "ScaledObject", "metadata": {"name": "web"},
        "spec": {"scaleTargetRef": {"name": "web"}},
    }  # fmt: skip
    with observed(stack, {"app": [workload]}) as environment, scaled_objects(stack):
        environment.agree_on({"app": (0, True)})
        environment.world.kubectl("apply", "--server-side", "-f", "-", text=json.dumps(scaled))
        environment.agree_on({"app": (0, False)})
        environment.reconcile()
        environment.agree_on({"app": (0, True)})
        environment.world.kubectl("delete", "scaledobject", "web")
        environment.agree_on({"app": (0, False)})
