"""The verbs of every day on the real API server: what is there, whose it is, waiting, restarting, leaving.

No pod is needed: a Deployment whose pods cannot run is what people ask about.
"""

import json
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from tests.integration.manifests import configmap, deployment, secret
from tests.integration.test_plan_and_diff import commit, git
from tests.integration.verb import towpath
from tests.integration.world import World
from towpath.applyset.prune_file import parse_prune_file
from towpath.engine.operate.restart import MANAGER
from towpath.fields.managed_fields import RESTARTED_ANNOTATION
from towpath.formats.versions import V2
from towpath.objects import Manifest
from towpath.release.model import EnvironmentRelease, Release, ScanSummary, one_image
from towpath.release.release_file import dump_release_file

pytestmark = pytest.mark.integration
IMAGE = "127.0.0.1:5000/none"
DIGEST = "sha256:" + "0" * 64
CONFIG = """\
apiVersion: towpath.dev/v2
apps: {hello: {image: 127.0.0.1:5000/none, renderer: plain}}
environments: [{name: test, namespace: %s, timeout: 5s}]
"""


@pytest.fixture
def objects() -> list[Manifest]:
    return [deployment(), configmap("settings", A="1"), secret("db", password="hunter2-and-more")]


@pytest.fixture
def repository(world: World, objects: list[Manifest], tmp_path: Path) -> Path:
    """The app as it is synced, released, in a repository that can be pushed to."""
    folder = tmp_path / "environments"
    (folder / "apps/hello/test").mkdir(parents=True)
    (folder / "towpath.yaml").write_text(CONFIG % world.namespace)
    for each in objects:
        (folder / f"apps/hello/test/{each['kind'].lower()}.yaml").write_text(json.dumps(each))
    images = one_image("hello", IMAGE, DIGEST)
    release = Release("hello", images, "c" * 40, "", "Say hello", "Ann", "", ScanSummary("passed"), "")
    state = EnvironmentRelease(release, "2026-01-01T00:00:00Z", "ann", approved_by=("bob",))
    (folder / "apps/hello/test/release.yaml").write_text(dump_release_file(state, V2))
    git(folder, "init", "--quiet", "--initial-branch=main")
    commit(folder)
    bare = tmp_path / "environments.git"
    subprocess.run(["git", "clone", "--quiet", "--bare", str(folder), str(bare)], check=True)
    return bare


def told(world: World, repository: Path, *arguments: str, code: int = 0) -> Any:
    """The verb's JSON; its schema is checked on the way."""
    done, said = towpath(world, repository, *arguments, "--output", "json")
    assert done == code, said
    return json.loads(said)


