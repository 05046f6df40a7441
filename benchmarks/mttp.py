"""From a push to production with many apps: until all is applied and judged, and what it costs.

Each app has a Deployment of no replica, a ServiceAccount, a Service without an address and an Ingress, in a
namespace of its own. Measured are the first sync of all, one commit that changes every app, and a time in
which nothing changes. An agent and a Prefect server on SQLite of their own are counted, with all their
processes; the API server and whoever gives Ingresses their address (this process) are not.

*Applied*: each Deployment has what the commit says. *Judged*: the agent counts every app as in sync and
healthy, and no run is under way.

Run: KUBECONFIG=… .venv/bin/python -m benchmarks.mttp [--apps 100 --apps 300] [--interval 60] [--idle 300]
"""

import argparse
import functools
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml
from prometheus_client.parser import text_string_to_metric_families

from benchmarks.prefect_server import ask, deploy, prefect_server, variables
from benchmarks.process_costs import peak_memory, processor_seconds
from towpath.adapters.kubernetes import Cluster, connect
from towpath.errors import TransientError
from towpath.local.programs.tools import require
from towpath.objects import Manifest
from towpath.orchestration import keys
from towpath.settings import Settings

ENVIRONMENT = "bench"
REVISION = "mttp.example.com/revision"
LABEL = "mttp.example.com/home"
"""Of all that one measurement makes."""
ADDRESS = {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}


@dataclass
class Place:
    """The environment `bench` with `apps` apps, each in the namespace of its name."""

    folder: Path
    api: httpx.Client
    cluster: Cluster
    settings: Settings
    home: str
    apps: tuple[str, ...]
    port: int = 0
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def log(self) -> Path:
        return self.folder / "agent.log"

    def kubectl(self, *args: str, text: str = "") -> None:
        command = [
            str(require("kubectl", self.settings)),
            "--kubeconfig",
            str(self.settings.kubeconfig),
            *args,
        ]
        subprocess.run(command, input=text, check=True, capture_output=True, text=True)

    def git(self, *args: str) -> None:
        who = {f"GIT_{who}_{what}": "x@y" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        environ = {**os.environ, **who, "GIT_CONFIG_GLOBAL": os.devnull}
        subprocess.run(["git", *args], env=environ, check=True, capture_output=True)

    def push(self, apps: tuple[str, ...], revision: str) -> None:
        """One commit, after which the branch has exactly these apps."""
        work, bare = self.folder / "work", self.folder / "environments.git"
        if not work.exists():
            self.git("init", "-q", "--bare", "-b", "main", str(bare))
            self.git("init", "-q", "-b", "main", str(work))
        config = {
            "apiVersion": "towpath.dev/v2",
            "apps": {app: {"renderer": "plain", "namespace": app} for app in apps},
            "environments": [{"name": ENVIRONMENT, "namespace": self.home, "timeout": "30m"}],
        }
        files = {"towpath.yaml": yaml.safe_dump(config)}
        for app in apps:
            files[f"apps/{app}/{ENVIRONMENT}/app.yaml"] = yaml.safe_dump_all(
                objects(app, revision, self.home)
            )
        for path, text in files.items():
            (work / path).parent.mkdir(parents=True, exist_ok=True)
            (work / path).write_text(text)
        self.git("-C", str(work), "add", "-A")
        self.git("-C", str(work), "commit", "-qm", f"Revision {revision}")
        self.git("-C", str(work), "push", "-q", str(bare), "HEAD:main")

    @contextmanager
    def agent(self, interval: int) -> Iterator[None]:
        environ = {
            **variables(self.folder),
            "PREFECT_API_URL": str(self.api.base_url).rstrip("/"),
            "TOWPATH_ENVIRONMENTS": str(self.folder / "environments.git"),
            "TOWPATH_GIT_ALLOW_FILE": "1",
            "KUBECONFIG": str(self.settings.kubeconfig),
        }
        towpath = Path(sys.executable).with_name("towpath")
        options = ("--address=127.0.0.1:0", f"--interval={interval}")
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(
                [towpath, "agent", ENVIRONMENT, *options], env=environ, stdout=output, stderr=output
            )
        try:
            self.until(lambda: "metrics and probes at" in self.log.read_text())
            address = self.log.read_text().rpartition("metrics and probes at http://")[2].split()[0]
            self.port = int(address.rpartition(":")[2])
            self.until(lambda: httpx.get(f"http://127.0.0.1:{self.port}/readyz").status_code == 200)
            yield
        finally:
            self.process.terminate()
            self.process.wait(90)

    def until(self, holds: Callable[[], bool], every: float = 0.2) -> None:
        while True:
            with suppress(httpx.TransportError):
                if holds():
                    return
            if self.process and self.process.poll() is not None:
                raise SystemExit(f"the agent has ended:\n{self.log.read_text()[-3000:]}")
            time.sleep(every)

    def settled(self, revision: str) -> bool:
        return self.applied(revision) and self.judged()

    def applied(self, revision: str) -> bool:
        found = self.cluster.list("apps", "Deployment", labels=f"{LABEL}={self.home}", metadata_only=True)
        done = sum(each["metadata"].get("annotations", {}).get(REVISION) == revision for each in found)
        return bool(done == len(self.apps))

    def judged(self) -> bool:
        """Apps beyond a number share a series: each has to say that it is in sync."""
        text = httpx.get(f"http://127.0.0.1:{self.port}/metrics", timeout=30).text
        samples = [each for family in text_string_to_metric_families(text) for each in family.samples]
        in_sync = [each.value for each in samples if each.name == "towpath_app_in_sync"]
        healthy = sum(
            each.value
            for each in samples
            if each.name == "towpath_app_health" and each.labels.get("health") == "Healthy"
        )
        known = sum(1 for each in samples if each.name == "towpath_app_health" and each.value)
        return bool(in_sync) and all(in_sync) and bool(known) and healthy == known and not self.busy()

    def busy(self) -> bool:
        body = {"flow_runs": {"state": {"type": {"any_": ["RUNNING", "PENDING", "SCHEDULED"]}}}}
        return bool(ask(self.api, "POST", "/flow_runs/count", body))


def objects(app: str, revision: str, home: str) -> list[Manifest]:
    metadata = {"name": app, "labels": {LABEL: home, "app": app}}
    template = {
        "metadata": {"labels": {"app": app}, "annotations": {REVISION: revision}},
        "spec": {"serviceAccountName": app, "containers": [{"name": "app", "image": "example.com/app:1"}]},
    }
    backend = {"service": {"name": app, "port": {"number": 80}}}
    rule = {"host": f"{app}.example.com", "http": {"paths": [path(backend)]}}
    return [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata},
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {**metadata, "annotations": {REVISION: revision}},
            "spec": {"replicas": 0, "selector": {"matchLabels": {"app": app}}, "template": template},
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": metadata,
            "spec": {"clusterIP": "None", "selector": {"app": app}, "ports": [{"port": 80}]},
        },
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "Ingress",
            "metadata": metadata,
            "spec": {"rules": [rule]},
        },
    ]


