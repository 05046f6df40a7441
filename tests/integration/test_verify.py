"""Verify against real pods: it believes what runs, stops when nothing can change, and says why."""

import json
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from tests.integration.manifests import configmap
from tests.integration.world import World
from towpath.adapters.registries.registry import read_manifest
from towpath.config import App, SmokeCheck, parse_config
from towpath.engine.verify.verify import Verification, verify_app
from towpath.errors import TransientError, VerifyError
from towpath.health.assess import Judges
from towpath.health.expressions import judges_of
from towpath.objects import Manifest
from towpath.release.model import one_image

pytestmark = pytest.mark.integration

SERVE = "mkdir -p /tmp/site; echo hello > /tmp/site/index.html; exec httpd -f -p 8080 -h /tmp/site"
OTHER = "sha256:" + "b" * 64


@pytest.fixture
def image(stack) -> str:
    return f"{stack.registry}/base/busybox"


@pytest.fixture
def digest(image: str) -> str:
    return read_manifest(f"{image}:1").digest


def web(
    image: str, script: str = SERVE, *, probe: int = 8080, seconds: int = 60, replicas: int = 1
) -> Manifest:
    labels = {"app": "web"}
    container = {
        "name": "web",
        "image": image,
        "command": ["sh", "-c", script],
        "readinessProbe": {"tcpSocket": {"port": probe}, "periodSeconds": 1},
        "resources": {"requests": {"cpu": "5m", "memory": "4Mi"}},
    }
    pod = {"containers": [container], "terminationGracePeriodSeconds": 0}
    spec = {
        "replicas": replicas,
        "progressDeadlineSeconds": seconds,
        "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": pod},
    }
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": spec}


def service() -> Manifest:
    spec = {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 8080}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": spec}


def verify(
    world: World, image: str, digest: str | None, *smoke: SmokeCheck, seconds: float = 60
) -> Verification:
    app = App(image=image, smoke=smoke)
    images = one_image("web", image, digest) if digest else ()
    return verify_app(
        world.cluster, world.rendered, app, world.environment, images, deadline=timedelta(seconds=seconds)
    )


def failed(
    world: World, image: str, digest: str | None, *smoke: SmokeCheck, **options: Any
) -> tuple[str, float]:
    started = time.monotonic()
    with pytest.raises(VerifyError) as caught:
        verify(world, image, digest, *smoke, **options)
    return str(caught.value), time.monotonic() - started


def test_a_healthy_app_is_verified_with_its_evidence(world: World, image: str, digest: str) -> None:
    world.objects = [web(f"{image}@{digest}", replicas=2), service(), configmap("c", A="1")]
    world.sync()
    result = verify(world, image, digest, SmokeCheck(service="web", port=80, contains="hello"))
    assert result.healthy
    assert len(result.images) == 2
    assert all(digest in each for each in result.images)
    assert [each.status for each in result.smoke] == [200]
    assert {each.ref.kind for each in result.verdicts} == {"Deployment", "Service", "ConfigMap"}


def test_a_second_look_at_a_healthy_app_is_short(world: World, image: str, digest: str) -> None:
    world.objects = [web(f"{image}@{digest}")]
    world.sync()
    verify(world, image, digest)
    assert verify(world, image, digest).seconds < 3


@pytest.mark.parametrize(
    ("gone", "after"), [("service/web", 2.0), ("service/web", 0.0), ("configmap/c", 0.0)]
)
def test_what_was_deleted_since_the_sync_ends_the_wait_and_is_not_the_releases_fault(
    world: World, image: str, digest: str, gone: str, after: float
) -> None:
    stuck = web(f"{image}@{digest}")
    stuck["spec"]["template"]["spec"]["nodeSelector"] = {"towpath.dev/nowhere": "true"}
    world.objects = [stuck, service(), configmap("c", A="1")]
    world.sync()
    deleting = threading.Timer(after, world.kubectl, ("delete", gone))
    deleting.start()
    if not after:
        deleting.join()
    started = time.monotonic()
    with pytest.raises(TransientError, match=f"deleted while it was verified: .*/{gone.partition('/')[2]}"):
        verify(world, image, digest, seconds=300)
    assert time.monotonic() - started < 100
    deleting.join()


