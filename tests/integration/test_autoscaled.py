"""What an autoscaler scales: the field that the definition names is the autoscaler's, wherever it is."""

import json
import time
import uuid
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from tests.integration.manifests import definition, deployment
from tests.integration.world import World
from towpath.adapters.kubernetes import ApiRefusedError
from towpath.engine.live.app_state import owner_of
from towpath.engine.reconcile.detect import inspect
from towpath.fields import pointer
from towpath.objects import Manifest, ObjectRef

pytestmark = pytest.mark.integration


@dataclass
class Case:
    """The paths of each version's scale subresource, and the version and field that Git has."""

    paths: dict[str, str] = field(default_factory=lambda: {"v1": ".spec.size"})
    version: str = "v1"
    at: str = "/spec/size"


CASES = {
    "a size": Case(),
    "a nested field": Case({"v1": ".spec.pool.workers.count"}, at="/spec/pool/workers/count"),
    "replicas": Case({"v1": ".spec.replicas"}, at="/spec/replicas"),
    "an older version in Git": Case({"v1": ".spec.size", "v1beta1": ".spec.size"}, "v1beta1"),
    "another path per version": Case({"v1": ".spec.size", "v1beta1": ".spec.nodes"}, "v1beta1", "/spec/size"),
}


def scalable(group: str, paths: dict[str, str]) -> Manifest:
    """A definition whose versions have these scale paths; the first one is stored."""
    made = definition(group)
    [first] = made["spec"]["versions"]
    made["spec"]["versions"] = [
        {
            **deepcopy(first),
            "name": name,
            "storage": index == 0,
            "subresources": {
                "scale": {"specReplicasPath": path, "statusReplicasPath": ".status.replicas"}, "status": {}
            },
        }
        for index, (name, path) in enumerate(paths.items())
    ]  # fmt: skip
    return made


def widget(group: str, version: str, at: str, value: int = 1) -> Manifest:
    spec: Any = value
    for step in reversed(pointer.parse(at)):
        spec = {step: spec}
    spec["spec"]["colour"] = "red"
    return {"apiVersion": f"{group}/{version}", "kind": "Widget", "metadata": {"name": "one"}, **spec}


def autoscaler(group: str, kind: str = "Widget", name: str = "one", version: str = "v1") -> Manifest:
    target = {"apiVersion": f"{group}/{version}", "kind": kind, "name": name}
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": name},
        # It has no metrics here: it only raises what is below its minimum.
        "spec": {"scaleTargetRef": target, "minReplicas": 3, "maxReplicas": 9},
    }


@pytest.fixture
def group(world: World) -> Iterator[str]:
    """An API group of the test's own, with `Widget` in it as soon as somebody defines it."""
    group = f"g{uuid.uuid4().hex[:8]}.example.com"
    world.settings["allowClusterScoped"] = ["Namespace", "CustomResourceDefinition"]
    yield group
    world.kubectl("delete", "crd", f"widgets.{group}", "--ignore-not-found", "--wait=false")


def defined(world: World, made: Manifest) -> None:
    """Somebody else's definition: live, and in none of the app's files."""
    world.kubectl("apply", "--server-side", "-f", "-", text=json.dumps(made))
    world.kubectl("wait", "--for=condition=Established", f"crd/{made['metadata']['name']}")
    world.cluster.discover(refresh=True)


def scale(world: World, resource: str, size: int) -> None:
    """As an autoscaler does it."""
    patch = json.dumps({"spec": {"replicas": size}})
    world.kubectl(
        *("patch", resource, "one", "--subresource=scale", "--type=merge", "-p", patch),
        "--field-manager=kube-controller-manager",
    )


def settles(world: World) -> None:
    assert world.drift().entries == ()
    assert [entry.action for entry in world.plan().entries if entry.action != "unchanged"] == []
    before = world.versions()
    assert world.sync().changes == ()
    assert world.versions() == before


def value(world: World, group: str, at: str) -> object:
    return pointer.read(world.live(f"widgets.{group}", "one"), at)


@pytest.mark.parametrize("where", ["in the app", "only live"])
@pytest.mark.parametrize("name", CASES)
def test_what_is_scaled_is_the_autoscalers(world: World, group: str, name: str, where: str) -> None:
    case = CASES[name]
    made = scalable(group, case.paths)
    world.objects = [widget(group, case.version, case.at), autoscaler(group)]
    if where == "in the app":
        world.objects.append(made)
    else:
        defined(world, made)
    world.sync()
    assert value(world, group, case.at) == 1, "the first value is Git's"
    settles(world)
    scale(world, f"widgets.v1.{group}", 5)
    settles(world)
    world.objects[0]["spec"]["colour"] = "blue"
    assert [(each.ref.kind, each.result) for each in world.sync().changes] == [("Widget", "configured")]
    assert value(world, group, "/spec/colour") == "blue"
    scaled_at = pointer.build(case.paths["v1"].strip(".").split("."))
    assert value(world, group, scaled_at) == 5
    settles(world)


