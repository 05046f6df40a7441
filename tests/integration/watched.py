"""An environment of its own on the running stack, and `towpath agent` of it as a process."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import yaml
from prometheus_client.parser import text_string_to_metric_families

from tests.forks import AGENTS
from tests.integration.asking import insist
from tests.integration.manifests import configmap, deployment
from tests.integration.running import RunningStack
from tests.integration.world import World, throw_away
from towpath.formats.versions import V2
from towpath.local.common.stack import PROJECT
from towpath.objects import Manifest
from towpath.orchestration import keys
from towpath.release.model import EnvironmentRelease, Release, ScanSummary, one_image
from towpath.release.release_file import dump_release_file, release_path

IMAGE, DIGEST = "registry.example.com/app", "sha256:" + "0" * 64
PATIENCE = 180.0
"""Seconds until a promise counts as broken; nothing waits so long unless it is."""
POLL = 0.1
SELDOM = 0.5
"""Seconds between the first two looks, and later ones: what is waited for needs the processors, too."""


@dataclass
class Watched:
    """`environment` is the name of the environment, and of its deployment and lock on the Prefect server.

    `forked`: its agent comes from the preloaded process of the tests, as on the local stack, and `process`
    only stands for it. Else it is a program of its own, as in a pod, and `program` is that.
    """

    world: World
    api: httpx.Client
    environment: str
    folder: Path
    variables: dict[str, str]
    forked: bool = True
    process: "subprocess.Popen[bytes] | None" = None
    port: int = 0
    policy: dict[str, Any] = field(default_factory=dict)
    program: tuple[str, ...] = (str(Path(sys.executable).with_name("towpath")),)
    arguments: tuple[str, ...] = ("--interval=1", "--address=127.0.0.1:0")
    log_name: str = "log"

    @property
    def repository(self) -> Path:
        return self.folder / "environments.git"

    @property
    def log(self) -> str:
        return (self.folder / self.log_name).read_text()

    def git(self, *args: str) -> str:
        identity = {
            f"GIT_{who}_{what}": "x@y" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
        }
        done = subprocess.run(
            ["git", "-C", str(self.folder / "clone"), *args],
            env={**os.environ, **identity, "GIT_CONFIG_GLOBAL": os.devnull},
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.strip()

    def push(self, apps: dict[str, list[Manifest]], **policy: Any) -> str:
        """Make the branch hold exactly these apps, and the environment these policies. The commit."""
        clone = self.folder / "clone"
        if not clone.exists():
            subprocess.run(["git", "init", "-q", "--bare", "-b", "main", self.repository], check=True)
            subprocess.run(["git", "init", "-q", "-b", "main", clone], check=True)
        environment = {
            "name": self.environment,
            "namespace": self.world.namespace,
            "timeout": "60s",
            **policy,
        }
        config = {
            "apiVersion": "towpath.dev/v2",
            "apps": {app: {"image": IMAGE, "renderer": "plain"} for app in apps},
            "environments": [environment],
        }
        self.git("rm", "-rq", "--ignore-unmatch", ".")
        files = {"towpath.yaml": yaml.safe_dump(config)}
        for app, objects in apps.items():
            files[release_path(app, self.environment)] = _release(app)
            files[f"apps/{app}/{self.environment}/objects.yaml"] = yaml.safe_dump_all(
                [*objects, _workload(app)]
            )
        for path, text in files.items():
            (clone / path).parent.mkdir(parents=True, exist_ok=True)
            (clone / path).write_text(text)
        self.git("add", "-A")
        self.git("commit", "-qm", "A commit", "--allow-empty")
        self.git("push", "-q", str(self.repository), "HEAD:main")
        return self.git("rev-parse", "HEAD")

    # The watcher

    def start(self, *options: str, wait: bool = True) -> None:
        command = AGENTS.command(self.variables) if self.forked else self.program
        with (self.folder / self.log_name).open("ab") as log:
            self.process = subprocess.Popen(
                [*command, "agent", self.environment, *self.arguments, *options],
                env=self.variables,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # `freeze` stops all of its processes
            )
        if wait:
            self.until(lambda: "metrics and probes at" in self.log.rpartition("stopped")[2], "it listens")
            at = self.log.rpartition("metrics and probes at http://")[2].split()[0]
            self.port = int(at.rpartition(":")[2])
            self.until(lambda: self.get("/readyz").status_code == 200, "it is ready")

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """End it; its exit code."""
        assert self.process
        self.process.send_signal(number)
        return self.process.wait(60)

    def freeze(self) -> None:
        """Stop the agent where it is, with the process that watches; `thaw` lets it go on."""
        assert self.process
        assert not self.forked, "the agent is in a session of its own"
        os.killpg(self.process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        assert self.process
        os.killpg(self.process.pid, signal.SIGCONT)

    def get(self, path: str) -> httpx.Response:
        return self.api.get(f"http://127.0.0.1:{self.port}{path}", timeout=10)

    def metrics(self, name: str) -> float:
        """The sum of a metric's samples."""
        families = text_string_to_metric_families(self.get("/metrics").text)
        return sum(s.value for family in families for s in family.samples if s.name == name)

    def until(
        self, holds: Callable[[], Any], promise: str, seconds: float = PATIENCE, *, seldom: float = SELDOM
    ) -> float:
        """Seconds until it holds. The pause between two looks grows to `seldom`."""
        started, pause = time.monotonic(), POLL
        while True:
            try:
                if holds():
                    return time.monotonic() - started
            except httpx.TransportError:
                pass
            ended = self.process and self.process.poll()
            late = time.monotonic() - started > seconds
            assert not late and ended is None, (
                f"not true: {promise}; exit {ended}; the log:\n{self.log[-5000:]}"
            )
            time.sleep(pause)
            pause = min(pause * 1.2, seldom)

    # What it does

    def live(self, name: str, kind: str = "configmap") -> Manifest | None:
        return self.world.find(kind, name)

    def value(self, name: str, key: str = "a") -> str | None:
        live = self.live(name)
        return live["data"].get(key) if live else None

    def edit(self, name: str, value: str = "by hand", key: str = "a") -> None:
        self.world.kubectl(
            "patch", "configmap", name, "--type=merge", "-p", json.dumps({"data": {key: value}})
        )

    def runs(self, *states: str) -> list[dict[str, Any]]:
        """The environment's flow runs, newest first."""
        wanted: dict[str, Any] = {"tags": {"all_": [keys.environment_tag(self.environment)]}}
        if states:
            wanted["state"] = {"type": {"any_": states}}
        query = {"flow_runs": wanted, "sort": "START_TIME_DESC", "limit": 200}
        found: list[dict[str, Any]] = self.api.post("/flow_runs/filter", json=query).json()
        return found

    def reconcile(self) -> str:
        """Ask for a run that the agent takes from its pool; its id."""
        flow = self.api.post("/flows/", json={"name": keys.RECONCILE}).json()["id"]
        body = {"name": "asked", "flow_id": flow, "work_pool_name": keys.pool(self.environment)}
        made = insist(lambda: self.api.post("/deployments/", json=body)).json()["id"]
        parameters = {"parameters": {"environment": self.environment}}
        path = f"/deployments/{made}/create_flow_run"
        return str(insist(lambda: self.api.post(path, json=parameters)).json()["id"])

    def quiet(self) -> bool:
        """Whether everything is as in Git, and nobody works."""
        return self.metrics("towpath_app_drifted_objects") == 0 and not self.runs("RUNNING")


