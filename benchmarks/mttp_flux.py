"""Flux's half of `benchmarks/mttp.py`: the real source-controller and kustomize-controller, as processes.

Each app has a Kustomization with `prune`. They are there before the first push, with which their
GitRepository is created. Both controllers are built from their Go modules, v1.9.6; source-controller with
`fluxcd/pkg/artifact` v0.18.0 in place of v0.18.3.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import yaml

from benchmarks.mttp_apps import LABEL, Apps, path, until
from tests.interop.programs import built, module_folder
from towpath.adapters.kubernetes import connect
from towpath.errors import TowpathError
from towpath.local.programs.golang import GoProgram, built_path
from towpath.objects import Manifest, ObjectRef, ref_of

VERSION = "1.9.6"
SOURCE = GoProgram("source-controller", "github.com/fluxcd/source-controller", ("source-controller",))
KUSTOMIZE = GoProgram(
    "kustomize-controller", "github.com/fluxcd/kustomize-controller", ("kustomize-controller",)
)
KUSTOMIZATION = ("kustomize.toolkit.fluxcd.io", "Kustomization")
GIT_REPOSITORY = ("source.toolkit.fluxcd.io", "GitRepository")
NAME = "environments"
REQUESTED = "reconcile.fluxcd.io/requestedAt"
DEFAULT_CONCURRENCY = 4
FAST = ("--kube-api-qps=500", "--kube-api-burst=1000")
"""With another concurrency than the default, as those do who have many apps."""


@dataclass
class Flux:
    """Both controllers, and the objects that tell them what to deliver."""

    apps: Apps
    interval: int
    wait: bool
    processes: dict[Path, "subprocess.Popen[bytes]"] = field(default_factory=dict)
    """Each by its log."""
    commit: str = ""

    def deliver(self, revision: str) -> None:
        first, self.commit = not self.commit, self.apps.push(revision)
        if first:
            self.apps.cluster.create(self._git_repository())
            return
        pointer = "/metadata/annotations/" + REQUESTED.replace("/", "~1")
        change = {"op": "add", "path": pointer, "value": str(time.time())}
        self.apps.cluster.json_patch(ObjectRef(*GIT_REPOSITORY, self.apps.home, NAME), [change])

    def settled(self, revision: str) -> bool:
        return all(map(self._has_applied, self._kustomizations())) and self.apps.applied(revision)

    def ended(self) -> str:
        return "".join(
            log.read_text()[-2000:] for log, one in self.processes.items() if one.poll() is not None
        )

    def register(self) -> None:
        """The Kustomizations: they wait for their source."""
        made = yaml.safe_dump_all([self._kustomization(name) for name in self.apps.names])
        self.apps.kubectl("create", "-f", "-", text=made)

    def forget(self) -> None:
        """Take the finalizers away, so that what was delivered stays when the kinds are deleted."""
        for each in (*self._kustomizations(), *self._list(GIT_REPOSITORY)):
            if each["metadata"].get("finalizers"):
                self.apps.cluster.json_patch(ref_of(each), [{"op": "remove", "path": "/metadata/finalizers"}])

    def _has_applied(self, kustomization: Manifest) -> bool:
        """Set when an apply has succeeded, with `wait` when all is healthy, and kept while the next one runs.

        Not Ready, which is Unknown in every run: with short intervals some are always under way.
        """
        applied = kustomization.get("status", {}).get("lastAppliedRevision", "")
        return bool(self.commit) and str(applied).endswith(self.commit)

    def _kustomizations(self) -> list[Manifest]:
        return self._list(KUSTOMIZATION)

    def _list(self, kind: tuple[str, str]) -> list[Manifest]:
        return list(self.apps.cluster.list(*kind, self.apps.home))

    def _git_repository(self) -> Manifest:
        return {
            "apiVersion": f"{GIT_REPOSITORY[0]}/v1",
            "kind": GIT_REPOSITORY[1],
            "metadata": {
                "name": NAME,
                "namespace": self.apps.home,
                "annotations": {REQUESTED: str(time.time())},
            },
            "spec": {"url": self.apps.url, "interval": f"{self.interval}s", "ref": {"branch": "main"}},
        }

    def _kustomization(self, name: str) -> Manifest:
        spec: dict[str, Any] = {
            "interval": f"{self.interval}s",
            "timeout": "30m",
            "path": f"./{path(name)}",
            "prune": True,
            "wait": self.wait,
            "sourceRef": {"kind": GIT_REPOSITORY[1], "name": NAME},
        }
        metadata = {"name": name, "namespace": self.apps.home}
        return {
            "apiVersion": f"{KUSTOMIZATION[0]}/v1",
            "kind": KUSTOMIZATION[1],
            "metadata": metadata,
            "spec": spec,
        }


@contextmanager
def flux(apps: Apps, interval: int, concurrency: int, *, wait: bool) -> Iterator[Flux]:
    """Both controllers, which `build_controllers` has built. They know every app, and have no source yet."""
    with ExitStack() as stack:
        stack.enter_context(_kinds(apps))
        settings = apps.settings
        cluster = connect(settings.kubeconfig, settings.context, allow_exec=settings.allow_exec)
        made = Flux(replace(apps, cluster=cluster), interval, wait)
        stack.callback(made.forget)
        storage, *metrics, first, second = _free_addresses(5)
        data = apps.folder / "source"
        data.mkdir()
        fast = () if concurrency == DEFAULT_CONCURRENCY else FAST
        own = {
            SOURCE: (f"--storage-path={data}", f"--storage-addr={storage}", f"--storage-adv-addr={storage}"),
            KUSTOMIZE: (f"--concurrent={concurrency}", *fast),
        }
        healths = (first, second)
        for program, health, metric in zip(own, healths, metrics, strict=True):
            addresses = (f"--health-addr={health}", f"--metrics-addr={metric}")
            command = [str(built_path(program, apps.settings)), *own[program], *addresses]
            stack.enter_context(_running(made, program.module, command))
        until(lambda: all(httpx.get(f"http://{each}/readyz").is_success for each in healths), made.ended)
        made.register()
        yield made


def build_controllers() -> None:
    """Build what is missing: five minutes on an idle machine the first time."""
    try:
        for program in (SOURCE, KUSTOMIZE):
            built(program)
    except TowpathError as error:
        sys.exit(str(error))


@contextmanager
def _kinds(apps: Apps) -> Iterator[None]:
    """Flux's kinds, which must not be there before: a Flux of the cluster's own would act, too."""
    if apps.kubectl("get", "crd", "-l", f"{LABEL}!=flux", "-o", "name").count("toolkit.fluxcd.io"):
        sys.exit("this cluster has a Flux of its own: measure on another one")
    texts = []
    for program in (SOURCE, KUSTOMIZE):
        for file in sorted((module_folder(program) / "config" / "crd" / "bases").glob("*.yaml")):
            crd = yaml.safe_load(file.read_text())
            crd["metadata"].setdefault("labels", {})[LABEL] = "flux"
            texts.append(crd)
    apps.kubectl("apply", "--server-side", "-f", "-", text=yaml.safe_dump_all(texts))
    apps.kubectl("wait", "--for=condition=Established", "crd", "-l", f"{LABEL}=flux", "--timeout=60s")
    try:
        yield
    finally:
        apps.kubectl("delete", "crd", "-l", f"{LABEL}=flux", "--timeout=300s")


@contextmanager
def _running(made: Flux, name: str, command: list[str]) -> Iterator[None]:
    temporary = made.apps.folder / f"{name}-tmp"
    temporary.mkdir()
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(made.apps.folder),
        "TMPDIR": str(temporary),
        "KUBECONFIG": str(made.apps.settings.kubeconfig),
        "RUNTIME_NAMESPACE": made.apps.home,
    }
    shared = ("--watch-all-namespaces", "--enable-leader-election=false", "--events-addr=")
    log = made.apps.folder / f"{name}.log"
    with log.open("wb") as output:
        process = subprocess.Popen([*command, *shared], env=environ, stdout=output, stderr=output)
    made.processes[log] = process
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        shutil.rmtree(temporary, ignore_errors=True)


def _free_addresses(number: int) -> list[str]:
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(number)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [f"127.0.0.1:{each.getsockname()[1]}" for each in sockets]
