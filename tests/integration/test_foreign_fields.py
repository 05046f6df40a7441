"""Fields of other controllers: left where Git has not changed them, a conflict where Git itself has."""

import json
import re
import uuid
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, replace

import pytest

from tests.integration.manifests import configmap, definition, deployment, secret, service
from tests.integration.world import World
from towpath.engine.apply.foreign_fields import AppliedBefore
from towpath.engine.source.render import EarlierApp, Rendered
from towpath.errors import SyncError
from towpath.fields import pointer
from towpath.kube.apply_order import WAVE_ANNOTATION
from towpath.objects import Manifest

pytestmark = pytest.mark.integration


GROUP = f"g{uuid.uuid4().hex[:8]}.example.com"


TEXTS = {"type": "array", "x-kubernetes-list-type": "atomic", "items": {"type": "string"}}
ITEM = {"id": {"type": "string"}, "size": {"type": "integer"}, "tags": TEXTS}
LISTS = {
    "atomic": TEXTS,
    "whole": {
        "type": "object",
        "x-kubernetes-map-type": "atomic",
        "additionalProperties": {"type": "string"},
    },
    "keyed": {
        "type": "array",
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["id"],
        "items": {"type": "object", "required": ["id"], "properties": ITEM},
    },
}
"""Fields of the widgets whose lists and maps have a type."""


@pytest.fixture(scope="module")
def world(module_world: World) -> Iterator[World]:
    name = f"widgets.{GROUP}"
    kind = definition(GROUP)
    schema = kind["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    schema["properties"]["spec"]["properties"] = LISTS
    module_world.kubectl("apply", "--server-side", "-f", "-", text=json.dumps(kind))
    module_world.kubectl("wait", "--for=condition=Established", f"crd/{name}")
    yield module_world
    module_world.kubectl("delete", "crd", name, "--wait=false")


@dataclass
class Case:
    """`pointer` is what `manager` writes (`live`); Git then wants `git` there instead of the first value."""

    manifest: Manifest
    pointer: str
    live: object
    git: object
    manager: str = "some-controller"
    subresource: str = ""


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


def stateful(name: str) -> Manifest:
    made = {**workload(name), "kind": "StatefulSet"}
    made["spec"]["serviceName"] = name
    return made


def balanced(name: str, **spec: object) -> Manifest:
    made = service(name)
    made["spec"] |= spec
    return made


def with_arguments(name: str) -> Manifest:
    made = workload(name)
    made["spec"]["template"]["spec"]["containers"][0]["args"] = ["-v"]
    return made


def rules(name: str) -> Manifest:
    spec = {"podSelector": {"matchLabels": {"a": "b"}}, "policyTypes": ["Ingress"]}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": name},
        "spec": spec,
    }


