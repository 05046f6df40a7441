"""Fields of other controllers: left where Git has not changed them, a conflict where Git itself has."""

import json
from copy import deepcopy
from dataclasses import dataclass, field

import pytest

from tests.integration.manifests import configmap, deployment, secret, service
from tests.integration.world import World
from towpath.engine.source.render import Rendered
from towpath.errors import SyncError
from towpath.kube import pointer
from towpath.objects import Manifest

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def world(module_world: World) -> World:
    return module_world


@dataclass
class Case:
    """`pointer` is what `manager` writes (`live`); Git then wants `git` there instead of the first value."""

    manifest: Manifest
    pointer: str
    live: object
    git: object
    manager: str = "some-controller"
    subresource: list[str] = field(default_factory=list)


def workload(name: str) -> Manifest:
    made = deployment(name)
    made["spec"]["replicas"] = 1
    return made


def ingress_class() -> Manifest:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": "web", "annotations": {"lb": "none"}},
        "spec": {"defaultBackend": {"service": {"name": "web", "port": {"number": 80}}}},
    }


def quota() -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "quota"},
        "spec": {"hard": {"pods": "10"}},
    }


def budget() -> Manifest:
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "budget"},
        "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "x"}}},
    }


CASES = {
    "a CA bundle": Case(configmap("bundle", CA="none"), "/data/CA", "PEM", "other", "cainjector"),
    "a Secret's placeholder": Case(secret("filled", T="fill-me"), "/data/T", "eHl6", "YWJj", "filler"),
    "replicas": Case(workload("scaled"), "/spec/replicas", 2, 3, "scaler"),
    "an image": Case(
        workload("updated"), "/spec/template/spec/containers/0/image", "img:2", "img:3", "image-updater"
    ),
    "an annotation": Case(ingress_class(), "/metadata/annotations/lb", "lb-1", "lb-2", "lb-controller"),
    "a quantity": Case(quota(), "/spec/hard/pods", "20", "30", "sizer"),
    "a number": Case(budget(), "/spec/minAvailable", 2, 3, "balancer"),
    "a Service's type": Case(service("typed"), "/spec/sessionAffinity", "ClientIP", "None", "lb-controller"),
}
CASES["a Service's type"].manifest["spec"]["sessionAffinity"] = "None"
CASES["a Service's type"].git = None


def put(manifest: Manifest, at: str, value: object) -> None:
    *steps, last = pointer.parse(at)
    parent = pointer.read(manifest, pointer.build(steps))
    parent[last] = value


def takes(world: World, case: Case) -> None:
    """The controller writes its field, as an update of its own."""
    kind, name = case.manifest["kind"].lower(), case.manifest["metadata"]["name"]
    patch = json.dumps([{"op": "replace", "path": case.pointer, "value": case.live}])
    arguments = ("patch", kind, name, "--type=json", "-p", patch, f"--field-manager={case.manager}")
    world.kubectl(*arguments)


def before(world: World) -> object:
    old = world.rendered

    def render(commit: str) -> Rendered | None:
        return old if commit == "c" * 40 else None

    return render


@pytest.mark.parametrize("name", CASES)
def test_a_field_that_git_has_not_changed_is_left(world: World, name: str) -> None:
    case = CASES[name]
    other = configmap(f"other-{list(CASES).index(name)}", A="1")
    world.app, world.objects = f"left-{list(CASES).index(name)}", [deepcopy(case.manifest), other]
    world.sync()
    takes(world, case)
    [entry] = [each for each in world.drift().entries if each.app == world.app]
    assert entry.left_to == f"1 field left to {case.manager}"
    assert [each.pointer for each in entry.differences] == [case.pointer]
    assert case.manager in [each.manager for each in entry.managers]
    earlier = before(world)
    world.objects[0]["metadata"].setdefault("labels", {})["new"] = "yes"
    world.objects[1]["data"]["A"] = "2"
    [planned] = [each for each in world.plan(applied_before=earlier).entries if each.reason]
    assert (planned.action, case.manager in planned.reason) == ("configure", True)
    result = world.sync(applied_before=earlier)
    assert result.summary().endswith(f"; 1 field left to {case.manager}")
    live = world.live(case.manifest["kind"], case.manifest["metadata"]["name"])
    assert pointer.read(live, case.pointer) == case.live
    assert live["metadata"]["labels"]["new"] == "yes"
    assert world.live("configmap", other["metadata"]["name"])["data"] == {"A": "2"}
    assert world.sync(commit="d" * 40).summary().endswith(f"2 unchanged; 1 field left to {case.manager}")


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.git is not None])
def test_only_the_object_whose_field_git_changes_fails(world: World, name: str) -> None:
    case = CASES[name]
    index = list(CASES).index(name)
    other, manifest = configmap(f"beside-{index}", A="1"), deepcopy(case.manifest)
    manifest["metadata"]["name"] += "-b"
    world.app, world.objects = f"conflict-{index}", [manifest, other]
    case = Case(manifest, case.pointer, case.live, case.git, case.manager)
    world.sync()
    takes(world, case)
    earlier = before(world)
    if manifest["kind"] == "Secret":
        manifest.pop("stringData", None)
        manifest["data"] = {"T": case.git}
    else:
        put(manifest, case.pointer, case.git)
    other["data"]["A"] = "2"
    with pytest.raises(SyncError, match="Git changes fields that another field manager owns") as refused:
        world.sync(applied_before=earlier)
    assert case.manager in refused.value.message
    assert world.live("configmap", other["metadata"]["name"])["data"] == {"A": "2"}
    live = world.live(manifest["kind"], manifest["metadata"]["name"])
    assert pointer.read(live, case.pointer) == case.live