@contextmanager
def watched(
    stack: RunningStack,
    apps: dict[str, list[Manifest]] | None = None,
    account: Callable[[World, Path], Path] = lambda world, _: world.kubeconfig,
    *,
    forked: bool = True,
    options: tuple[str, ...] = (),
    prepare: Callable[[Watched], object] = lambda _: None,
) -> Iterator[Watched]:
    """The environment with its apps in place and a watcher that is ready.

    `account` gives the kubeconfig that the watcher works with, and may write it into the folder that it gets.
    `options` are those of its first start, before which `prepare` is called.
    """
    apps = apps or {"app": [configmap(f"c{number}", a="1", b="2") for number in range(3)]}
    settings = stack.settings
    api = httpx.Client(base_url=str(settings.prefect_api_url), timeout=30)
    name = f"t{uuid.uuid4().hex[:6]}"
    with throw_away(settings) as world, tempfile.TemporaryDirectory(prefix="towpath-watch-") as text:
        folder = Path(text)
        made = Watched(world, api, name, folder, _variables(stack, folder), forked)
        made.variables["KUBECONFIG"] = str(account(world, folder))
        _deploy(api, name)
        made.push(apps)
        prepare(made)
        try:
            made.start(*options)
            made.until(lambda: made.quiet() and made.metrics("towpath_app_in_sync") == len(apps), "in sync")
            yield made
        finally:
            if made.process and made.process.poll() is None:
                made.process.kill()
                made.process.wait()


def _release(app: str) -> str:
    release = Release(app, one_image(app, IMAGE, DIGEST), "", "", "", "", "", ScanSummary("passed"), "")
    return dump_release_file(EnvironmentRelease(release, "2026-01-01T00:00:00Z", "test"), V2)


def _workload(app: str) -> Manifest:
    """What runs the release: no pod of it, these tests are about objects."""
    made = deployment(f"{app}-workload")
    made["spec"]["template"]["spec"]["containers"][0]["image"] = f"{IMAGE}@{DIGEST}"
    return made


def _variables(stack: RunningStack, folder: Path) -> dict[str, str]:
    settings = stack.settings
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "LANG": "C.UTF-8",
        "PYTHONPATH": os.pathsep.join([str(PROJECT), *filter(None, [os.environ.get("PYTHONPATH")])]),
        "PREFECT_API_URL": str(settings.prefect_api_url),
        "PREFECT_LOGGING_LEVEL": "WARNING",
        "PREFECT_CLIENT_CSRF_SUPPORT_ENABLED": "false",  # as the local stack's agents
        "TOWPATH_HOME": str(folder / "home"),
        "TOWPATH_CACHE": str(folder / "cache"),
        "TOWPATH_ENVIRONMENTS": str(folder / "environments.git"),
        "TOWPATH_GIT_ALLOW_FILE": "1",
        "KUBECONFIG": str(settings.kubeconfig),
    }


def _deploy(api: httpx.Client, environment: str) -> None:
    """What `prefect deploy` and `towpath local up` make for an environment."""
    flow = api.post("/flows/", json={"name": "reconcile"}).json()
    deployment = {
        "name": keys.deployment_name(keys.RECONCILE, environment),
        "flow_id": flow["id"],
        "entrypoint": "flows/reconcile.py:reconcile",
        "parameters": {"environment": environment},
        "tags": ["towpath", keys.environment_tag(environment)],
        "concurrency_limit": 1,
        "concurrency_options": {"collision_strategy": "CANCEL_NEW"},
        "enforce_parameter_schema": False,
    }
    insist(lambda: api.post("/deployments/", json=deployment))
    pool = {
        "name": keys.pool(environment),
        "type": keys.POOL_TYPE,
        "base_job_template": dict(keys.POOL_TEMPLATE),
    }
    insist(lambda: api.post("/work_pools/", json=pool))
    limit = {"name": keys.lock_name(environment), "limit": 1, "active": True}
    insist(lambda: api.post("/v2/concurrency_limits/", json=limit))
