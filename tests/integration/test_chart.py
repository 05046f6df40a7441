"""deployments/chart: a real API server takes every object, and an agent's rights are enough and not more."""

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.chart import EXAMPLES, example, one, rendered
from tests.integration.manifests import configmap, secret
from tests.integration.running import RunningStack
from tests.integration.watched import watched
from tests.integration.world import World, throw_away
from towpath.objects import Manifest

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

CLUSTER_WIDE = (
    "clusterrolebinding",
    "clusterrole",
    "validatingadmissionpolicybinding",
    "validatingadmissionpolicy",
)
MONITORING = ("PrometheusRule", "PodMonitor")
"""Kinds of the Prometheus operator, which the test's cluster has not."""


@pytest.fixture
def home(stack: RunningStack) -> Iterator[World]:
    """The namespace that stands for `towpath-system`; what is made for the whole cluster goes with it."""
    with throw_away(stack.settings) as home:
        home.kubectl("label", "namespace", home.namespace, "pod-security.kubernetes.io/enforce=restricted")
        yield home
        for kind in CLUSTER_WIDE:
            home.kubectl("delete", kind, "-l", f"app.kubernetes.io/instance={release(home)}")


def release(home: World) -> str:
    """A name of this test's own: objects of the whole cluster are found by it."""
    return f"towpath-{home.namespace}"[:40]


def objects_of(home: World, values: Path, changes: dict[str, Any]) -> list[Manifest]:
    return rendered(values, changes, release=release(home), namespace=home.namespace)


def of_environment(home: World, environment: str) -> list[Manifest]:
    """An agent alone, as an administrator installs it."""
    return objects_of(home, example("agent-alone"), {"agents": {environment: {}}})


