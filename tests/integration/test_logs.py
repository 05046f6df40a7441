"""`towpath logs` against real pods: their lines, what a container said before it restarted, and following.

Needs a kubelet, so it runs on the whole local stack only.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.manifests import secret
from tests.integration.running import TOWPATH
from tests.integration.test_plan_and_diff import commit, git
from tests.integration.test_verify import web
from tests.integration.verb import towpath
from tests.integration.world import World
from towpath.adapters.registries.registry import read_manifest
from towpath.formats.versions import V2
from towpath.objects import Manifest
from towpath.release.model import EnvironmentRelease, Release, ScanSummary, one_image
from towpath.release.release_file import dump_release_file

pytestmark = pytest.mark.integration
PASSWORD = "hunter2-and-more"
TALKS = f"echo begun; echo the password is {PASSWORD}; while true; do date +tick-%s; sleep 1; done"
DIES = "[ -e /once/died ] && echo I wait && sleep 3600; touch /once/died; echo I die; sleep 2; exit 3"
CONFIG = """\
apiVersion: towpath.dev/v2
apps: {hello: {image: %s, renderer: plain}}
environments: [{name: test, namespace: %s}]
"""


@pytest.fixture
def image(stack) -> str:  # type: ignore[no-untyped-def]
    name = f"{stack.registry}/base/busybox"
    return f"{name}@{read_manifest(f'{name}:1').digest}"


def released(world: World, image: str, folder: Path, *objects: Manifest) -> Path:
    """A repository whose app is these objects, which are synced."""
    name, _, digest = image.partition("@")
    (folder / "apps/hello/test").mkdir(parents=True)
    (folder / "towpath.yaml").write_text(CONFIG % (name, world.namespace))
    for each in objects:
        (folder / f"apps/hello/test/{each['kind'].lower()}.yaml").write_text(json.dumps(each))
    images = one_image("hello", name, digest)
    release = Release("hello", images, "c" * 40, "", "Say hello", "Ann", "", ScanSummary("passed"), "")
    state = EnvironmentRelease(release, "2026-01-01T00:00:00Z", "ann")
    (folder / "apps/hello/test/release.yaml").write_text(dump_release_file(state, V2))
    git(folder, "init", "--quiet", "--initial-branch=main")
    commit(folder)
    world.objects = list(objects)
    world.sync()
    return folder


@pytest.fixture
def talking(world: World, image: str, tmp_path: Path) -> Path:
    """Two pods that write all the time; the first lines have a Secret's value."""
    workload = web(image, TALKS, replicas=2)
    del workload["spec"]["template"]["spec"]["containers"][0]["readinessProbe"]
    folder = released(world, image, tmp_path / "environments", workload, secret("db", password=PASSWORD))
    world.kubectl("rollout", "status", "deployment/web", "--timeout=120s")
    deadline = time.monotonic() + 60
    while not all("begun" in world.kubectl("logs", pod) for pod in pods(world)):
        assert time.monotonic() < deadline, "a pod that runs does not talk"
        time.sleep(0.5)
    return folder


def pods(world: World) -> set[str]:
    return set(world.kubectl("get", "pods", "-o", "jsonpath={.items[*].metadata.name}").split())


def test_lines_of_all_pods_are_printed_with_their_names_and_no_secret(world: World, talking: Path) -> None:
    code, said = towpath(world, talking, "logs", "hello", "test", "--since", "1h")
    assert code == 0, said
    assert PASSWORD not in said
    for pod in pods(world):
        assert f"{pod}/web: begun" in said
        assert f"{pod}/web: the password is ***" in said
    code, said = towpath(world, talking, "logs", "hello", "test", "--tail", "1", "--output", "json")
    lines = [json.loads(line) for line in said.splitlines()]
    assert {line["pod"] for line in lines} == pods(world)
    assert all(line["time"] and line["line"].startswith("tick-") for line in lines)


def test_what_a_container_said_before_it_restarted(world: World, image: str, tmp_path: Path) -> None:
    workload = web(image, DIES)
    pod_spec = workload["spec"]["template"]["spec"]
    pod_spec["containers"][0]["readinessProbe"] = {"exec": {"command": ["/bin/false"]}}
    pod_spec["volumes"] = [{"name": "once", "emptyDir": {}}]
    pod_spec["containers"][0]["volumeMounts"] = [{"name": "once", "mountPath": "/once"}]
    folder = released(world, image, tmp_path / "environments", workload)
    restarted = "--for=jsonpath={.items[0].status.containerStatuses[0].restartCount}=1"
    world.kubectl("wait", "--for=create", "pod", "-l", "app=web", "--timeout=60s")
    (pod,) = pods(world)
    world.kubectl("wait", f"pod/{pod}", restarted.replace(".items[0]", ""), "--timeout=120s")
    deadline = time.monotonic() + 60
    while (told := towpath(world, folder, "logs", "hello", "test", "--previous")) != (0, "I die\n"):
        # After a restart the kubelet may have taken one away that the pod's status names still.
        assert (told[0], "unable to retrieve" in told[1]) == (0, True), told
        assert time.monotonic() < deadline, told
    code, said = towpath(world, folder, "logs", "hello", "test", "--container", "wbe")
    assert code == 1
    assert "Did you mean web?" in said
    code, said = towpath(world, folder, "get", "hello", "test")
    assert code == 0
    assert "I wait" in said


@pytest.fixture
def following(world: World, talking: Path) -> Iterator["subprocess.Popen[str]"]:
    """`towpath logs --follow` as a person runs it."""
    environment = {
        **os.environ,
        "KUBECONFIG": str(world.kubeconfig),
        "TOWPATH_ENVIRONMENTS": f"file://{talking}",
        "TOWPATH_GIT_ALLOW_FILE": "1",
        "TOWPATH_CACHE": str(talking.parent / "cache"),
        "PYTHONPATH": os.pathsep.join(sys.path),
        "PYTHONUNBUFFERED": "1",
    }
    command = [TOWPATH, "logs", "hello", "test", "--follow", "--tail", "1"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


@pytest.mark.timeout(240)
def test_following_takes_up_pods_that_come_later(world: World, following: "subprocess.Popen[str]") -> None:
    assert following.stdout
    before = pods(world)
    seen: set[str] = set()
    for line in following.stdout:
        seen.add(line.partition("/")[0])
        if seen >= before:
            break
    world.kubectl("delete", "pod", sorted(before)[0], "--wait=false")
    for line in following.stdout:
        name, _, text = line.partition(": ")
        pod = name.partition("/")[0]
        if pod not in before:
            assert text.startswith(("begun", "the password is ***", "tick-"))
            break
