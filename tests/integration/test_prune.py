"""Deletions beyond one sync's: an app that left Git, and extras. Both only as a commit says."""

from datetime import UTC, datetime

import pytest

from tests.integration.manifests import configmap
from tests.integration.world import World
from towpath.applyset.inventory import Owner
from towpath.applyset.prune_file import dump_prune_file, parse_prune_file
from towpath.drift.model import DriftEntry
from towpath.engine.apply.prune_extras import prune_extras
from towpath.engine.apply.uninstall import plan_leaving, remove_app
from towpath.engine.live.heal_store import remember_heals
from towpath.engine.reconcile.detect import inspect
from towpath.errors import RefusedError, UnknownNameError
from towpath.formats.versions import V2
from towpath.objects import Manifest, ObjectRef

pytestmark = pytest.mark.integration


@pytest.fixture
def objects() -> list[Manifest]:
    return [configmap(name, A="1") for name in ("a", "b", "c", "d", "e")]


@pytest.fixture
def world(world: World) -> World:
    world.sync()
    return world


def names(world: World) -> set[str]:
    listed = world.cluster.list("", "ConfigMap", world.namespace)
    return {each["metadata"]["name"] for each in listed} - {"kube-root-ca.crt", "towpath-inventory-hello"}


def test_an_app_that_left_git_goes_only_as_far_as_a_commit_confirms(world: World) -> None:
    plan = plan_leaving(world.cluster, "hello", world.environment, {})
    assert [entry.action for entry in plan.entries] == ["delete"] * 5
    assert "apps/hello/test/prune.yaml does not confirm it" in plan.entries[0].reason
    assert remove_app(world.cluster, "hello", world.environment, {}, commit="c").changes == ()
    assert names(world) == {"a", "b", "c", "d", "e"}

    listed = [(entry.ref, entry.uid) for entry in plan.entries if entry.ref.name != "e"]
    confirmed = parse_prune_file(dump_prune_file(listed, V2))
    world.kubectl("delete", "configmap", "a")
    world.kubectl("create", "configmap", "a")
    result = remove_app(world.cluster, "hello", world.environment, confirmed, commit="c")
    assert {each.ref.name for each in result.changes} == {"b", "c", "d"}
    assert names(world) == {"a", "e"}, "made anew, it is another object; not listed, it stays"
    assert remove_app(world.cluster, "hello", world.environment, confirmed, commit="c").changes == ()

    healed = [DriftEntry("hello", plan.entries[0].ref, "modified", desired_digest="x")]
    owner = Owner("hello", "test", world.namespace)
    remember_heals(world.cluster, owner, healed, datetime.now(UTC))
    assert "towpath-heals-hello" in names(world)
    everything = {entry.ref: entry.uid for entry in plan.entries}
    remove_app(world.cluster, "hello", world.environment, everything, commit="c")
    assert names(world) == {"a"}, "the history of its heals went, too"
    assert world.cluster.get(owner.ref) is None
    with pytest.raises(UnknownNameError, match="nothing of it is live"):
        plan_leaving(world.cluster, "hello", world.environment, {})


def test_deletions_are_the_reverse_of_applying_waves_and_phases_included(world: World) -> None:
    marks = {
        "a": {"wave": "5"},
        "b": {"hook": "pre-sync"},
        "c": {"wave": "0"},
        "d": {"hook": "post-sync"},
        "e": {"wave": "-5"},
    }
    for each in world.objects:
        of_it = marks[each["metadata"]["name"]]
        each["metadata"]["annotations"] = {f"towpath.dev/{key}": value for key, value in of_it.items()}
    applied, deleted = [], []
    world.sync(on_progress=lambda each: applied.append(each.ref.name))
    assert applied == ["b", "e", "c", "a", "d"]
    world.settings["prune"] = {"limit": 5}
    world.objects = [configmap("other", A="1")]
    planned = [entry.ref.name for entry in world.plan().entries if entry.action == "delete"]
    world.sync(on_progress=lambda each: each.result == "deleted" and deleted.append(each.ref.name))
    assert planned == deleted == applied[::-1]


def test_an_app_that_left_git_goes_in_the_reverse_order(world: World) -> None:
    for each, wave in zip(world.objects, "31524", strict=True):
        each["metadata"]["annotations"] = {"towpath.dev/wave": wave}
    world.sync()
    planned = [
        entry.ref.name for entry in plan_leaving(world.cluster, "hello", world.environment, {}).entries
    ]
    assert planned == ["c", "e", "a", "d", "b"]


def test_extras_are_deleted_few_at_a_time_and_never_data_or_another_tools(world: World) -> None:
    world.settings["extras"] = "prune"
    for name in ("x", "y", "helm", "kept"):
        world.kubectl("create", "configmap", name)
    world.kubectl("annotate", "configmap", "helm", "meta.helm.sh/release-name=h")
    world.kubectl("annotate", "configmap", "kept", "towpath.dev/prune=disabled")
    other = World(world.cluster, world.kubectl_path, world.kubeconfig, world.namespace, "other")
    other.objects = [configmap("others", A="1")]
    other.sync()

    def extras():
        rendered = [world.rendered, other.rendered]
        return inspect(world.cluster, world.environment, rendered, commit="c").report.extras

    found = extras()
    assert {each.ref.name for each in found} == {"x", "y", "helm", "kept"}
    world.settings["prune"] = {"limit": 1, "share": 0.0}
    with pytest.raises(RefusedError, match="2 extras, more than 1"):
        prune_extras(world.cluster, world.environment, found, total=6)
    world.settings["prune"] = {"limit": 2}
    deleted = prune_extras(world.cluster, world.environment, found, total=6)
    assert deleted == tuple(ObjectRef("", "ConfigMap", world.namespace, name) for name in ("x", "y"))
    assert names(world) - {"towpath-inventory-other"} == {"a", "b", "c", "d", "e", "others", "helm", "kept"}
    assert prune_extras(world.cluster, world.environment, found, total=6) == ()