def apply(home: World, *objects: Manifest, dry_run: bool = False) -> list[str]:
    """As an admin, and without a namespace of our choice."""
    done = subprocess.run(
        [
            *(home.kubectl_path, "--kubeconfig", home.kubeconfig, "apply", "--server-side"),
            *(["--dry-run=server"] if dry_run else []),
            *("--validate=strict", "-o", "name", "-f", "-"),
        ],
        input=yaml.safe_dump_all(objects),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.split()


@pytest.mark.parametrize("values", EXAMPLES, ids=lambda path: path.stem)
def test_the_api_server_takes_every_object_of_each_example(
    values: Path, stack: RunningStack, home: World
) -> None:
    """A warning is a failure, too: of Pod Security, for example."""
    content = yaml.safe_load(values.read_text())
    with throw_away(stack.settings) as world, throw_away(stack.settings) as builders:
        changes: dict[str, Any] = {
            f"agents.{name}": {"namespace": world.namespace} for name in content.get("agents", ())
        }
        if "buildkit" in content.get("build", ()):
            changes["build.buildkit.server.namespace"] = builders.namespace
            privileged = "pod-security.kubernetes.io/enforce=privileged"
            builders.kubectl("label", "namespace", builders.namespace, privileged)
        objects = objects_of(home, values, changes)
        known = [each for each in objects if each["kind"] not in MONITORING]
        assert len(apply(home, *known, dry_run=True)) == len(known)
        for (namespace, name), pod in pods_of(objects).items():
            manifest = {"apiVersion": "v1", "kind": "Pod", "spec": pod}
            manifest["metadata"] = {"name": name, "namespace": namespace}
            pod.pop("serviceAccountName", None)  # a dry run has not made it
            assert apply(home, manifest, dry_run=True) == [f"pod/{name}"]


def pods_of(objects: list[Manifest]) -> dict[tuple[str, str], Manifest]:
    """By namespace and name. Claims of a StatefulSet are volumes of its pods."""
    found = {}
    for each in objects:
        if each["kind"] in ("Deployment", "StatefulSet"):
            spec = each["spec"]["template"]["spec"]
            for claim in each["spec"].get("volumeClaimTemplates", ()):
                spec["volumes"].append({"name": claim["metadata"]["name"], "emptyDir": {}})
            found[each["metadata"]["namespace"], each["metadata"]["name"]] = spec
    return found


def test_once_more_changes_nothing(stack: RunningStack, home: World) -> None:
    with throw_away(stack.settings) as world:
        objects = of_environment(home, world.namespace)
        assert len(apply(home, *objects)) == len(objects) == 13
        assert len(apply(home, *objects)) == 13


def account_of(world: World, home: World, folder: Path) -> Path:
    """A kubeconfig of the environment's ServiceAccount."""
    config = yaml.safe_load(world.kubectl("config", "view", "--raw", "--flatten"))
    token = home.kubectl("create", "token", f"towpath-{world.namespace}").strip()
    config["users"] = [{"name": config["contexts"][0]["context"]["user"], "user": {"token": token}}]
    path = folder / "kubeconfig"
    path.write_text(json.dumps(config))
    return path


def may(world: World, home: World, *what: str) -> bool:
    account = f"system:serviceaccount:{home.namespace}:towpath-{world.namespace}"
    done = subprocess.run(
        [
            *(world.kubectl_path, "--kubeconfig", world.kubeconfig, "auth", "can-i", f"--as={account}"),
            *what,
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() in ("yes", "no"), done.stderr
    return done.stdout.strip() == "yes"


def test_its_account_watches_and_heals_and_restores_its_namespace(stack: RunningStack, home: World) -> None:
    def account(world: World, folder: Path) -> Path:
        apply(home, *of_environment(home, world.namespace))
        return account_of(world, home, folder)

    apps = {"app": [configmap("c0", a="1"), configmap("c1", a="1"), secret("token", T="x")]}
    with watched(stack, apps, account) as here:
        world = here.world
        space: Manifest = {"apiVersion": "v1", "kind": "Namespace"}
        space["metadata"] = {"name": world.namespace, "labels": {"team": "shop"}}
        objects = of_environment(home, world.namespace)
        binding = one(objects, "RoleBinding", "towpath")
        binding["metadata"]["annotations"] = {"towpath.dev/wave": "-1"}
        here.push({"app": [*apps["app"], space, binding]})
        here.until(lambda: labels(world).get("team") == "shop", "its own Namespace is carried out")
        here.until(here.quiet, "in sync")
        assert here.get("/readyz").status_code == 200, "everything is being watched"

        here.edit("c0")
        world.kubectl("delete", "configmap", "c1")
        here.until(lambda: here.value("c0") == here.value("c1") == "1", "both are back")
        world.kubectl("label", "--overwrite", "namespace", world.namespace, "team=other")
        here.until(lambda: labels(world)["team"] == "shop", "so is the Namespace's label")
        here.until(here.quiet, "in sync")
        assert not here.runs("FAILED", "CRASHED")
        assert here.get("/readyz").status_code == 200

        world.kubectl("delete", "namespace", world.namespace)
        here.until(lambda: here.value("c0") == here.value("c1") == "1", "all of it is back, its rights first")
        here.until(here.quiet, "in sync")


def test_an_account_may_do_nothing_elsewhere(stack: RunningStack, home: World) -> None:
    with throw_away(stack.settings) as world:
        apply(home, *of_environment(home, world.namespace))
        assert may(world, home, "patch", f"namespaces/{world.namespace}")
        assert may(world, home, "delete", "secrets", "-n", world.namespace)
        for what in (
            ("get", "secrets", "-n", home.namespace),
            ("list", "pods", "-A"),
            ("patch", "namespaces/kube-system"),
            ("delete", f"namespaces/{world.namespace}"),
            ("bind", "clusterroles/cluster-admin"),
            ("create", "clusterrolebindings"),
        ):
            assert not may(world, home, *what), what
        inside = f"{home.namespace}-{release(home)}-inside"
        bind = ("create", "rolebinding", "mine", f"--clusterrole={inside}", "--user=me")
        own = f"of {world.namespace} only, not of "
        until(lambda: f"{own}kube-system" in refusal(world, home, *bind, "-n", "kube-system"))
        assert f"{own}stray" in refusal(world, home, "create", "namespace", "stray")
        assert refusal(world, home, *bind, "-n", world.namespace) == ""


def until(holds: Callable[[], bool]) -> None:
    """An admission policy counts some moments after it was made."""
    end = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.5)


def refusal(world: World, home: World, *command: str) -> str:
    """What the API server says to the account; empty: it would have done it."""
    account = f"system:serviceaccount:{home.namespace}:towpath-{world.namespace}"
    done = subprocess.run(
        [
            *(world.kubectl_path, "--kubeconfig", world.kubeconfig, *command),
            *(f"--as={account}", "--dry-run=server"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stderr if done.returncode else ""


def labels(world: World) -> dict[str, str]:
    found: dict[str, str] = world.live("namespace", world.namespace)["metadata"]["labels"]
    return found
