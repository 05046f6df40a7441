"""A claim of a class that waits for its first consumer holds up no verification until a pod uses it."""

import time
from collections.abc import Iterator

import pytest

from tests.integration.world import World
from towpath.engine.verify.wait import Candidate, wait_healthy
from towpath.objects import Manifest


@pytest.fixture
def late_class(world: World) -> Iterator[str]:
    name = f"late-{world.namespace}"
    body: Manifest = {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": name},
        "provisioner": "example.com/none",
        "volumeBindingMode": "WaitForFirstConsumer",
    }
    world.cluster.create(body)
    yield name
    world.kubectl("delete", "storageclass", name)


def is_good(world: World, seconds: float) -> bool:
    candidate = Candidate(world.rendered, (), whole=True)
    end = time.monotonic() + seconds
    awaited = wait_healthy(world.cluster, [candidate], {}, end, lambda _app, _line: None)["hello"]
    assert awaited.rollout is not None
    return awaited.rollout.good


def test_a_claim_waits_for_nothing_until_a_pod_uses_it(world: World, late_class: str) -> None:
    spec = {
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": late_class,
        "resources": {"requests": {"storage": "1Gi"}},
    }
    world.objects = [
        {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data"}, "spec": spec}
    ]
    world.sync()
    started = time.monotonic()
    assert is_good(world, 30)
    assert time.monotonic() - started < 15
    pod: Manifest = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "user", "namespace": world.namespace},
        "spec": {
            "containers": [{"name": "c", "image": "registry.k8s.io/pause:3.10"}],
            "volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "data"}}],
        },
    }
    world.cluster.create(pod)
    assert not is_good(world, 4)
