"""What is delivered in `benchmarks/mttp.py`: apps in Git, their namespaces, and addresses of Ingresses.

Each app has a Deployment of no replica, a ServiceAccount, a Service without an address and an Ingress, in a
namespace of its own.
"""

import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import httpx
import yaml

from benchmarks.git_http import git_http
from towpath.adapters.kubernetes import Cluster, connect
from towpath.errors import TransientError
from towpath.local.programs.tools import require
from towpath.objects import Manifest
from towpath.settings import Settings

ENVIRONMENT = "bench"
REPOSITORY = "environments.git"
REVISION = "mttp.example.com/revision"
LABEL = "mttp.example.com/home"
"""Of all that one measurement makes."""
ADDRESS = {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}


class Contender(Protocol):
    """An engine that runs, and delivers what is pushed."""

    def deliver(self, revision: str) -> None:
        """Push all apps, and tell the engine as a forge's hook does."""

    def settled(self, revision: str) -> bool:
        """Whether all is applied, and all is judged by the engine."""

    def ended(self) -> str:
        """What a process of the engine left that should still run; empty while all run."""


@dataclass(frozen=True)
class Apps:
    """The environment `bench` in a repository at `url`, each app in the namespace of its name."""

    folder: Path
    cluster: Cluster
    settings: Settings
    home: str
    names: tuple[str, ...]
    url: str

    def kubectl(self, *args: str, text: str = "") -> str:
        program = str(require("kubectl", self.settings))
        command = [program, "--kubeconfig", str(self.settings.kubeconfig), *args]
        return subprocess.run(command, input=text, check=True, capture_output=True, text=True).stdout

    def push(self, revision: str, *, empty: bool = False) -> str:
        """One commit, after which the branch has exactly the apps, or none of them; its SHA."""
        work, bare = self.folder / "work", self.folder / REPOSITORY
        names = () if empty else self.names
        if not work.exists():
            _git("init", "-q", "--bare", "-b", "main", str(bare))
            _git("init", "-q", "-b", "main", str(work))
        config = {
            "apiVersion": "towpath.dev/v2",
            "apps": {name: {"renderer": "plain", "namespace": name} for name in names},
            "environments": [{"name": ENVIRONMENT, "namespace": self.home, "timeout": "30m"}],
        }
        files = {"towpath.yaml": yaml.safe_dump(config)}
        for name in names:
            files[f"{path(name)}/app.yaml"] = yaml.safe_dump_all(objects(name, revision, self.home))
        for file, text in files.items():
            (work / file).parent.mkdir(parents=True, exist_ok=True)
            (work / file).write_text(text)
        _git("-C", str(work), "add", "-A")
        _git("-C", str(work), "commit", "-qm", f"Revision {revision}")
        _git("-C", str(work), "push", "-q", str(bare), "HEAD:main")
        return _git("-C", str(work), "rev-parse", "HEAD").strip()

    def applied(self, revision: str) -> bool:
        """Whether each Deployment has what the commit says."""
        found = self.cluster.list("apps", "Deployment", labels=f"{LABEL}={self.home}", metadata_only=True)
        done = sum(each["metadata"].get("annotations", {}).get(REVISION) == revision for each in found)
        return bool(done == len(self.names))


def path(name: str) -> str:
    """The app's folder in the repository."""
    return f"apps/{name}/{ENVIRONMENT}"


def objects(name: str, revision: str, home: str) -> list[Manifest]:
    metadata = {"name": name, "namespace": name, "labels": {LABEL: home, "app": name}}
    template = {
        "metadata": {"labels": {"app": name}, "annotations": {REVISION: revision}},
        "spec": {"serviceAccountName": name, "containers": [{"name": "app", "image": "example.com/app:1"}]},
    }
    backend = {"service": {"name": name, "port": {"number": 80}}}
    http = {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}

    def made(version: str, kind: str, **content: Any) -> Manifest:
        return {"apiVersion": version, "kind": kind, "metadata": metadata, **content}

    deployment = made(
        "apps/v1",
        "Deployment",
        spec={"replicas": 0, "selector": {"matchLabels": {"app": name}}, "template": template},
    )
    deployment["metadata"] = {**metadata, "annotations": {REVISION: revision}}
    service = {"clusterIP": "None", "selector": {"app": name}, "ports": [{"port": 80}]}
    rules = [{"host": f"{name}.example.com", "http": http}]
    return [
        made("v1", "ServiceAccount"),
        deployment,
        made("v1", "Service", spec=service),
        made("networking.k8s.io/v1", "Ingress", spec={"rules": rules}),
    ]


@contextmanager
def apps(count: int, home: str, settings: Settings, folder: Path) -> Iterator[Apps]:
    """Namespaces and an empty repository; the namespaces stay until `remove`."""
    names = tuple(f"{home}-{number:04}" for number in range(count))
    spaces = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": {LABEL: home}}}
        for name in (home, *names)
    ]
    cluster = connect(settings.kubeconfig, settings.context, allow_exec=settings.allow_exec)
    with git_http(folder) as url, addresses(str(settings.kubeconfig), home):
        made = Apps(folder, cluster, settings, home, names, f"{url}/{REPOSITORY}")
        made.kubectl("create", "-f", "-", text=yaml.safe_dump_all(spaces))
        made.push("0", empty=True)
        yield made


def remove(settings: Settings, home: str) -> None:
    """Begin to delete what a measurement has made."""
    program = str(require("kubectl", settings))
    which = ("namespace", "-l", f"{LABEL}={home}", "--wait=false")
    subprocess.run(
        [program, "--kubeconfig", str(settings.kubeconfig), "delete", *which],
        check=False,
        stdout=subprocess.DEVNULL,
    )


@contextmanager
def addresses(kubeconfig: str, home: str) -> Iterator[None]:
    """Stands for an Ingress controller: each Ingress gets an address as soon as it is seen."""
    from kubernetes import client, config, watch

    ingresses = client.NetworkingV1Api(config.new_client_from_config(kubeconfig))
    done = threading.Event()

    def keep() -> None:
        while not done.is_set():
            seen = watch.Watch().stream(
                ingresses.list_ingress_for_all_namespaces,
                label_selector=f"{LABEL}={home}",
                timeout_seconds=5,
            )
            for event in seen:
                metadata, status = event["object"].metadata, event["object"].status
                if event["type"] != "DELETED" and not status.load_balancer.ingress:
                    ingresses.patch_namespaced_ingress_status(
                        metadata.name, metadata.namespace, {"status": ADDRESS}
                    )

    thread = threading.Thread(target=keep, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join(10)


def until(
    holds: Callable[[], bool], ended: Callable[[], str], *, within: float = 600, every: float = 0.2
) -> bool:
    """Whether it holds within so many seconds; SystemExit when a process that is needed has ended."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        with suppress(httpx.TransportError, TransientError):
            if holds():
                return True
        if left := ended():
            raise SystemExit(f"the engine has ended:\n{left[-3000:]}")
        time.sleep(every)
    return False


def _git(*args: str) -> str:
    who = {f"GIT_{who}_{what}": "x@y" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    environ = {**os.environ, **who, "GIT_CONFIG_GLOBAL": os.devnull}
    return subprocess.run(["git", *args], env=environ, check=True, capture_output=True, text=True).stdout