def path(backend: dict[str, Any]) -> dict[str, Any]:
    return {"path": "/", "pathType": "Prefix", "backend": backend}


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


@contextmanager
def place(count: int) -> Iterator[Place]:
    settings = Settings.load(os.environ)
    if not settings.kubeconfig:
        sys.exit("No cluster: run `towpath local up` first, or set KUBECONFIG.")
    home = f"mttp{os.getpid()}x{count}"
    apps = tuple(f"{home}-{number:04}" for number in range(count))
    spaces = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": {LABEL: home}}}
        for name in (home, *apps)
    ]
    cluster = connect(settings.kubeconfig, settings.context, allow_exec=settings.allow_exec)
    with tempfile.TemporaryDirectory(prefix="towpath-mttp-", ignore_cleanup_errors=True) as text:
        folder = Path(text)
        with prefect_server(folder) as api, addresses(settings.kubeconfig, home):
            for flow in (keys.RECONCILE, keys.PROMOTE):
                deploy(api, flow, ENVIRONMENT)
            made = Place(folder, api, cluster, settings, home, apps)
            made.kubectl("create", "-f", "-", text=yaml.safe_dump_all(spaces))
            try:
                yield made
            finally:
                with suppress(TransientError):
                    made.kubectl("delete", "namespace", "-l", f"{LABEL}={home}", "--wait=false")


def measured(what: str, begin: Callable[[], None], ends: Callable[[], bool], here: Place) -> None:
    """Print seconds, processor seconds and the peak of memory of one piece of work."""
    before, started = processor_seconds(), time.monotonic()
    with peak_memory() as peak:
        begin()
        here.until(ends)
    seconds, used = time.monotonic() - started, processor_seconds() - before
    print(f"{len(here.apps):6} {what:<16} {seconds:8.1f} {used:10.1f} {peak[0]:10.0f}", flush=True)


def measure(count: int, interval: int, idle: float) -> None:
    with place(count) as here:
        here.push((), "0")
        with here.agent(interval):
            for what, revision in (("first sync", "1"), ("change of all", "2")):
                begin = functools.partial(tell, here, revision)
                measured(what, begin, functools.partial(here.settled, revision), here)
            if idle:
                over = time.monotonic() + idle
                measured("nothing", lambda: None, lambda: time.monotonic() >= over, here)


def tell(here: Place, revision: str) -> None:
    """Push, and tell the agent as a forge's hook does: the interval is for what nobody tells."""
    here.push(here.apps, revision)
    if here.process:
        here.process.send_signal(signal.SIGHUP)


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("--apps", type=int, action="append", help="how many apps; may be given again")
    asked.add_argument("--interval", type=int, default=60, help="seconds between looks at Git")
    asked.add_argument("--idle", type=float, default=300, help="seconds in which nothing changes")
    given = asked.parse_args()
    print(
        f"{os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}; an agent that looks every {given.interval} s"
    )
    print(f"{'apps':>6} {'work':<16} {'seconds':>8} {'processor':>10} {'MiB':>10}")
    for count in given.apps or [100, 300]:
        measure(count, given.interval, given.idle)


if __name__ == "__main__":
    main()
