"""deployments/kubernetes/agent.yaml: a real API server takes it, and its rights are enough and not more."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.integration.manifests import configmap, secret
from tests.integration.running import RunningStack
from tests.integration.watched import watched
from tests.integration.world import World, throw_away
from towpath.local.common.stack import PROJECT
from towpath.objects import Manifest

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

MANIFEST = PROJECT / "deployments/kubernetes/agent.yaml"
CLUSTER_WIDE = (
    "clusterrolebinding",
    "clusterrole",
    "validatingadmissionpolicybinding",
    "validatingadmissionpolicy",
)


@pytest.fixture
def home(stack: RunningStack) -> Iterator[World]:
    """The namespace that stands for `towpath-system`; what is made for the whole cluster goes with it."""
    with throw_away(stack.settings) as home:
        yield home
        for kind in CLUSTER_WIDE:
            home.kubectl("delete", kind, "-l", f"test={home.namespace}")


def documents(environment: str, home: World) -> list[Manifest]:
    """The file as a user makes it his own; in names for the whole cluster `home` keeps tests apart."""
    text = MANIFEST.read_text()
    for old, new in (
        ("towpath-system", home.namespace),
        ("prod", environment),
        ("towpath-inside", f"{home.namespace}-inside"),
        ("towpath-own-namespace", f"{home.namespace}-own"),
    ):
        text = text.replace(old, new)
    found = list(yaml.safe_load_all(text))
    for each in found:
        each["metadata"].setdefault("labels", {})["test"] = home.namespace
    return found


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


def test_the_api_server_takes_every_document(stack: RunningStack, home: World) -> None:
    with throw_away(stack.settings) as world:
        found = documents(world.namespace, home)
        for each in found:
            assert len(apply(home, each, dry_run=True)) == 1
        assert len(apply(home, *found)) == len(found) == 11
        assert apply(home, *found), "and once more, as for a second environment of the cluster"


def test_its_account_watches_and_heals_and_may_do_nothing_elsewhere(stack: RunningStack, home: World) -> None:
    def account(world: World, folder: Path) -> Path:
        apply(home, *documents(world.namespace, home))
        return account_of(world, home, folder)

    apps = {"app": [configmap("c0", a="1"), configmap("c1", a="1"), secret("token", T="x")]}
    with watched(stack, apps, account) as here:
        world = here.world
        space: Manifest = {"apiVersion": "v1", "kind": "Namespace"}
        space["metadata"] = {"name": world.namespace, "labels": {"team": "shop"}}
        [binding] = [each for each in documents(world.namespace, home) if each["kind"] == "RoleBinding"]
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
        bind = ("create", "rolebinding", "mine", f"--clusterrole={home.namespace}-inside", "--user=me")
        own = f"of {world.namespace} only, not of "
        here.until(
            lambda: f"{own}kube-system" in refusal(world, home, *bind, "-n", "kube-system"),
            "nobody's namespace becomes its own by a binding",
        )
        assert f"{own}stray" in refusal(world, home, "create", "namespace", "stray")
        assert refusal(world, home, *bind, "-n", world.namespace) == ""

        world.kubectl("delete", "namespace", world.namespace)
        here.until(lambda: here.value("c0") == here.value("c1") == "1", "all of it is back, its rights first")
        here.until(here.quiet, "in sync")


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