def widget(name: str = "one", **more: object) -> Manifest:
    spec = {"size": "small", "colour": "red", **more}
    return {"apiVersion": f"{GROUP}/v1", "kind": "Widget", "metadata": {"name": name}, "spec": spec}


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
CASES |= {
    "a StatefulSet's replicas": Case(
        stateful("scaled"), "/spec/replicas", 2, 3, "stateful-scaler", subresource="scale"
    ),
    "a StatefulSet's image": Case(
        stateful("updated"), "/spec/template/spec/containers/0/image", "img:2", "img:3", "image-updater"
    ),
    "a Service's address": Case(
        balanced("address", type="LoadBalancer", loadBalancerIP="192.0.2.1"),
        *("/spec/loadBalancerIP", "192.0.2.2", "192.0.2.3", "lb-controller"),
    ),
    "a Service's source ranges": Case(
        balanced("ranges", type="LoadBalancer", loadBalancerSourceRanges=["192.0.2.0/24"]),
        *("/spec/loadBalancerSourceRanges", ["192.0.2.0/25"], ["192.0.2.0/26"], "lb-controller"),
    ),
    "a grown list": Case(
        balanced("grown", type="LoadBalancer", loadBalancerSourceRanges=["192.0.2.0/24"]),
        "/spec/loadBalancerSourceRanges",
        *(["192.0.2.0/24", "198.51.100.0/24"], ["192.0.2.0/26"], "lb-controller"),
    ),
    "a shrunk list": Case(
        widget("four", colour=["red", "blue"]), "/spec/colour", ["red"], ["green"], "list-operator"
    ),
    "an emptied list": Case(widget("five", colour=["red"]), "/spec/colour", [], ["green"], "list-operator"),
    "a grown list of objects": Case(
        widget("six", colour=[{"name": "a", "of": {"b": 1}}]),
        *("/spec/colour", [{"name": "a", "of": {"b": 1}}, {"name": "c"}], [{"name": "d"}], "list-operator"),
    ),
    "a field deep in a free map": Case(
        widget("seven", colour={"a": {"b": {"c": 1, "d": 2}}}), "/spec/colour/a/b/c", 3, 4, "map-operator"
    ),
    "a list declared atomic": Case(
        widget("eight", atomic=["a"]), "/spec/atomic", ["a", "b"], ["c"], "list-operator"
    ),
    "a map declared atomic": Case(
        widget("nine", whole={"a": "1"}), "/spec/whole", {"a": "1", "b": "2"}, {"c": "3"}, "map-operator"
    ),
    "a field in a keyed list": Case(
        widget("ten", keyed=[{"id": "x", "size": 1}, {"id": "y", "size": 2}]),
        *("/spec/keyed/1/size", 5, 6, "list-operator"),
    ),
    "a list in a keyed list": Case(
        widget("eleven", keyed=[{"id": "x", "tags": ["a"]}]),
        *("/spec/keyed/0/tags", ["a", "b"], ["c"], "list-operator"),
    ),
    "arguments of a container": Case(
        with_arguments("grown-args"),
        *("/spec/template/spec/containers/0/args", ["-v", "--more"], ["-q"], "injector"),
    ),
    "a selector in a rule": Case(
        rules("rules"), "/spec/podSelector", {"matchLabels": {"a": "b", "c": "d"}}, {}, "mesh"
    ),
    "a Service's target port": Case(service("target"), "/spec/ports/0/targetPort", 8081, 8082, "mesh"),
    "a custom resource": Case(widget(), "/spec/size", "large", "medium", "widget-operator"),
    "a value that became a map": Case(
        widget("two"), "/spec/size", {"min": 1, "max": {"of": "all"}}, "medium", "map-operator"
    ),
    "a value that became a list": Case(
        widget("three"), "/spec/colour", ["red", "blue"], "green", "list-operator"
    ),
}
CASES["a Service's type"].manifest["spec"]["sessionAffinity"] = "None"
CASES["a Service's type"].git = None


def put(manifest: Manifest, at: str, value: object) -> None:
    *steps, last = pointer.parse(at)
    parent = pointer.read(manifest, pointer.build(steps))
    parent[int(last) if isinstance(parent, list) else last] = value


def resource(manifest: Manifest) -> str:
    """As kubectl is asked for it: of `Widget` alone it may remember another test's group."""
    return f"widgets.{GROUP}" if manifest["kind"] == "Widget" else str(manifest["kind"].lower())


def takes(world: World, case: Case) -> None:
    """The controller writes its field, as an update of its own."""
    kind, name = resource(case.manifest), case.manifest["metadata"]["name"]
    patch = json.dumps([{"op": "replace", "path": case.pointer, "value": case.live}])
    options = [f"--subresource={case.subresource}"] if case.subresource else []
    arguments = ("patch", kind, name, "--type=json", "-p", patch, f"--field-manager={case.manager}")
    world.kubectl(*arguments, *options)


def before(world: World) -> AppliedBefore:
    return at_commits(world, {"c" * 40: world.rendered})


def at_commits(world: World, history: Mapping[str, Rendered]) -> AppliedBefore:
    """What a clone of the environment repository with these commits gives."""

    def render(commit: str) -> EarlierApp | None:
        return EarlierApp(history[commit], world.environment) if commit in history else None

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
    live = world.live(resource(case.manifest), case.manifest["metadata"]["name"])
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
    case = replace(case, manifest=manifest)
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
    live = world.live(resource(manifest), manifest["metadata"]["name"])
    assert pointer.read(live, case.pointer) == case.live


