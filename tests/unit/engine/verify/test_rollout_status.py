"""The pure half of verify: what one snapshot says."""

from typing import Any

from towpath.engine.verify.rollout_status import rollout_status
from towpath.health import Status
from towpath.objects import Manifest, ObjectRef, ref_of
from towpath.release.model import one_image

DIGEST = "sha256:" + "a" * 64
OTHER = "sha256:" + "b" * 64
IMAGE = "127.0.0.1:5000/hello"
RUNNING = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}


def obj(version: str, kind: str, name: str, owner: str = "", **more: Any) -> Manifest:
    metadata = {"name": name, "namespace": "dev", "uid": name, "generation": 1, **more.pop("metadata", {})}
    if owner:
        metadata["ownerReferences"] = [{"uid": owner}]
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **more}


def deployment(available: int = 1, reason: str = "", message: str = "") -> Manifest:
    told = [{"type": "Progressing", "status": "False", "reason": reason, "message": message}]
    status = {"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1, "availableReplicas": available}
    return obj(
        "apps/v1",
        "Deployment",
        "hello",
        metadata={"annotations": {"deployment.kubernetes.io/revision": "1"}},
        spec={"replicas": 1, "template": {"spec": {"containers": [{"name": "c", "image": IMAGE}]}}},
        status={**status, "conditions": told if reason else []},
    )


REPLICA_SET = obj(
    "apps/v1",
    "ReplicaSet",
    "hello-1",
    "hello",
    metadata={"annotations": {"deployment.kubernetes.io/revision": "1"}},
)


def pod(digest: str = DIGEST, **status: Any) -> Manifest:
    containers = [{"name": "c", "image": f"{IMAGE}@{digest}"}]
    told = {"name": "c", "imageID": f"{IMAGE}@{digest}", **status}
    return obj(
        "v1",
        "Pod",
        "hello-1-a",
        "hello-1",
        spec={"containers": containers},
        status={**RUNNING, "containerStatuses": [told]},
    )


def look(*manifests: Manifest) -> Any:
    snapshot: dict[ObjectRef, Manifest] = {ref_of(each): each for each in manifests}
    return rollout_status((deployment(),), snapshot, one_image("web", IMAGE, DIGEST))


def test_healthy_and_the_release_runs() -> None:
    result = look(deployment(), REPLICA_SET, pod())
    assert result.good
    assert result.images == (f"Pod dev/hello-1-a {IMAGE}@{DIGEST}",)


def test_healthy_but_another_digest_runs() -> None:
    result = look(deployment(), REPLICA_SET, pod(OTHER))
    assert not result.good
    assert OTHER in result.line()


def test_healthy_but_the_pods_were_not_seen_yet() -> None:
    assert not look(deployment(), REPLICA_SET).good


def test_missing() -> None:
    (verdict,) = look().offenders
    assert verdict.health.status is Status.MISSING
    assert not verdict.health.final


def test_what_no_controller_makes_does_not_come_back_by_waiting() -> None:
    settings = obj("v1", "ConfigMap", "settings")
    assert rollout_status((settings,), {}, ()).hopeless


def test_waiting_is_not_hopeless() -> None:
    result = look(deployment(available=0), REPLICA_SET, pod(state={"running": {}}))
    assert not result.good
    assert not result.hopeless


def test_a_pod_that_keeps_crashing_is_hopeless_for_its_deployment() -> None:
    waiting = {"waiting": {"reason": "CrashLoopBackOff"}}
    result = look(deployment(available=0), REPLICA_SET, pod(state=waiting, restartCount=2))
    (verdict,) = result.hopeless
    assert "Pod hello-1-a: container c: CrashLoopBackOff" in verdict.health.message


def test_a_crashing_pod_of_an_older_revision_is_no_news() -> None:
    waiting = {"waiting": {"reason": "CrashLoopBackOff"}}
    old = {**pod(state=waiting, restartCount=9)}
    old["metadata"] = {**old["metadata"], "ownerReferences": [{"uid": "hello-0"}]}
    assert not look(deployment(available=0), REPLICA_SET, old).hopeless


def test_the_roll_outs_deadline_is_hopeless() -> None:
    late = deployment(0, "ProgressDeadlineExceeded", 'ReplicaSet "hello-1" has timed out progressing.')
    assert look(late, REPLICA_SET, pod()).hopeless


def test_the_deadline_of_the_revision_before_a_rollback_is_not() -> None:
    late = deployment(0, "ProgressDeadlineExceeded", 'ReplicaSet "hello-2" has timed out progressing.')
    result = look(late, REPLICA_SET, pod())
    assert not result.hopeless
    assert not result.good


def test_unknown_is_told_but_holds_nothing_up() -> None:
    widget = obj("example.com/v1", "Widget", "w")
    result = rollout_status((widget,), {ref_of(widget): widget}, ())
    assert result.good
    assert result.verdicts[0].health.status is Status.UNKNOWN


def test_a_cron_jobs_runs_hold_nothing_up() -> None:
    job = obj("batch/v1", "CronJob", "c", status={"active": [{"name": "a"}]})
    assert rollout_status((job,), {ref_of(job): job}, ()).good
    assert not rollout_status((job,), {}, ()).good


def test_each_image_of_a_release_is_judged_by_its_own_digest() -> None:
    side = "127.0.0.1:5000/side"
    images = (*one_image("web", IMAGE, DIGEST), *one_image("side", side, OTHER))

    def judged(digest: str) -> Any:
        workload, running = deployment(), pod()
        containers = workload["spec"]["template"]["spec"]["containers"]
        containers.append({"name": "side", "image": side})
        running["spec"]["containers"].append({"name": "side", "image": f"{side}@{digest}"})
        told = {"name": "side", "imageID": f"{side}@{digest}"}
        running["status"]["containerStatuses"].append(told)
        snapshot = {ref_of(each): each for each in (workload, REPLICA_SET, running)}
        return rollout_status((workload,), snapshot, images)

    assert judged(OTHER).good
    assert judged(OTHER).images == (f"Pod dev/hello-1-a {IMAGE}@{DIGEST}, {side}@{OTHER}",)
    assert not judged(DIGEST).good
    assert f"container side runs {side}@{DIGEST}, not {OTHER}" in judged(DIGEST).line()
