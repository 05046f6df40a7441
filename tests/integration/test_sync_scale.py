"""Two thousand objects: the first sync, a second one that writes nothing, and a prune of some."""

import pytest

from tests.integration.manifests import configmap
from tests.integration.world import World
from towpath.applyset.inventory import PART_OF_LABEL, Owner
from towpath.engine.live.observe import read_inventory
from towpath.objects import Manifest

pytestmark = pytest.mark.integration

OBJECTS = 2000
LEFT = 1700


@pytest.fixture
def objects() -> list[Manifest]:
    return [configmap(f"c-{number:04}", A="1", B="b" * 100) for number in range(OBJECTS)]


def versions(world: World) -> dict[str, str]:
    """Every ConfigMap of the namespace, the inventory too, with what a write would change."""
    live = world.cluster.list("", "ConfigMap", world.namespace, metadata_only=True)
    return {each["metadata"]["name"]: each["metadata"]["resourceVersion"] for each in live}


def owned_and_live(world: World) -> tuple[set[str], set[str]]:
    owner = Owner(world.app, "test", world.namespace)
    label = f"{PART_OF_LABEL}={owner.applyset}"
    live = world.cluster.list("", "ConfigMap", world.namespace, labels=label, metadata_only=True)
    inventory, _ = read_inventory(world.cluster, owner)
    assert inventory
    assert all(each.uid and each.fingerprint for each in inventory.objects), "each was confirmed"
    return {each.ref.name for each in inventory.objects}, {each["metadata"]["name"] for each in live}


def test_created_left_alone_and_pruned(world: World) -> None:
    assert world.sync().summary() == f"hello in test: {OBJECTS} created"
    names = {each["metadata"]["name"] for each in world.objects}
    assert owned_and_live(world) == (names, names)

    before = versions(world)
    assert world.sync().summary() == f"hello in test: {OBJECTS} unchanged"
    assert versions(world) == before, "nothing was written, not even the inventory"
    assert world.drift().entries == ()

    world.objects = world.objects[:LEFT]
    result = world.sync()
    assert result.summary() == f"hello in test: {OBJECTS - LEFT} deleted, {LEFT} unchanged"
    kept = {each["metadata"]["name"] for each in world.objects}
    assert owned_and_live(world) == (kept, kept)
    assert {name: version for name, version in versions(world).items() if name in kept} == {
        name: version for name, version in before.items() if name in kept
    }, "what stays was not touched"
    assert world.sync().changes == ()