def test_the_real_autoscaler_and_a_sync_live_together(world: World, group: str) -> None:
    """As before its path was known: Git owned the field, the autoscaler took it."""
    world.objects = [scalable(group, {"v1": ".spec.size"}), widget(group, "v1", "/spec/size")]
    world.sync()
    assert value(world, group, "/spec/size") == 1
    world.objects.append(autoscaler(group))
    world.sync()
    deadline = time.monotonic() + 90
    while value(world, group, "/spec/size") != 3:
        assert time.monotonic() < deadline, "the autoscaler raises to its minimum"
        time.sleep(0.5)
    settles(world)
    world.kubectl("label", f"widgets.{group}", "one", "by=hand")
    [entry] = world.drift().entries
    assert [each.pointer for each in entry.differences] == ["/metadata/labels/by"]
    world.sync()
    assert value(world, group, "/spec/size") == 3
    world.objects = world.objects[:2]
    world.sync()
    world.sync()
    assert value(world, group, "/spec/size") == 1, "without an autoscaler it is Git's again"
    settles(world)


def test_an_autoscaler_that_only_lives(world: World, group: str) -> None:
    world.objects = [scalable(group, {"v1": ".spec.size"}), widget(group, "v1", "/spec/size")]
    world.sync()
    world.kubectl("create", "-f", "-", text=json.dumps(autoscaler(group)))
    scale(world, f"widgets.{group}", 4)
    world.sync()
    assert value(world, group, "/spec/size") == 4
    settles(world)


def test_without_the_right_to_read_definitions(
    world: World, group: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    defined(world, scalable(group, {"v1": ".spec.size"}))
    get = world.cluster.get

    def refused(ref: ObjectRef, **options: Any) -> Manifest | None:
        if ref.kind == "CustomResourceDefinition":
            raise ApiRefusedError(f"get {ref}", status=403, reason="forbidden")
        return get(ref, **options)

    monkeypatch.setattr(world.cluster, "get", refused)
    world.objects = [widget(group, "v1", "/spec/size"), autoscaler(group)]
    world.sync()
    settles(world)
    scale(world, f"widgets.{group}", 5)
    world.sync()
    assert value(world, group, "/spec/size") == 5
    settles(world)
    world.objects[0]["spec"]["colour"] = "blue"
    world.sync()
    assert value(world, group, "/spec/size") == 5
    settles(world)


def test_keda_scales_before_its_autoscaler_lives(world: World, group: str) -> None:
    """What it scales is told by its form: here another group has the kind `ScaledObject`."""
    made = definition(group)
    made["spec"]["names"] = {"kind": "ScaledObject", "plural": "widgets", "singular": "widget"}
    spec = {"scaleTargetRef": {"name": "hello"}, "triggers": [{"type": "cron"}]}
    scaled = {"apiVersion": f"{group}/v1", "kind": "ScaledObject", "metadata": {"name": "s"}, "spec": spec}
    world.objects = [made, deployment(replicas=0), scaled]
    world.sync()
    world.kubectl("scale", "deployment/hello", "--replicas=2")
    settles(world)
    assert world.live("deployment", "hello")["spec"]["replicas"] == 2


def test_a_definition_that_comes_with_another_app_in_the_same_run(world: World, group: str) -> None:
    kinds, app = world, replace(world, app="scaled", objects=[widget(group, "v1", "/spec/size")])
    kinds.objects, app.settings = [scalable(group, {"v1": ".spec.size"})], kinds.settings
    app.objects.append(autoscaler(group))
    seen = inspect(world.cluster, world.environment, [kinds.rendered, app.rendered])
    states = {each.app: seen.state_of(owner_of(each)) for each in (kinds.rendered, app.rendered)}
    assert states["scaled"] is None, "what scales it is told by a definition that nobody could read yet"
    kinds.sync(app_state=states[kinds.app])
    app.sync(app_state=states["scaled"])
    scale(world, f"widgets.{group}", 5)
    before = app.versions()
    assert app.sync().changes == ()
    assert app.versions() == before
    assert inspect(world.cluster, world.environment, [kinds.rendered, app.rendered]).report.entries == ()
