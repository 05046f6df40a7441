"""A cluster into which tests install Towpath."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.chart import example
from tests.integration.running import RunningStack
from tests.integration.verb import towpath
from tests.integration.world import World, throw_away
from towpath.applyset.inventory import INSTALLED_LABEL
from towpath.objects import Manifest

CLUSTER_WIDE = (
    "clusterrolebinding,clusterrole,validatingadmissionpolicybinding,validatingadmissionpolicy,namespace"
)


@dataclass
class Site:
    """A cluster into which Towpath is installed: `home` and `place` are names of namespaces."""

    world: World
    folder: Path
    home: str
    place: str

    def values(self, **changes: Any) -> Path:
        """An agent alone, for the environment `far` in `place`."""
        content = {**yaml.safe_load(example("agent-alone").read_text()), "caBundle": {}}
        content["prefect"]["url"] = "http://127.0.0.1:9/api"
        content["agents"] = {"far": {"namespace": self.place}}
        path = self.folder / "values.yaml"
        path.write_text(yaml.safe_dump(content | changes))
        return path

    def run(self, *options: str, **changes: Any) -> tuple[int, str]:
        return self.towpath("--values", str(self.values(**changes)), *options)

    def towpath(self, *options: str, verb: str = "install") -> tuple[int, str]:
        where = ("--context", self.context, "--namespace", self.home)
        return towpath(self.world, self.folder / "none", verb, *where, *options)

    @property
    def context(self) -> str:
        return self.world.kubectl("config", "current-context").strip()

    def make(self, name: str, **content: str) -> None:
        """What is the user's own, with the namespace if there is none yet."""
        literals = [f"--from-literal={key.replace('_', '-')}={value}" for key, value in content.items()]
        if not self.there("namespace", self.home):
            self.world.kubectl("create", "namespace", self.home)
        self.world.kubectl("-n", self.home, "create", "secret", "generic", name, *literals)

    def there(self, kind: str, name: str) -> Manifest | None:
        text = self.world.kubectl("-n", self.home, "get", kind, name, "-o", "json", "--ignore-not-found")
        found: Manifest | None = json.loads(text) if text else None
        return found

    def all_of_it(self) -> dict[str, str]:
        """resourceVersion of everything that an installation might have written."""
        kinds = f"{CLUSTER_WIDE},all,secret,configmap,serviceaccount,networkpolicy,rolebinding,pdb"
        text = self.world.kubectl("get", kinds, "-A", "-l", f"{INSTALLED_LABEL}={self.home}", "-o", "json")
        items = json.loads(text)["items"]
        return {
            f"{each['kind']} {each['metadata']['name']}": each["metadata"]["resourceVersion"]
            for each in items
        }


def with_logins(site: Site) -> Site:
    site.make("towpath-prefect", auth_string="towpath:pass-of-this-test")
    site.make("towpath-git", ssh_privatekey="k", known_hosts="h")
    return site


def actions(text: str) -> dict[str, str]:
    return {
        f"{each['object']['kind']} {each['object']['name']}": each["action"]
        for each in json.loads(text)["entries"]
    }


@contextmanager
def a_site(stack: RunningStack, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """An empty cluster for an installation; keys of it are in the folder."""
    monkeypatch.setenv("TOWPATH_KEYS", str(folder / "keys"))
    monkeypatch.setenv("PATH", f"{stack.settings.tools}{os.pathsep}{os.environ['PATH']}")
    with throw_away(stack.settings) as world:
        site = Site(world, folder, f"{world.namespace}-home", f"{world.namespace}-place")
        yield site
        world.kubectl("delete", CLUSTER_WIDE, "--wait=false", "-l", f"{INSTALLED_LABEL}={site.home}")
        world.kubectl("delete", "namespace", "--wait=false", "--ignore-not-found", site.home, site.place)


@contextmanager
def account(site: Site, *rules: Mapping[str, Any]) -> Iterator[None]:
    """The commands of this are a ServiceAccount's that has these rights in the whole cluster."""
    world = site.world
    kinds = ("ClusterRole", "ClusterRoleBinding")
    head = {"apiVersion": "rbac.authorization.k8s.io/v1", "metadata": {"name": world.namespace}}
    role_ref = {"apiGroup": "rbac.authorization.k8s.io", "kind": kinds[0], "name": world.namespace}
    subject = {"kind": "ServiceAccount", "name": "team", "namespace": world.namespace}
    role = {**head, "kind": kinds[0], "rules": list(rules)}
    binding = {**head, "kind": kinds[1], "roleRef": role_ref, "subjects": [subject]}
    world.kubectl("create", "serviceaccount", "team")
    world.kubectl("apply", "-f", "-", text="\n---\n".join(map(json.dumps, (role, binding))))
    config = yaml.safe_load(world.kubectl("config", "view", "--raw", "--flatten"))
    token = world.kubectl("create", "token", "team").strip()
    config["users"] = [{"name": config["contexts"][0]["context"]["user"], "user": {"token": token}}]
    (site.folder / "kubeconfig").write_text(json.dumps(config))
    admin, world.kubeconfig = world.kubeconfig, site.folder / "kubeconfig"
    try:
        yield
    finally:
        world.kubeconfig = admin
        world.kubectl("delete", "clusterrolebinding,clusterrole", world.namespace)
