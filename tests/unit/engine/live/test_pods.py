from typing import Any

from towpath.engine.live.pods import current_pods, current_replica_set, other_images, pods_wanted, uses_image
from towpath.objects import Manifest, ObjectRef, ref_of

DIGEST = "sha256:" + "a" * 64
OTHER = "sha256:" + "b" * 64
IMAGE = "127.0.0.1:5000/hello"


def live(version: str, kind: str, name: str, owner: str = "", **more: Any) -> Manifest:
    metadata = {"name": name, "namespace": "dev", "uid": name, **more.pop("metadata", {})}
    if owner:
        metadata["ownerReferences"] = [{"uid": owner}]
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **more}


def snapshot(*manifests: Manifest) -> dict[ObjectRef, Manifest]:
    return {ref_of(each): each for each in manifests}


def replica_set(name: str, revision: str) -> Manifest:
    annotations = {"deployment.kubernetes.io/revision": revision}
    return live("apps/v1", "ReplicaSet", name, "d", metadata={"annotations": annotations})


DEPLOYMENT = live(
    "apps/v1", "Deployment", "d", metadata={"annotations": {"deployment.kubernetes.io/revision": "2"}}
)


def test_only_pods_of_the_newest_replica_set_count() -> None:
    leaving = live("v1", "Pod", "leaving", "new", metadata={"deletionTimestamp": "2026-01-01T00:00:00Z"})
    seen = snapshot(
        DEPLOYMENT,
        replica_set("old", "1"),
        replica_set("new", "2"),
        live("v1", "Pod", "a", "old"),
        live("v1", "Pod", "b", "new"),
        live("v1", "Pod", "c", "somebody"),
        leaving,
    )
    assert [pod["metadata"]["name"] for pod in current_pods(DEPLOYMENT, seen)] == ["b"]


def test_before_there_is_a_replica_set_there_are_no_pods() -> None:
    seen = snapshot(DEPLOYMENT, replica_set("old", "1"), live("v1", "Pod", "a", "old"))
    assert current_replica_set(DEPLOYMENT, seen) is None
    assert current_pods(DEPLOYMENT, seen) == []


def test_a_stateful_sets_and_a_daemon_sets_newest_pods() -> None:
    stateful = live("apps/v1", "StatefulSet", "s", status={"updateRevision": "s-2"})
    daemon = live(
        "apps/v1",
        "DaemonSet",
        "d",
        metadata={"annotations": {"deprecated.daemonset.template.generation": "3"}},
    )
    seen = snapshot(
        live("v1", "Pod", "s-0", "s", metadata={"labels": {"controller-revision-hash": "s-1"}}),
        live("v1", "Pod", "s-1", "s", metadata={"labels": {"controller-revision-hash": "s-2"}}),
        live("v1", "Pod", "d-a", "d", metadata={"labels": {"pod-template-generation": "2"}}),
        live("v1", "Pod", "d-b", "d", metadata={"labels": {"pod-template-generation": "3"}}),
    )
    assert [pod["metadata"]["name"] for pod in current_pods(stateful, seen)] == ["s-1"]
    assert [pod["metadata"]["name"] for pod in current_pods(daemon, seen)] == ["d-b"]


def running(asked: str, image_id: str) -> Manifest:
    spec = {"containers": [{"name": "c", "image": asked}]}
    return live(
        "v1", "Pod", "p", spec=spec, status={"containerStatuses": [{"name": "c", "imageID": image_id}]}
    )


def test_the_running_digest_decides() -> None:
    asked = f"{IMAGE}@{DIGEST}"
    assert other_images(running(asked, f"{IMAGE}@{DIGEST}"), IMAGE, DIGEST) == []
    assert other_images(running(asked, f"docker-pullable://{IMAGE}@{DIGEST}"), IMAGE, DIGEST) == []
    assert other_images(running(asked, OTHER), IMAGE, DIGEST) == []  # the digest of the image's configuration
    assert "runs 127.0.0.1" in other_images(running(asked, f"{IMAGE}@{OTHER}"), IMAGE, DIGEST)[0]
    assert "nothing yet" in other_images(running(asked, ""), IMAGE, DIGEST)[0]
    assert "c runs" in other_images(running(f"{IMAGE}@{OTHER}", OTHER), IMAGE, DIGEST)[0]
    assert "no container" in other_images(running("other", "x"), IMAGE, DIGEST)[0]


def test_pods_wanted() -> None:
    assert pods_wanted(live("apps/v1", "Deployment", "d", spec={"replicas": 3})) == 3
    assert pods_wanted(live("apps/v1", "Deployment", "d", spec={})) == 1
    assert pods_wanted(live("apps/v1", "DaemonSet", "d", spec={})) == 0
    strategy = {"rollingUpdate": {"partition": 2}}
    assert (
        pods_wanted(live("apps/v1", "StatefulSet", "d", spec={"replicas": 3, "updateStrategy": strategy}))
        == 1
    )


def test_uses_image() -> None:
    spec = {"template": {"spec": {"initContainers": [{"image": f"{IMAGE}:v1"}]}}}
    assert uses_image(live("apps/v1", "Deployment", "d", spec=spec), IMAGE)
    assert not uses_image(live("apps/v1", "Deployment", "d", spec=spec), "other")
