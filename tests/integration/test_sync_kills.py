"""kill -9 at every boundary of a sync: the invariants hold, and the next run converges."""

import json

import pytest

from tests.integration.killed_sync import owned_and_live, sync_and_die
from tests.integration.manifests import configmap
from tests.integration.world import World
from towpath.adapters.kubernetes import connect
from towpath.applyset.inventory import PART_OF_LABEL, Owner
from towpath.objects import Manifest, ObjectRef

pytestmark = pytest.mark.integration

KILLS = [
    "namespace-ready",
    "inventory-ahead",
    "inventory-ahead-written",
    "owners-rewritten",
    "applied",
    "applied:2",
    "applied:3",
    "before-prune",
    "deleted",
    "inventory-after",
    "inventory-after-written",
]


@pytest.fixture
def objects() -> list[Manifest]:
    return [configmap(name, A="1") for name in ("a", "b", "c", "d")]


def converges(world: World) -> None:
    world.sync()
    names = {each["metadata"]["name"] for each in world.objects}
    assert owned_and_live(world) == (names, names)
    for each in world.objects:
        assert world.live("configmap", each["metadata"]["name"])["data"] == each["data"]
    before = world.versions()
    assert world.sync().changes == ()
    assert world.versions() == before
    assert world.drift().entries == ()


@pytest.mark.parametrize("failpoint", KILLS)
def test_killed_in_a_sync_that_changes_creates_heals_and_deletes(world: World, failpoint: str) -> None:
    world.sync()
    world.kubectl("patch", "configmap", "b", "-p", '{"data":{"B":"by hand"}}')
    world.objects = [
        configmap("a", A="2"),
        configmap("b", A="1"),
        configmap("c", A="1"),
        configmap("e", A="1"),
    ]
    sync_and_die(world, failpoint)
    owned, live = owned_and_live(world)
    assert live <= owned, "the inventory contains every owned live object"
    converges(world)


@pytest.mark.parametrize(
    "failpoint", ["inventory-ahead", "inventory-ahead-written", "applied", "inventory-after"]
)
def test_killed_in_the_first_sync(world: World, failpoint: str) -> None:
    sync_and_die(world, failpoint)
    owned, live = owned_and_live(world)
    assert live <= owned
    converges(world)


def test_lost_inventory_is_rebuilt_and_deletes_nothing(world: World) -> None:
    world.sync()
    owner = Owner("hello", "test", world.namespace)
    world.kubectl("create", "configmap", "copied")
    world.kubectl("label", "configmap", "copied", f"{PART_OF_LABEL}={owner.applyset}")
    world.kubectl("delete", "configmap", "towpath-inventory-hello")
    world.objects.pop()
    assert [(e.ref.name, e.action) for e in world.plan().entries if e.ref.name == "d"] == [("d", "skip")]
    assert "deleted" not in {each.result for each in world.sync().results}
    assert world.live("configmap", "d")
    assert owned_and_live(world)[0] == {"a", "b", "c", "d"}, "a copied label makes nothing ours"
    # Known again, it goes with the next sync, by the rules of every deletion.
    world.sync()
    assert world.cluster.get(ObjectRef("", "ConfigMap", world.namespace, "d")) is None
    assert world.live("configmap", "copied")
    assert connect(str(world.kubeconfig)).get(owner.ref)


def cluster_role(name: str) -> Manifest:
    return {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": name}}


@pytest.mark.parametrize("what", ["with others in the namespace", "nothing in the namespace"])
def test_lost_inventory_knows_what_is_outside_the_namespace_and_left_git(world: World, what: str) -> None:
    names = [f"{world.namespace}-{letter}" for letter in "ab"]
    refs = [ObjectRef("rbac.authorization.k8s.io", "ClusterRole", "", name) for name in names]
    kept = world.objects if what == "with others in the namespace" else [cluster_role(names[1])]
    copied = cluster_role(f"{world.namespace}-copied")
    copied["metadata"]["labels"] = {PART_OF_LABEL: Owner("hello", "test", world.namespace).applyset}
    try:
        world.objects = [cluster_role(names[0]), *kept]
        world.sync()
        world.kubectl("apply", "-f", "-", text=json.dumps(copied))
        world.kubectl("delete", "configmap", "towpath-inventory-hello")
        world.objects = kept
        [entry] = [e for e in world.plan().entries if e.ref == refs[0]]
        assert entry.action == "skip"
        assert "the inventory was lost" in entry.reason
        results = {each.ref: each.result for each in world.sync().results}
        assert results[refs[0]] == "skipped"
        assert "deleted" not in results.values()
        assert world.cluster.get(refs[0])
        assert {each.ref: each.result for each in world.sync().results}[refs[0]] == "deleted"
        assert world.cluster.get(refs[0]) is None
        assert world.live("clusterrole", f"{world.namespace}-copied"), "a copied label makes nothing ours"
        assert world.sync().changes == ()
    finally:
        world.kubectl("delete", "clusterrole", *names, f"{world.namespace}-copied", "--ignore-not-found")


def test_lost_inventory_and_killed_at_once(world: World) -> None:
    world.sync()
    world.kubectl("delete", "configmap", "towpath-inventory-hello")
    sync_and_die(world, "applied:2")
    converges(world)


def test_killed_between_deletion_and_recreation(world: World) -> None:
    world.objects[0] |= {"immutable": True}
    world.objects[0]["metadata"]["annotations"] = {"towpath.dev/recreate": "allowed"}
    world.sync()
    world.objects[0]["data"] = {"A": "2"}
    sync_and_die(world, "recreate-deleted")
    converges(world)
