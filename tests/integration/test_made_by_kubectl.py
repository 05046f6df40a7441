"""Objects that people made with kubectl: taken over by the first sync, undeclared, as the plan says."""

import json
from copy import deepcopy

import pytest

from tests.integration.manifests import configmap, deployment, role, service
from tests.integration.world import World
from towpath.objects import Manifest

pytestmark = pytest.mark.integration
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
WAYS = {
    # how it is made: kubectl's arguments, and the manager
    "apply": (("apply", "-f", "-"), "kubectl-client-side-apply"),
    "apply on the server": (("apply", "--server-side", "-f", "-"), "kubectl"),
    "create": (("create", "-f", "-"), "kubectl-create"),
    "another name": (("apply", "-f", "-", "--field-manager=kubectl.exe"), "kubectl.exe"),
}
OBJECTS = {
    "ConfigMap": (configmap("hello", A="1"), ("data",), "OLD"),
    "Deployment": (deployment(), ("metadata", "annotations"), "OLD"),
    "Service": (service(), ("spec", "selector"), "OLD"),
    "Role": (role(), ("metadata", "labels"), "OLD"),
}


@pytest.fixture(scope="module")
def world(module_world: World) -> World:
    return module_world


def inside(manifest: Manifest, at: tuple[str, ...]) -> dict[str, str]:
    for step in at:
        manifest = manifest.setdefault(step, {})
    return manifest


def managers(live: Manifest) -> set[str]:
    return {e["manager"] for e in live["metadata"]["managedFields"] if not e.get("subresource")}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", OBJECTS)
def test_what_a_person_made_becomes_as_git_wants_it(world: World, kind: str, way: str) -> None:
    arguments, manager = WAYS[way]
    wanted, at, old = deepcopy(OBJECTS[kind])
    name = f"{kind.lower()}-{list(WAYS).index(way)}"
    wanted["metadata"]["name"], world.app, world.objects = name, name, [wanted]
    inside(wanted, at)["keep"] = "1"
    made = deepcopy(wanted)
    inside(made, at)[old] = "x"
    world.kubectl(*arguments, text=json.dumps(made))
    uid = world.live(kind, name)["metadata"]["uid"]

    [planned] = world.plan().entries
    assert (planned.action, planned.reason) == ("configure", f"taken over from {manager}")
    assert f"/{'/'.join(at)}/{old}" in [each.pointer for each in planned.differences]
    [done] = world.sync().changes
    assert (done.result, done.message) == ("configured", f"taken over from {manager}")

    live = world.live(kind, name)
    assert (live["metadata"]["uid"], old in inside(live, at), inside(live, at)["keep"]) == (uid, False, "1")
    assert LAST_APPLIED not in live["metadata"].get("annotations", {})
    versions = world.versions()
    assert world.sync().changes == ()
    assert world.versions() == versions
    assert {each.reason for each in world.plan().entries} == {""}

    del inside(wanted, at)["keep"]  # Git drops what both have set
    world.sync(commit="d" * 40)
    assert "keep" not in inside(world.live(kind, name), at)


def test_what_a_person_applies_later_is_drift_and_no_take_over(world: World) -> None:
    world.app, world.objects = "later", [configmap("later", A="1")]
    world.sync()
    world.kubectl("apply", "-f", "-", text=json.dumps(configmap("later", A="2", B="3")))
    [entry] = [each for each in world.drift().entries if each.app == world.app]
    assert "kubectl-client-side-apply" in [each.manager for each in entry.managers]
    assert [each.reason for each in world.plan().entries] == [""]
    [done] = world.sync().changes
    assert (done.message, world.live("configmap", "later")["data"]) == ("", {"A": "1"})


def test_other_controllers_keep_what_they_own_of_it(world: World) -> None:
    world.app, world.objects = "beside", [configmap("beside", A="1")]
    world.kubectl("apply", "-f", "-", text=json.dumps(configmap("beside", A="1", B="2")))
    world.kubectl("annotate", "configmap", "beside", "owner=ca", "--field-manager=cainjector")
    world.sync()
    live = world.live("configmap", "beside")
    assert (live["data"], live["metadata"]["annotations"]) == ({"A": "1"}, {"owner": "ca"})
