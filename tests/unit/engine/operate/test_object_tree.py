"""The tree of an app's objects: what stands where, and how well it is."""

from typing import Any

import pytest

from tests.unit.engine.described import app, deployment
from towpath.applyset.inventory import HookRun, Inventory, OwnedObject, Owner
from towpath.engine.operate.app_objects import AppObjects
from towpath.engine.operate.object_tree import Node, ObjectTree, object_tree
from towpath.health import Status
from towpath.objects import Manifest, ObjectRef, ref_of
from towpath.release.model import ReleaseRef, one_image

OWNER = Owner("hello", "dev", "dev")


def of(kind: str, name: str, *, owner: Manifest | None = None, **more: Any) -> Manifest:
    group = {"Pod": "v1", "ConfigMap": "v1", "Job": "batch/v1", "CronJob": "batch/v1"}.get(kind, "apps/v1")
    metadata: dict[str, Any] = {"name": name, "namespace": "dev", "uid": f"{kind}-{name}"}
    if owner:
        metadata["ownerReferences"] = [{"kind": owner["kind"], "uid": owner["metadata"]["uid"]}]
    return {"apiVersion": group, "kind": kind, "metadata": metadata, **more}


def seen(
    *live: Manifest, git: tuple[Manifest, ...] = (), left: tuple[Manifest, ...] = (), **more: Any
) -> ObjectTree:
    owned = tuple(OwnedObject(ref_of(each), each["metadata"]["uid"]) for each in (*git, *left))
    inventory = Inventory(OWNER, "c" * 40, "", owned, more.pop("hooks", ()))
    rendered = more.pop("rendered", app("hello", *git))
    found = AppObjects(
        OWNER,
        rendered,
        more.pop("release", ReleaseRef()),
        inventory,
        {ref_of(each): each for each in live},
        **more,
    )
    return object_tree(found)


def names(nodes: tuple[Node, ...]) -> dict[str, Any]:
    return {f"{node.ref.kind} {node.ref.name}": names(node.children) for node in nodes}


def test_controllers_objects_stand_below_whoever_made_them_however_deep() -> None:
    cron = of("CronJob", "night")
    job = of("Job", "night-1", owner=cron)
    pod = of("Pod", "night-1-x", owner=job)
    stranger = of("Pod", "stranger")
    tree = seen(cron, job, pod, stranger, git=(cron,))
    assert names(tree.nodes) == {"CronJob night": {"Job night-1": {"Pod night-1-x": {}}}}
    (node,) = tree.nodes
    assert [(each.origin, each.owner) for each in node.walk()] == [
        ("git", None), ("controller", ref_of(cron)), ("controller", ref_of(job)),
    ]  # fmt: skip


def test_objects_that_own_each_other_end() -> None:
    one, two = of("Job", "one"), of("Pod", "two")
    one["metadata"]["ownerReferences"] = [{"uid": "Pod-two"}]
    two["metadata"]["ownerReferences"] = [{"uid": "Job-one"}]
    web = deployment("web")
    one["metadata"]["ownerReferences"].append({"uid": "web"})
    assert names(seen(web, one, two, git=(web,)).nodes) == {"Deployment web": {"Job one": {"Pod two": {}}}}


def test_an_object_of_git_below_another_stands_alone() -> None:
    web = deployment("web")
    declared = of("Job", "declared", owner=web)
    tree = seen(web, declared, git=(web, declared))
    assert names(tree.nodes) == {"Deployment web": {}, "Job declared": {}}


def test_a_former_revision_without_pods_is_no_news_and_one_with_pods_is() -> None:
    web = deployment("web")
    old = of("ReplicaSet", "old", owner=web, spec={"replicas": 0})
    going = of("ReplicaSet", "going", owner=web, spec={"replicas": 0})
    pod = of("Pod", "last", owner=going)
    tree = seen(web, old, going, pod, git=(web,))
    assert names(tree.nodes) == {"Deployment web": {"ReplicaSet going": {"Pod last": {}}}}


def test_what_left_git_is_shown_while_it_is_there() -> None:
    web, old, gone = deployment("web"), of("ConfigMap", "old"), of("ConfigMap", "gone")
    tree = seen(web, old, git=(web,), left=(old, gone))
    assert {node.ref.name: node.origin for node in tree.nodes} == {"web": "git", "old": "left-git"}


@pytest.mark.parametrize(
    ("result", "status"),
    [("succeeded", Status.HEALTHY), ("running", Status.PROGRESSING), ("failed", Status.DEGRADED)],
)
def test_a_hook_is_as_its_run_ended(result: Any, status: Status) -> None:
    job = of("Job", "migrate")
    pod = of("Pod", "migrate-x", owner=job)
    run = HookRun(ref_of(job), "c" * 40, "", result, "Job-migrate")
    (node,) = seen(job, pod, hooks=(run,)).nodes
    assert (node.origin, node.health.status, len(node.children)) == ("hook", status, 1)
    later = HookRun(ref_of(job), "c" * 40, "", result, "another-uid")
    assert seen(job, pod, hooks=(later,)).nodes[0].children == ()


def test_what_may_not_be_read_is_unknown_and_not_missing() -> None:
    web = deployment("web")
    tree = seen(git=(web,), unread=("Deployment in dev",))
    assert tree.nodes[0].health.status is Status.UNKNOWN
    assert tree.notes == ("Deployment in dev: this account may not read it",)


def test_where_git_cannot_be_rendered_the_inventory_says_what_there_is() -> None:
    web = deployment("web", ready=False)
    tree = seen(web, git=(web,), rendered=None, broken="apps/hello: no such base")
    assert [node.origin for node in tree.nodes] == ["git"]
    assert tree.health
    assert tree.health.status is Status.PROGRESSING
    assert tree.notes == ("what Git has cannot be rendered: apps/hello: no such base",)


def test_all_of_an_app_that_left_git_has_left_git() -> None:
    web, gone = deployment("web"), of("ConfigMap", "gone")
    tree = seen(web, git=(web, gone), rendered=None)
    assert [(node.ref.name, node.origin) for node in tree.nodes] == [("web", "left-git")]
    assert tree.notes == ("Git does not have it here any more",)
    assert tree.health
    assert tree.health.status is Status.HEALTHY


def test_an_app_that_ended_and_was_deleted_by_the_cluster_is_healthy() -> None:
    job = of("Job", "once")
    tree = seen(git=(job,), finished=frozenset({ObjectRef("batch", "Job", "dev", "once")}))
    assert tree.nodes[0].health.status is Status.HEALTHY


def test_pods_of_another_release_are_told() -> None:
    web = deployment("web")
    web["spec"]["template"] = {"spec": {"containers": [{"name": "web", "image": "example.com/web"}]}}
    release = ReleaseRef("1", one_image("web", "example.com/web", "sha256:" + "1" * 64))
    tree = seen(web, git=(web,), release=release)
    assert tree.notes == ("Deployment dev/web: 0 of 1 pods of the newest revision are there",)
    assert tree.health
    assert tree.health.status is Status.PROGRESSING
