"""Many environments, each with an agent of its own, on two Prefect servers with PostgreSQL and Redis.

Runs of `reconcile` are triggered at random moments, each in a random environment; each syncs nothing, since
an environment has one small app that is in sync. Printed: from trigger to first step and to the end, what
became of the runs, processor time and memory of each part, and by how much the database has grown, so that
larger installations can be reckoned (docs/guides/sizing.md).

No pods run; the API server is that of KUBECONFIG or of the local stack. Each agent is a process of its own,
as in pods; every other one has the second server.

Run: KUBECONFIG=… .venv/bin/python -m benchmarks.fleet [--environments 20] [--rate 1000] [--minutes 20]
"""

import argparse
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import yaml

from benchmarks.fleet_costs import costs, idle
from benchmarks.git_http import git_http
from benchmarks.mttp_apps import until
from benchmarks.prefect_server import ask, deploy, variables
from benchmarks.stores import prefect_servers, size
from tests.interop.stores import SECRET, Stores
from towpath.local.programs.tools import require
from towpath.orchestration import keys
from towpath.settings import Settings

REPOSITORY = "environments.git"
SERVERS = 2
PAGE = 100
LAST_RUNS = 300.0
"""Seconds that runs may still take after the last trigger."""


@dataclass(frozen=True)
class Agent:
    environment: str
    process: "subprocess.Popen[bytes]"
    log: Path

    def ready(self) -> bool:
        text = self.log.read_text()
        if "metrics and probes at http://" not in text:
            return False
        address = text.rpartition("metrics and probes at http://")[2].split()[0]
        return httpx.get(f"http://{address}/readyz").is_success

    def ended(self) -> str:
        return "" if self.process.poll() is None else self.log.read_text()


def repository(folder: Path, names: list[str], home: str) -> None:
    """A bare repository with an environment for each name, with one app that has two objects."""
    work, bare = folder / "work", folder / REPOSITORY
    environments = [{"name": name, "namespace": f"{home}-{name}"} for name in names]
    config = {
        "apiVersion": "towpath.dev/v2",
        "apps": {"app": {"renderer": "plain"}},
        "environments": [{**each, "timeout": "2m"} for each in environments],
    }
    container = {"name": "app", "image": "example.com/app:1"}
    template = {"metadata": {"labels": {"app": "app"}}, "spec": {"containers": [container]}}
    spec = {"replicas": 0, "selector": {"matchLabels": {"app": "app"}}, "template": template}
    objects: list[dict[str, Any]] = [
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "app"}, "spec": spec},
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "app"}, "data": {"a": "1"}},
    ]
    work.mkdir()
    (work / "towpath.yaml").write_text(yaml.safe_dump(config))
    for name in names:
        (work / f"apps/app/{name}").mkdir(parents=True)
        (work / f"apps/app/{name}/app.yaml").write_text(yaml.safe_dump_all(objects))
    who = {f"GIT_{who}_{what}": "x@y" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    environ = {**os.environ, **who, "GIT_CONFIG_GLOBAL": os.devnull}
    for command in (
        ("git", "init", "-q", "--bare", "-b", "main", str(bare)),
        ("git", "init", "-q", "-b", "main"),
        ("git", "add", "-A"),
        ("git", "commit", "-qm", "Begin"),
        ("git", "push", "-q", str(bare), "HEAD:main"),
    ):
        subprocess.run(command, cwd=work, env=environ, check=True)


def kubectl(settings: Settings, *args: str, text: str = "") -> None:
    command = [str(require("kubectl", settings)), "--kubeconfig", str(settings.kubeconfig), *args]
    subprocess.run(command, input=text, check=True, text=True, stdout=subprocess.DEVNULL)


@contextmanager
def namespaces(settings: Settings, names: list[str]) -> Iterator[None]:
    spaces = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in names]
    kubectl(settings, "create", "-f", "-", text=yaml.safe_dump_all(spaces))
    try:
        yield
    finally:
        kubectl(settings, "delete", "namespace", "--wait=false", *names)


@contextmanager
def agent(folder: Path, name: str, server: str, url: str, kubeconfig: str) -> Iterator[Agent]:
    own = folder / name
    own.mkdir()
    environ = {
        **variables(own),
        "PREFECT_API_URL": server,
        "PREFECT_API_AUTH_STRING": SECRET,
        "TOWPATH_ENVIRONMENTS": url,
        "KUBECONFIG": kubeconfig,
    }
    program, log = Path(sys.executable).with_name("towpath"), own / "agent.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [program, "agent", name, "--address=127.0.0.1:0"], env=environ, stdout=output, stderr=output
        )
    try:
        yield Agent(name, process, log)
    finally:
        process.terminate()
        process.wait(90)


def trigger(
    apis: list[httpx.Client], deployments: dict[str, str], rate: float, minutes: float
) -> dict[str, float]:
    """Runs at random moments, so many an hour on average; when each was asked for."""
    chance, asked = random.Random(1), dict[str, float]()
    over = time.monotonic() + minutes * 60
    moment = time.monotonic()
    while True:
        moment += chance.expovariate(rate / 3600)
        if moment > over:
            return asked
        time.sleep(max(0.0, moment - time.monotonic()))
        environment = chance.choice(sorted(deployments))
        begun = time.time()
        body = {"parameters": {"environment": environment, "apps": ["app"]}}
        path = f"/deployments/{deployments[environment]}/create_flow_run"
        asked[ask(chance.choice(apis), "POST", path, body)["id"]] = begun


