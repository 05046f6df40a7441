"""A Job that the cluster deletes after it completed is done: no drift, not made again."""

import time
from typing import Any

import pytest

from tests.integration.manifests import configmap
from tests.integration.world import World
from towpath.engine.live.app_state import owner_of
from towpath.engine.live.finished import remember_finished
from towpath.objects import Manifest, ObjectRef


def job(ttl: int, **spec: Any) -> Manifest:
    container = {"name": "c", "image": "registry.k8s.io/pause:3.10"}
    template = {"spec": {"restartPolicy": "Never", "containers": [container]}}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "once"},
        "spec": {"ttlSecondsAfterFinished": ttl, "completions": 0, "template": template, **spec},
    }


@pytest.fixture
def objects() -> list[Manifest]:
    return [configmap("a", A="1"), job(0)]


def wait_for_its_end(world: World) -> None:
    ref = ObjectRef("batch", "Job", world.namespace, "once")
    end = time.monotonic() + 30
    while world.cluster.get(ref) is not None:
        assert time.monotonic() < end
        time.sleep(0.1)


def test_a_job_that_completed_and_is_gone_is_done_until_git_changes_it(world: World) -> None:
    world.sync()
    wait_for_its_end(world)
    assert not world.drift().differs
    assert [each.result for each in world.apply().results] == ["unchanged", "unchanged"]
    remember_finished(world.cluster, owner_of(world.rendered), world.rendered.objects)
    world.kubectl("delete", "events", "--all")
    assert not world.drift().differs, "the inventory remembers it"
    before = world.versions()
    world.apply()
    assert world.versions() == before, "nothing is written"
    world.objects[1] = job(0, backoffLimit=1)
    assert [each.result for each in world.apply().results if each.ref.kind == "Job"] == ["created"]