def test_another_digest_than_the_releases_is_not_believed(world: World, image: str, digest: str) -> None:
    world.objects = [web(f"{image}@{digest}")]
    world.sync()
    message, _ = failed(world, image, OTHER, seconds=8)
    assert f"not {OTHER}" in message


def test_a_failed_smoke_check_is_told(world: World, image: str, digest: str) -> None:
    world.objects = [web(f"{image}@{digest}"), service()]
    world.sync()
    message, _ = failed(world, image, digest, SmokeCheck(service="web", port=80, contains="goodbye"))
    assert "web:80/: answered 200, but the body does not contain 'goodbye'" in message


def test_a_crash_loop_ends_the_wait_and_names_the_command_that_shows_the_log(
    world: World, image: str, digest: str
) -> None:
    script = "echo started well; echo password=canary-1; exit 3"
    world.objects = [web(f"{image}@{digest}", script)]
    world.sync()
    message, seconds = failed(world, image, digest, seconds=120)
    assert seconds < 90
    assert "CrashLoopBackOff" in message
    assert "exit code 3" in message
    assert f"kubectl -n {world.namespace} logs web-" in message
    assert "started well" not in message
    assert "canary-1" not in message


def test_an_image_that_is_not_there_ends_the_wait(world: World, image: str) -> None:
    world.objects = [web(f"{image}@{OTHER}")]
    world.sync()
    message, seconds = failed(world, image, OTHER, seconds=120)
    assert seconds < 60
    assert "ImagePullBackOff" in message


def test_an_invalid_image_name_ends_the_wait(world: World, image: str) -> None:
    world.objects = [web("Not A Name")]
    world.sync()
    message, seconds = failed(world, image, None, seconds=60)
    assert seconds < 20
    assert "InvalidImageName" in message


def test_a_roll_out_past_its_deadline_names_the_probe(world: World, image: str, digest: str) -> None:
    world.objects = [web(f"{image}@{digest}", probe=9, seconds=5)]
    world.sync()
    message, seconds = failed(world, image, digest, seconds=60)
    assert seconds < 30
    assert "ProgressDeadlineExceeded" in message
    assert "Readiness probe failed" in message


def test_a_rollback_after_a_failed_roll_out_is_not_taken_for_failed(
    world: World, image: str, digest: str
) -> None:
    world.objects = [web(f"{image}@{digest}", seconds=5)]
    world.sync()
    verify(world, image, digest)
    good = world.objects
    world.objects = [web(f"{image}@{digest}", probe=9, seconds=5)]
    world.sync()
    failed(world, image, digest, seconds=60)
    world.objects = good
    world.sync()
    assert verify(world, image, digest).healthy


def test_the_deadline_is_kept_when_nothing_is_decided(world: World, image: str, digest: str) -> None:
    world.objects = [web(f"{image}@{digest}", "exec sleep 1000")]
    world.sync()
    message, seconds = failed(world, image, digest, seconds=4)
    assert 4 <= seconds < 10
    assert "did not become healthy in time" in message


def test_a_failed_job_ends_the_wait(world: World, image: str, digest: str) -> None:
    container = {"name": "job", "image": f"{image}@{digest}", "command": ["sh", "-c", "echo no luck; exit 1"]}
    pod = {"restartPolicy": "Never", "containers": [container]}
    spec = {"backoffLimit": 0, "template": {"spec": pod}}
    job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "job"}, "spec": spec}
    world.objects = [job]
    world.sync()
    message, seconds = failed(world, image, digest, seconds=60)
    assert seconds < 30
    assert "BackoffLimitExceeded" in message
    assert "no luck" not in message, "what a pod logs may be secret"
    assert "its log: kubectl -n " in message