def judged(api: httpx.Client, asked: dict[str, float]) -> tuple[list[float], list[float], Counter[str]]:
    """Seconds to the first step and to the end of the runs that have them, and the states of all."""
    first, ends, states = [], [], Counter[str]()
    runs = list(asked)
    for place in range(0, len(runs), PAGE):
        which = {"flow_runs": {"id": {"any_": runs[place : place + PAGE]}}}
        for run in ask(api, "POST", "/flow_runs/filter", which):
            states[run["state_type"]] += 1
            if run["end_time"]:
                ends.append(moment(run["end_time"]) - asked[run["id"]])
        begun: dict[str, float] = {}
        for offset in range(0, 50 * PAGE, 200):
            steps = ask(api, "POST", "/task_runs/filter", {**which, "limit": 200, "offset": offset})
            for step in steps:
                if step["start_time"]:
                    at, run = moment(step["start_time"]), step["flow_run_id"]
                    begun[run] = min(at, begun.get(run, at))
            if len(steps) < 200:
                break
        first += [at - asked[run] for run, at in begun.items()]
    return first, ends, states


def moment(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def line(name: str, values: list[float], unit: str = "s") -> None:
    ordered = sorted(values) or [float("nan")]
    p95, p99 = (ordered[int(share * (len(ordered) - 1))] for share in (0.95, 0.99))
    print(f"{name:34} p50 {statistics.median(ordered):.2f}, p95 {p95:.2f}, p99 {p99:.2f}, "
          f"most {ordered[-1]:.2f} {unit}")  # fmt: skip


def measure(given: argparse.Namespace, made: Stores, apis: list[httpx.Client], agents: list[Agent]) -> None:
    deployments = {
        each.environment: str(deploy(apis[0], keys.RECONCILE, each.environment)) for each in agents
    }
    for each in agents:
        until(each.ready, each.ended, within=600)
    print(f"{len(agents)} agents are ready, load {os.getloadavg()[0]:.1f}", flush=True)
    pids = [each.process.pid for each in agents]
    before = idle(pids)
    bytes_before, events = size(made), int(made.sql("SELECT count(*) FROM events"))
    begun = time.monotonic()
    asked = trigger(apis, deployments, given.rate, given.minutes)
    body = {"flow_runs": {"state": {"type": {"any_": ["RUNNING", "PENDING", "SCHEDULED"]}}}}
    over = time.monotonic() + LAST_RUNS
    while ask(apis[0], "POST", "/flow_runs/count", body) and time.monotonic() < over:
        time.sleep(2)
    seconds = time.monotonic() - begun
    first, ends, states = judged(apis[0], asked)
    print(f"{len(asked)} runs in {seconds / 60:.1f} minutes, load {os.getloadavg()[0]:.1f}: "
          + ", ".join(f"{count} {state}" for state, count in sorted(states.items())))  # fmt: skip
    line("from trigger to first step", first)
    line("from trigger to the end", ends)
    for name, cost in costs(pids).items():
        used = cost.processor - before[name].processor
        print(
            f"{name:34} {cost.mebibytes:.0f} MiB (PSS), {used:.0f} processor s, {used / len(asked):.2f} a run"
        )
    grown, more = size(made) - bytes_before, int(made.sql("SELECT count(*) FROM events")) - events
    print(f"database: {bytes_before / 2**20:.0f} MiB, grown by {grown / 2**20:.1f} MiB, "
          f"{grown / 1024 / len(asked):.1f} KiB a run; {more / len(asked):.1f} events a run")  # fmt: skip


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("--environments", type=int, default=20)
    asked.add_argument("--rate", type=float, default=1000, help="runs an hour")
    asked.add_argument("--minutes", type=float, default=20)
    given = asked.parse_args()
    settings = Settings.load(os.environ)
    if not settings.kubeconfig:
        sys.exit("No cluster: run `towpath local up` first, or set KUBECONFIG.")
    print(f"{os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}; {given.environments} environments, "
          f"{given.rate:.0f} runs an hour for {given.minutes:.0f} minutes", flush=True)  # fmt: skip
    names, home = [f"env-{number:03}" for number in range(given.environments)], f"fleet-{os.getpid()}"
    with ExitStack() as stack:
        folder = Path(
            stack.enter_context(
                tempfile.TemporaryDirectory(prefix="towpath-fleet-", ignore_cleanup_errors=True)
            )
        )
        repository(folder, names, home)
        stack.enter_context(namespaces(settings, [f"{home}-{name}" for name in names]))
        url = f"{stack.enter_context(git_http(folder))}/{REPOSITORY}"
        made, apis = stack.enter_context(prefect_servers(SERVERS))
        for name in names:
            deploy(apis[0], keys.RECONCILE, name)
        servers = [str(each.base_url).rstrip("/") for each in apis]
        agents = [
            stack.enter_context(agent(folder, name, servers[number % SERVERS], url, str(settings.kubeconfig)))
            for number, name in enumerate(names)
        ]
        measure(given, made, apis, agents)


if __name__ == "__main__":
    main()
