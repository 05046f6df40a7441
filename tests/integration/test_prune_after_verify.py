"""What left Git is deleted when the app is verified without it, and not before."""

import copy
from datetime import timedelta
from typing import Any

import pytest

from tests.integration.manifests import configmap, deployment, service
from tests.integration.world import World
from towpath.applyset.inventory import Owner
from towpath.applyset.inventory_configmap import from_configmap
from towpath.config import App
from towpath.engine.verify.verify import verify_app
from towpath.errors import RefusedError, SyncError, VerifyError
from towpath.objects import Manifest, ObjectRef


@pytest.fixture
def objects() -> list[Manifest]:
    return [configmap(name, A="1") for name in ("a", "b", "c", "d")]


def is_live(world: World, kind: str, name: str) -> bool:
    return world.cluster.get(ObjectRef("", kind, world.namespace, name)) is not None


def kinds_of(world: World) -> dict[str, str]:
    return {entry.ref.name: entry.kind for entry in world.drift().entries if entry.app}


def deletions(world: World) -> list[str]:
    found = world.cluster.get(Owner("hello", "test", world.namespace).ref)
    assert found
    return [ref.name for ref in from_configmap(found).deletions]


def test_a_sync_deletes_nothing_and_says_what_waits(world: World) -> None:
    world.sync()
    gone = world.objects.pop(0)
    result = world.apply()
    assert {r.ref.name: r.result for r in result.results} == {
        "a": "waiting", "b": "unchanged", "c": "unchanged", "d": "unchanged",
    }  # fmt: skip
    assert result.changes == ()
    assert is_live(world, "ConfigMap", "a")
    assert kinds_of(world) == {"a": "waiting"}
    assert not world.drift().differs
    before = world.versions()
    world.apply()
    assert world.versions() == before, "a second sync writes nothing"
    assert [r.result for r in world.prune().results] == ["deleted"]
    assert not is_live(world, "ConfigMap", "a")
    assert kinds_of(world) == {}
    assert world.prune().results == ()
    world.objects.append(gone)
    world.sync()
    assert is_live(world, "ConfigMap", "a")


def test_back_to_the_former_version_keeps_what_waited(world: World) -> None:
    world.sync()
    former = copy.deepcopy(world.objects)
    uid = world.live("configmap", "a")["metadata"]["uid"]
    world.objects = [*world.objects[1:], configmap("new", A="1")]
    world.apply()
    world.objects = former
    world.sync()
    assert world.live("configmap", "a")["metadata"]["uid"] == uid
    assert not is_live(world, "ConfigMap", "new"), "what the failed version brought goes in turn"
    assert deletions(world) == []


def test_what_the_sync_did_not_write_down_is_not_pruned(world: World) -> None:
    world.sync()
    del world.objects[0]
    world.apply()
    del world.objects[0]  # Git went on; its sync has not come yet
    assert world.prune().results == ()
    assert is_live(world, "ConfigMap", "a")
    assert is_live(world, "ConfigMap", "b")


def test_another_object_by_the_name_is_not_pruned(world: World) -> None:
    world.sync()
    del world.objects[0]
    world.apply()
    world.kubectl("delete", "configmap", "a")
    world.kubectl("create", "configmap", "a")
    assert world.prune().results == ()
    assert is_live(world, "ConfigMap", "a")
    assert deletions(world) == []


def test_what_waits_is_not_counted_again(world: World) -> None:
    world.settings["prune"] = {"limit": 1, "share": 0.0}
    world.sync()
    del world.objects[0]
    world.apply()
    del world.objects[0]
    world.apply()  # the release that mends the app may remove one more
    assert deletions(world) == ["a", "b"]
    world.objects = [*world.objects[2:], configmap("new", A="1")]
    with pytest.raises(RefusedError, match="2 of 4 objects, more than 1"):
        world.apply()
    assert deletions(world) == ["a", "b"]
    assert is_live(world, "ConfigMap", "c")