class History:
    """An app of several commits, each synced with what Git had before."""

    def __init__(self, world: World) -> None:
        self.world, self.commits = world, {"a" * 40: world.rendered}

    def sync(self, letter: str, *, fails: str = "") -> str:
        """Sync the world's objects as a new commit; `fails` is why it does."""
        commit = letter * 40
        self.commits[commit] = self.world.rendered
        before = at_commits(self.world, self.commits)
        if fails:
            with pytest.raises(SyncError, match=fails):
                self.world.sync(commit=commit, applied_before=before)
            return ""
        return self.world.sync(commit=commit, applied_before=before).summary()


def owned_by_two(world: World, name: str, suffix: str = "c") -> tuple[Case, Manifest]:
    """An app with a field that a controller has taken, beside an object that cannot be applied at will."""
    case = deepcopy(CASES[name])
    beside = service(f"beside-{suffix}-{list(CASES).index(name)}")
    world.app, world.objects = f"partly-{suffix}-{list(CASES).index(name)}", [case.manifest, beside]
    beside["metadata"]["annotations"] = {WAVE_ANNOTATION: "5"}
    case.manifest["metadata"]["name"] += f"-{suffix}"
    world.sync(commit="a" * 40)
    takes(world, case)
    return case, beside


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.git is not None])
def test_what_a_failed_sync_applied_is_compared_with_the_commit_of_that_sync(world: World, name: str) -> None:
    case, beside = owned_by_two(world, name)
    history = History(world)
    labels = case.manifest["metadata"].setdefault("labels", {})
    right = beside["spec"]["ports"][0]["port"]
    labels["step"], beside["spec"]["ports"][0]["port"] = "2", 99999
    history.sync("b", fails="beside")  # of the second commit, only the first object is applied
    labels["step"] = "3"
    history.sync("d", fails="beside")
    labels["step"], beside["spec"]["ports"][0]["port"] = "4", right
    assert history.sync("e").endswith(f"; 1 field left to {case.manager}")
    live = world.live(resource(case.manifest), case.manifest["metadata"]["name"])
    assert (pointer.read(live, case.pointer), live["metadata"]["labels"]["step"]) == (case.live, "4")
    assert world.inventory().commit == "e" * 40
    assert all(not owned.commit for owned in world.inventory().objects)
    labels["step"] = "5"
    if case.manifest["kind"] == "Secret":
        case.manifest.pop("stringData", None)
        case.manifest["data"] = {"T": case.git}
    else:
        put(case.manifest, case.pointer, case.git)
    history.sync("f", fails="Git changes fields that another field manager owns")


def test_a_failed_sync_that_is_repeated_writes_nothing(world: World) -> None:
    case, beside = owned_by_two(world, "a CA bundle", "d")
    history = History(world)
    case.manifest["data"]["more"], beside["spec"]["ports"][0]["port"] = "2", 99999
    history.sync("b", fails="beside")
    owned = world.inventory().by_ref
    assert [each.commit for ref, each in owned.items() if ref.kind == "ConfigMap"] == ["b" * 40]
    versions = world.versions()
    history.sync("d", fails="beside")  # another commit, the same content
    assert world.versions() == versions


def test_where_the_commit_of_the_last_apply_is_not_known_nothing_is_claimed_about_git(world: World) -> None:
    case, _ = owned_by_two(world, "a CA bundle", "e")
    case.manifest["data"]["more"] = "1"
    told = r"may have changed since its last apply \(commit aaaaaaa cannot be rendered here\): \.data\.CA"
    [planned] = [each for each in world.plan().entries if each.action == "skip"]
    assert re.search(told, planned.reason)
    with pytest.raises(SyncError, match=told):
        world.sync(commit="b" * 40)
    assert world.live("configmap", "bundle-e")["data"] == {"CA": "PEM"}
