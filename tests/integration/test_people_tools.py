"""Edits by people's tools: each object is edited by another one, and each is told with its own name."""

import json

import pytest

from tests.integration.manifests import configmap
from tests.integration.world import World

pytestmark = pytest.mark.integration

KNOWN = (
    *("kubectl-edit", "kubectl.exe", "kubectl1.31", "kubectl-1.31-patch", "kubectl_v1.35.1", "oc", "oc.exe"),
    *("k9s", "K9s", "Lens", "node-fetch", "freelens", "Headlamp 0.30.0 (linux", "headlamp-server", "rancher"),
    *("dashboard-api", "Mozilla", "GoogleCloudConsole", "podman-desktop", "lfk:ann"),
)
NAMED = ("corp-console", "Corp-Console", "corp-console.exe", "corp-console-2.4", "ops-script")
CONTROLLERS = ("rancher-webhook", "headlamp-operator", "kubectlx", "ops-scripts", "unknown")


@pytest.fixture
def world(world: World) -> World:
    world.objects = [configmap(f"c{index}", A="1") for index in range(len((*KNOWN, *NAMED, *CONTROLLERS)))]
    world.settings["peopleTools"] = ["corp-console", "ops-script"]
    world.sync()
    return world


def edit(world: World, index: int, manager: str, data: dict[str, str]) -> None:
    patch = json.dumps({"data": data})
    world.kubectl("patch", "configmap", f"c{index}", "-p", patch, f"--field-manager={manager}")


@pytest.mark.parametrize(
    ("data", "drifts"),
    [({"A": "2"}, True), ({"B": "2"}, False), ({"A": "2", "B": "2"}, True)],
    ids=["an owned value", "a new key", "both"],
)
def test_each_edit_has_the_name_of_its_tool(world: World, data: dict[str, str], *, drifts: bool) -> None:
    """`drifts`: an owned field is missed whoever took it."""
    managers = (*KNOWN, *NAMED, *CONTROLLERS)
    for index, manager in enumerate(managers):
        edit(world, index, manager, data)
    entries = {entry.ref.name: entry for entry in world.drift().entries}
    for index, manager in enumerate(managers):
        name, personal = f"c{index}", manager not in CONTROLLERS
        if not personal and not drifts:
            assert name not in entries, manager
            continue
        entry = entries[name]
        assert entry.kind == "modified"
        assert [who.manager for who in entry.managers] == [manager]
        assert {who.manager for _, who in entry.attributed if who} == {manager}
        assert bool(entry.left_to) is not personal
    changed = {each.ref.name for each in world.sync().changes}
    personal_names = {f"c{index}" for index, manager in enumerate(managers) if manager not in CONTROLLERS}
    assert personal_names <= changed
    for index, manager in enumerate(managers):
        now = world.live("configmap", f"c{index}")["data"]
        assert now == ({"A": "1"} if manager not in CONTROLLERS else {"A": "1", **data}), manager


def test_several_tools_on_one_object_are_told_field_by_field(world: World) -> None:
    tools = ("kubectl-edit", "k9s", "corp-console", "Headlamp 0.30.0 (linux")
    for index, manager in enumerate(tools):
        edit(world, 0, manager, {f"K{index}": "x"})
    edit(world, 0, "ops-script", {"A": "2"})
    [entry] = world.drift().entries
    by_field = {each.pointer: who.manager for each, who in entry.attributed if who}
    assert by_field == {f"/data/K{index}": tool for index, tool in enumerate(tools)} | {
        "/data/A": "ops-script"
    }
    world.sync()
    assert world.live("configmap", "c0")["data"] == {"A": "1"}
    assert world.drift().entries == ()


def test_a_tool_that_is_named_later_is_found_then(world: World) -> None:
    edit(world, 0, "night-job", {"B": "2"})
    assert world.drift().entries == ()
    world.settings["peopleTools"] = ["Night-Job"]
    [entry] = world.drift().entries
    assert [who.manager for who in entry.managers] == ["night-job"]
    world.sync()
    assert world.live("configmap", "c0")["data"] == {"A": "1"}