def test_a_confirmation_that_is_gone_at_the_prune_deletes_no_data(world: World) -> None:
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}},
    }
    world.objects.append(claim)
    world.sync()
    uid = world.live("pvc", "data")["metadata"]["uid"]
    world.objects.pop()
    ref = ObjectRef("", "PersistentVolumeClaim", world.namespace, "data")
    world.apply(confirmed={ref: uid})
    with pytest.raises(RefusedError, match="PersistentVolumeClaim"):
        world.prune()
    assert is_live(world, "PersistentVolumeClaim", "data")


def test_an_object_that_says_so_goes_first_and_makes_room(world: World) -> None:
    old = with_node_port("old", 30991)
    world.objects.append(old)
    world.sync()
    world.objects[-1] = with_node_port("new", 30991)
    with pytest.raises(SyncError, match="already allocated") as refused:
        world.apply()
    assert f"kubectl annotate -n {world.namespace} service old towpath.dev/prune=first" in str(refused.value)
    assert f"Service {world.namespace}/old has spec.ports[0].nodePort 30991, too" in str(refused.value)
    world.kubectl("annotate", "service", "old", "towpath.dev/prune=first")
    results = {r.ref.name: r.result for r in world.apply().results}
    assert (results["old"], results["new"]) == ("deleted", "created")
    assert not is_live(world, "Service", "old")


def test_a_sync_that_fails_later_has_deleted_only_what_goes_first(world: World) -> None:
    world.objects[0]["metadata"]["annotations"] = {"towpath.dev/prune": "first"}
    world.sync()
    world.objects = [*world.objects[2:], with_node_port("bad", 1)]
    with pytest.raises(SyncError):
        world.apply()
    assert not is_live(world, "ConfigMap", "a")
    assert is_live(world, "ConfigMap", "b")
    assert world.prune().results == ()
    assert is_live(world, "ConfigMap", "b")


def test_a_finalizer_is_named_and_asked_once(world: World) -> None:
    world.objects[0]["metadata"]["finalizers"] = ["example.com/backup"]
    world.sync()
    del world.objects[0]
    world.apply()
    [first] = world.prune().results
    assert first.result == "deleted"
    assert "waits for its finalizers: example.com/backup" in first.message
    [again] = world.prune().results
    assert again.result == "skipped", "nothing is written any more"
    [entry] = [entry for entry in world.drift().entries if entry.ref.name == "a"]
    assert entry.kind == "waiting"
    assert "is being deleted since 20" in entry.message
    assert "example.com/backup" in entry.message
    world.kubectl(
        "patch", "configmap", "a", "--type=json", "-p", '[{"op":"remove","path":"/metadata/finalizers"}]'
    )
    assert world.prune().changes == ()
    assert deletions(world) == []


def test_an_object_that_is_kept_is_no_work_for_a_sync(world: World) -> None:
    world.objects[0]["metadata"]["annotations"] = {"towpath.dev/prune": "disabled"}
    world.sync()
    del world.objects[0]
    world.sync()
    assert kinds_of(world) == {"a": "kept"}
    assert not world.drift().differs
    world.kubectl("annotate", "configmap", "a", "towpath.dev/prune-")
    assert kinds_of(world) == {"a": "unapplied"}
    world.sync()
    assert not is_live(world, "ConfigMap", "a")


def with_node_port(name: str, port: int) -> dict[str, Any]:
    manifest: dict[str, Any] = service(name)
    manifest["spec"]["type"] = "NodePort"
    manifest["spec"]["ports"][0]["nodePort"] = port
    return manifest


def test_a_verification_that_fails_names_what_may_be_in_the_way(world: World) -> None:
    world.sync()
    world.objects = [*world.objects[1:], deployment("web", replicas=1)]
    world.apply()
    with pytest.raises(VerifyError, match=r"Nothing that left Git is deleted yet: ConfigMap .*/a\. If one"):
        verify_app(
            world.cluster, world.rendered, App(image="127.0.0.1:5000/none"), world.environment, (),
            deadline=timedelta(seconds=0.5),
        )  # fmt: skip
    assert is_live(world, "ConfigMap", "a")