BOAT = """\
apiVersion: towpath.dev/v2
environments: [{name: test, namespace: %s}]
healthCheckExprs:
  - apiVersion: %s/v1
    kind: Boat
    inProgress: status.phase == 'Launching'
    failed: status.phase == 'Sunk'
    current: status.phase == 'Afloat'
"""


@pytest.fixture
def boats(world: World) -> Iterator[Judges]:
    """A custom resource whose health only `healthCheckExprs` can tell, applied; its judges."""
    group = f"{world.namespace}.example.com"
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    version["subresources"] = {"status": {}}
    names = {"plural": "boats", "kind": "Boat", "singular": "boat", "listKind": "BoatList"}
    spec = {"group": group, "scope": "Namespaced", "names": names, "versions": [version]}
    crd = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "spec": spec}
    crd["metadata"] = {"name": f"boats.{group}"}
    boat = {"apiVersion": f"{group}/v1", "kind": "Boat", "metadata": {"name": "one"}, "spec": {"length": 7}}
    world.objects = [crd, boat]
    world.sync()
    yield judges_of(parse_config(BOAT % (world.namespace, group)).health_check_exprs)
    world.kubectl("delete", "crd", f"boats.{group}", "--ignore-not-found", "--wait=false")


def sail(world: World, phase: str) -> None:
    """What the boats' operator would write."""
    patch = json.dumps({"status": {"phase": phase}})
    kind = f"boats.{world.namespace}.example.com"
    world.kubectl("patch", kind, "one", "--type=merge", "--subresource=status", "-p", patch)


def verify_boats(world: World, boats: Judges, seconds: float, said: list[str]) -> Verification:
    return verify_app(
        world.cluster,
        world.rendered,
        App(image="example.com/boats"),
        world.environment,
        (),
        deadline=timedelta(seconds=seconds),
        own=boats,
        on_progress=said.append,
    )


def test_health_check_expressions_are_waited_for(world: World, boats: Judges) -> None:
    said: list[str] = []
    sail(world, "Launching")
    operator = threading.Timer(3.0, sail, (world, "Afloat"))
    operator.start()
    started = time.monotonic()
    result = verify_boats(world, boats, 60, said)
    operator.join()
    assert time.monotonic() - started >= 3.0
    assert {each.ref.kind: str(each.health.status) for each in result.verdicts} == {
        "CustomResourceDefinition": "Healthy",
        "Boat": "Healthy",
    }
    assert any("inProgress holds: status.phase == 'Launching'" in line for line in said)


def test_a_health_check_expression_that_failed_ends_the_wait(world: World, boats: Judges) -> None:
    sail(world, "Sunk")
    started = time.monotonic()
    with pytest.raises(VerifyError, match=r"cannot become healthy") as caught:
        verify_boats(world, boats, 120, [])
    assert time.monotonic() - started < 30
    assert "one: Degraded: failed holds: status.phase == 'Sunk'" in caught.value.message


def test_a_health_check_expression_that_never_holds_is_no_health(world: World, boats: Judges) -> None:
    with pytest.raises(VerifyError, match="did not become healthy in time") as caught:
        verify_boats(world, boats, 3, [])
    assert "current does not hold yet: status.phase == 'Afloat'" in caught.value.message


def test_health_that_does_not_hold_until_the_second_read_is_not_believed(world: World, boats: Judges) -> None:
    """It sinks as soon as the first look finds it afloat."""
    sail(world, "Afloat")

    class Spoiler(list[str]):
        def append(self, line: str) -> None:
            super().append(line)
            if line == "healthy":
                sail(world, "Sunk")

    said = Spoiler()
    with pytest.raises(VerifyError, match="Sunk"):
        verify_boats(world, boats, 60, said)
    assert "healthy" in said


def test_warning_events_of_what_makes_no_pods_are_told(world: World, image: str, digest: str) -> None:
    """No pod ever comes: the ReplicaSet's events say why."""
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "none"}}
    world.objects = [{**quota, "spec": {"hard": {"pods": "0"}}}, web(f"{image}@{digest}", seconds=5)]
    world.sync()
    message, _ = failed(world, image, digest, seconds=60)
    assert "exceeded quota: none" in message