def named(objects: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {each["kind"]: each for each in objects}


def test_what_is_not_synced_yet_is_missing_and_not_healthy(world: World, repository: Path) -> None:
    (tree,) = told(world, repository, "get", "hello")["environments"]
    assert (tree["health"], tree["applied_commit"]) == ("Missing", None)
    waited = told(world, repository, "wait", "hello", "test", "--synced", "--timeout", "1s", code=3)
    assert (waited["outcome"], waited["synced"]) == ("timeout", False)


def test_a_healthy_app_is_shown_waited_for_and_restarted_without_drift(
    world: World, repository: Path
) -> None:
    world.sync()
    world.kubectl("rollout", "status", "deployment/hello", "--timeout=60s")
    (tree,) = told(world, repository, "get", "hello", "test")["environments"]
    assert (tree["health"], tree["message"]) == ("Healthy", "")
    assert set(named(tree["objects"])) == {"ConfigMap", "Deployment", "Secret"}
    waited = told(world, repository, "wait", "hello", "test", "--healthy", "--timeout", "60s")
    assert (waited["outcome"], waited["healthy"]) == ("reached", True)

    restarted = told(world, repository, "restart", "hello", "test", "deploy/hello")
    live = world.live("deployment", "hello")
    assert live["spec"]["template"]["metadata"]["annotations"] == {RESTARTED_ANNOTATION: restarted["at"]}
    assert [
        each["operation"] for each in live["metadata"]["managedFields"] if each["manager"] == MANAGER
    ] == ["Apply"]
    assert world.drift().entries == ()
    time.sleep(1.1)  # the annotation has whole seconds
    world.kubectl("rollout", "restart", "deployment/hello")  # whoever did it before does not own it
    time.sleep(1.1)
    told(world, repository, "restart", "hello", "test")
    assert world.drift().entries == ()
    world.objects[0]["spec"]["template"]["spec"]["containers"][0]["env"][0]["value"] = "changed"
    world.sync()
    annotations = world.live("deployment", "hello")["spec"]["template"]["metadata"]["annotations"]
    assert RESTARTED_ANNOTATION in annotations


def test_what_is_unhealthy_is_shown_with_pods_and_events_and_no_secret(
    world: World, repository: Path
) -> None:
    world.objects[0]["spec"]["replicas"] = 1
    world.objects[0]["spec"]["template"]["spec"]["nodeSelector"] = {"towpath.dev/test": "nowhere"}
    world.sync()
    world.kubectl("wait", "--for=create", "pod", "-l", "app=hello", "--timeout=60s")
    pod = json.loads(world.kubectl("get", "pod", "-l", "app=hello", "-o", "json"))["items"][0]
    event = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": "x", "namespace": world.namespace},
        "involvedObject": {
            "apiVersion": "v1",
            "kind": "Pod",
            "namespace": world.namespace,
            "name": pod["metadata"]["name"],
            "uid": pod["metadata"]["uid"],
        },
        "type": "Warning",
        "reason": "FailedMount",
        "message": "cannot log in with hunter2-and-more",
        "lastTimestamp": "2026-01-01T00:00:00Z",
        "count": 3,
    }
    world.kubectl("create", "-f", "-", text=json.dumps(event))
    (tree,) = told(world, repository, "get", "hello", "test")["environments"]
    assert tree["health"] == "Progressing"
    (replica_set,) = named(tree["objects"])["Deployment"]["children"]
    (shown,) = replica_set["children"]
    assert (shown["kind"], shown["owner"]["name"]) == ("Pod", replica_set["name"])
    assert {"FailedMount"} <= {each["reason"] for each in shown["events"]}
    code, said = towpath(world, repository, "get", "hello", "test")
    assert code == 0
    assert "cannot log in with ***" in said
    assert "hunter2-and-more" not in said
    code, said = towpath(world, repository, "wait", "hello", "test", "--timeout", "1s")
    assert code == 3
    assert "Deployment" in said

    code, said = towpath(world, repository, "logs", "hello", "test")
    assert (code, said) == (0, ""), "its pod is on no node, so nothing was written"

    found = told(world, repository, "trace", f"po/{pod['metadata']['name']}")["traces"][0]
    assert [each["kind"] for each in found["owners"]] == ["ReplicaSet", "Deployment"]
    assert (found["app"], found["standing"], found["applied_commit"]) == ("hello", "inventory", "c" * 40)
    assert (found["file"], found["release"]["approved_by"]) == ("apps/hello/test/deployment.yaml", ["bob"])


def test_objects_of_nobody_and_of_kubectl_are_traced_to_who_wrote_them(
    world: World, repository: Path
) -> None:
    world.sync()
    world.kubectl("create", "configmap", "mine", "--from-literal=a=b")
    found = told(world, repository, "trace", "cm/mine", code=1)["traces"][0]
    assert (found["standing"], found["managers"]) == ("none", ["kubectl-create"])


def test_an_app_leaves_and_exactly_what_was_shown_is_confirmed(world: World, repository: Path) -> None:
    world.sync()
    told_ = told(world, repository, "delete", "hello", "--prune", "--yes", "--reason", "it moved")
    (environment,) = told_["environments"]
    assert {each["kind"] for each in environment["delete"]} == {"ConfigMap", "Deployment", "Secret"}
    git_ = ["git", "-C", str(repository)]
    listed = subprocess.run([*git_, "ls-tree", "-r", "--name-only", "main"], check=True, capture_output=True)
    assert listed.stdout.decode().split() == ["apps/hello/test/prune.yaml", "towpath.yaml"]
    text = subprocess.run(
        [*git_, "show", "main:apps/hello/test/prune.yaml"], check=True, capture_output=True
    ).stdout.decode()
    confirmed = parse_prune_file(text)
    for ref, uid in confirmed.items():
        assert world.live(ref.kind.lower(), ref.name)["metadata"]["uid"] == uid
    code, said = towpath(world, repository, "plan", "hello", "test")
    assert (code, said.count("does not confirm")) == (0, 0), said
