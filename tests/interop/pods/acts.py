"""The demo's acts on an installation: deliveries are asked for at its door, and done by its pods."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.interop.pods import builder
from tests.interop.pods.cluster import ROOT, PodsCluster
from tests.interop.pods.layout import REGISTRY
from tests.interop.pods.site import APP, DOCTOR, HOME, TOWPATH, Site, Tell
from towpath.adapters.process import Completed, run
from towpath.demo import story, world
from towpath.install.objects import MANAGER
from towpath.local.parts.seed import DEFAULT_REGISTRY, REPOSITORIES, seed, substitute
from towpath.settings import TRUSTED_KEYS, Settings

IMAGES = ("server", "agent", "stores", "buildkit", "build-agent")
"""What the cluster runs, besides the app."""
SCRIPT = ROOT / "deployments" / "ci" / "deliver.sh"
SOURCE = "demo/hello"
SECRET = "a-secret-of-the-demo-in-a-cluster"
INSIDE = ("name: towpath-environment", f"name: {HOME}-towpath-inside")
"""The ClusterRole of all rights in a namespace: the local stack's, and the chart's."""
DOOR = {
    "enabled": True,
    "host": "door.example.com",
    "secret": "towpath-door",
    "ingress": {"enabled": False},
    "config": {
        "repositories": [
            {"name": SOURCE, "apps": [APP], "secrets": [{"file": "/etc/towpath/secrets/ask"}]},
        ]
    },
}


@dataclass(frozen=True, slots=True)
class InstalledWorld(world.World):
    """Programs run in the cluster's network, as of somebody who has its credentials."""

    cluster: PodsCluster

    def towpath(self, *args: str, tell: Tell | None = None, codes: tuple[int, ...] = (0,)) -> Completed:
        command = self.cluster.entering(TOWPATH, *args)
        return run(command, env=self.environ, timeout=world.COMMAND_TIMEOUT, codes=codes, on_line=tell)

    def kubectl(self, *args: str, codes: tuple[int, ...] = (0,)) -> str:
        command = self.cluster.entering("kubectl", *args)
        return run(command, env=self.environ, timeout=300, codes=codes).stdout.strip()

    def tags(self) -> set[str]:
        held = self.cluster.layout.images / "docker/registry/v2/repositories" / APP / "_manifests/tags"
        return {each.name for each in held.iterdir()}


@dataclass(frozen=True, slots=True)
class InstalledStage(story.Stage):
    """A CI job asks for deliveries: it has the address of the door and a secret, and nothing else."""

    cluster: PodsCluster
    door: str

    def deliver(self, codes: tuple[int, ...] = (0,)) -> None:
        commit = self.world.git("--git-dir", self.world.source, "rev-parse", "main")
        environ = {
            "PATH": self.world.environ["PATH"],
            "TOWPATH_SECRET": SECRET,
            "TOWPATH_REPOSITORY": SOURCE,
            "TOWPATH_REF": "refs/heads/main",
            "TOWPATH_COMMIT": commit,
            "TOWPATH_INTERVAL": "1",
        }
        self.tell(f"$ deliver.sh {self.door} {APP}")
        command = self.cluster.entering("sh", SCRIPT, self.door, APP)
        run(command, env=environ, timeout=world.COMMAND_TIMEOUT, codes=codes, on_line=self.progress)


def install(site: Site) -> None:
    """Towpath with three agents, a door, and a build agent with its BuildKit."""
    builder.bring(site)
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "towpath-door", "namespace": HOME}}
    site.cluster.apply(secret | {"stringData": {"ask": SECRET}})
    repositories = site.cluster.layout.repositories
    seed(ROOT / "examples" / APP, repositories / f"{APP}.git", REPOSITORIES[APP], registry=REGISTRY)
    site.seed(_environments(site))
    site.install(site.values(build=builder.values(site), door=DOOR))
    site.until(lambda: site.towpath(*DOCTOR).returncode == 0, "doctor finds nothing", 120)


def stage(site: Site, tell: Tell, progress: Tell) -> InstalledStage:
    """What the chapters need, of an installation."""
    cluster = site.cluster
    examples, trusted = site.folder / "examples", site.folder / "allowed_signers"
    if not examples.exists():
        for name in (APP, "variants"):
            shutil.copytree(ROOT / "examples" / name, examples / name)
        substitute(examples, DEFAULT_REGISTRY, REGISTRY)
    keys = cluster.get("configmap", "towpath-trusted-keys", "--namespace", HOME)
    trusted.write_text(keys["data"]["allowed_signers"])
    environ = {**cluster.environ, **site.variables, **site.people, TRUSTED_KEYS: str(trusted)}
    files = {"TOWPATH_ENVIRONMENTS": str(cluster.layout.repositories / "environments.git")}
    work = site.folder / "work"
    work.mkdir(exist_ok=True)
    seen = InstalledWorld(Settings.load(environ | files), environ, work, cluster)
    address = cluster.get("service", "towpath-door", "--namespace", HOME)["spec"]["clusterIP"]
    return InstalledStage(seen, examples, tell, progress, cluster, f"http://{address}")


def _environments(site: Site) -> Path:
    """The example, with the chart's ClusterRole, and namespaces that `towpath install` has made."""
    work = site.environments
    shutil.copytree(ROOT / "examples" / "environments", work)
    substitute(work, DEFAULT_REGISTRY, REGISTRY)
    substitute(work, *INSIDE)
    path = work / "towpath.yaml"
    config: dict[str, Any] = yaml.safe_load(path.read_text())
    for each in config["environments"]:
        each |= {"timeout": "300s", "apps": {APP: {"takeOver": [MANAGER]}}}
    path.write_text(yaml.safe_dump(config, sort_keys=False))
    return work
