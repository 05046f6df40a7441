"""A claim that waits for its first consumer is settled until a pod uses it."""

from typing import Any

import pytest

from towpath.engine.verify.claims import unconsumed
from towpath.engine.verify.rollout_status import rollout_status
from towpath.objects import Manifest, ref_of


def claim(name: str = "data", **changed: Any) -> Manifest:
    metadata = {"name": name, "namespace": "ns", "uid": name, **changed.pop("metadata", {})}
    spec = {"storageClassName": "late", **changed}
    status = {"phase": "Pending"}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": metadata,
        "spec": spec,
        "status": status,
    }


def storage(mode: str | None, name: str = "late") -> Manifest:
    body: Manifest = {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": name}}
    return {**body, "volumeBindingMode": mode} if mode else body


def pod(volume: dict[str, Any], phase: str = "Pending", namespace: str = "ns") -> Manifest:
    metadata = {"name": "web", "namespace": namespace, "uid": "web"}
    spec = {"volumes": [{"name": "v", **volume}]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec, "status": {"phase": phase}}


USES = {"persistentVolumeClaim": {"claimName": "data"}}
LATE = storage("WaitForFirstConsumer")


def of_class(name: str, **spec: Any) -> Manifest:
    """A claim that names its class by the annotation of before."""
    return claim(metadata={"annotations": {"volume.beta.kubernetes.io/storage-class": name}}, **spec)


@pytest.mark.parametrize(
    ("live", "settled"),
    [
        ([claim(), LATE], True),
        ([claim(), LATE, pod({"emptyDir": {}})], True),
        ([claim(), LATE, pod(USES, "Succeeded")], True),
        ([claim(), LATE, pod(USES, namespace="other")], True),
        ([claim(), LATE, pod(USES)], False),
        ([claim(), LATE, pod(USES, "Running")], False),
        ([claim("web-v"), LATE, pod({"ephemeral": {}})], False),
        ([claim(), storage("Immediate")], False),
        ([claim(), storage(None)], False),
        ([claim()], False),
        ([claim(storageClassName=""), LATE], False),
        ([claim(volumeName="pv-1"), LATE], False),
        ([of_class("late", storageClassName=None), LATE], True),
        ([of_class("late", storageClassName="other"), LATE, storage("Immediate", "other")], True),
        ([of_class("other"), LATE, storage("Immediate", "other")], False),
        ([of_class("late", storageClassName=None), LATE, pod(USES)], False),
        ([claim(metadata={"annotations": {"volume.kubernetes.io/selected-node": "n"}}), LATE], False),
    ],
)
def test_a_claim_is_settled_while_no_pod_uses_it(live: list[Manifest], settled: bool) -> None:
    picture = {ref_of(each): each for each in live}
    found = unconsumed([ref_of(live[0])], picture)
    assert bool(found) is settled
    assert rollout_status((live[0],), picture, (), unconsumed=found).good is settled
