"""Prefect on PostgreSQL and Redis beside Prefect on SQLite: requests of parallel clients, and runs an hour.

*Requests*: each client leads one run after another through its life by requests (created, pending, running,
an artifact, logs, read, listed, completed). A request that is refused (503) is counted and asked again.

*Runs an hour*: a real agent, with a flow of one step that does nothing, is asked for a run at a rate, for
`--seconds`. The highest rate at which 95 of 100 runs begin their step within a second is said to hold; a rate
that does not hold ends the climb.

PostgreSQL syncs to disk, and one server of the API and one of services run as the chart runs them; SQLite's
is the local stack's server. One is measured after the other.

Run: .venv/bin/python -m benchmarks.servers [--clients 1 --clients 8] [--rate 600 …] [--seconds 60]
"""

import argparse
import os
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import httpx

from benchmarks.forks import COLD, start
from benchmarks.prefect_server import ask, deploy, prefect_server
from benchmarks.stores import prefect_servers
from tests.interop.stores import SECRET
from towpath.orchestration import keys

CLIENTS = (1, 4, 8)
RATES = (600, 1200, 1800, 2400, 3600, 4800)
WITHIN = 1.0
"""Seconds from the trigger to the first step that 95 of 100 runs may take."""
ARTIFACT = {"key": "bench", "type": "markdown", "data": "nothing"}


@dataclass
class Answers:
    """Of the requests of one measurement: seconds of those that were answered, and what was not."""

    seconds: list[float] = field(default_factory=list)
    refused: int = 0
    failed: list[str] = field(default_factory=list)
    runs: int = 0


@dataclass(frozen=True)
class Asking:
    """A client that counts."""

    api: httpx.Client
    answers: Answers

    def ask(self, method: str, path: str, body: object = None) -> dict[str, object]:
        while True:
            begun = time.monotonic()
            answer = self.api.request(method, path, json=body)
            if answer.status_code != 503:
                self.answers.seconds.append(time.monotonic() - begun)
                found = answer.raise_for_status().json() if answer.content else {}
                return found if isinstance(found, dict) else {}
            self.answers.refused += 1
            time.sleep(0.1)

    def lead(self, deployment: str) -> None:
        """A run through its life."""
        body = {"parameters": {"app": "app", "revision": "0"}}
        run = self.ask("POST", f"/deployments/{deployment}/create_flow_run", body)["id"]
        for kind in ("PENDING", "RUNNING"):
            self.ask("POST", f"/flow_runs/{run}/set_state", {"state": {"type": kind}})
        self.ask("POST", "/artifacts/", {**ARTIFACT, "flow_run_id": run})
        line = {"name": "bench", "level": 20, "message": "a line", "flow_run_id": run}
        self.ask("POST", "/logs/", [{**line, "timestamp": datetime.now().astimezone().isoformat()}] * 5)
        self.ask("GET", f"/flow_runs/{run}")
        self.ask("POST", "/flow_runs/filter", {"limit": 20, "sort": "START_TIME_DESC"})
        self.ask("POST", f"/flow_runs/{run}/set_state", {"state": {"type": "COMPLETED"}})
        self.answers.runs += 1


def requests(api: httpx.Client, deployment: str, clients: int, seconds: float) -> Answers:
    """So many clients at once, each with a connection of its own, for so long."""
    found, over = Answers(), time.monotonic() + seconds

    def client() -> None:
        with httpx.Client(base_url=api.base_url, auth=api.auth, timeout=30) as own:
            asking = Asking(own, found)
            while time.monotonic() < over:
                try:
                    asking.lead(deployment)
                except httpx.HTTPError as error:
                    found.failed.append(repr(error))

    threads = [threading.Thread(target=client) for _ in range(clients)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    return found


def begun(api: httpx.Client, deployment: str, rate: int, seconds: float) -> list[float]:
    """Seconds from each trigger to the first step, at so many runs an hour; infinite where there is none."""
    triggers: dict[str, float] = {}
    body = {"parameters": {"app": "app", "revision": "0"}}
    count = max(10, round(rate * seconds / 3600))
    first = time.monotonic()
    for number in range(count):
        time.sleep(max(0.0, first + number * 3600 / rate - time.monotonic()))
        moment = time.time()
        triggers[ask(api, "POST", f"/deployments/{deployment}/create_flow_run", body)["id"]] = moment
    over = time.monotonic() + 60
    steps: dict[str, float] = {}
    while len(steps) < len(triggers) and time.monotonic() < over:
        time.sleep(2)
        steps |= _first_steps(api, [each for each in triggers if each not in steps])
    return [steps.get(run, float("inf")) - moment for run, moment in triggers.items()]


def _first_steps(api: httpx.Client, runs: list[str]) -> dict[str, float]:
    """When the first step of each of these runs began, where it has."""
    found: dict[str, float] = {}
    for place in range(0, len(runs), 100):
        body = {"flow_runs": {"id": {"any_": runs[place : place + 100]}}, "limit": 200}
        for step in ask(api, "POST", "/task_runs/filter", body):
            if step["start_time"]:
                moment = datetime.fromisoformat(step["start_time"]).timestamp()
                run = step["flow_run_id"]
                found[run] = min(moment, found.get(run, moment))
    return found


@contextmanager
def on_postgresql(folder: Path) -> Iterator[httpx.Client]:
    del folder
    with prefect_servers(1) as (_, (api,)):
        yield api


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[int(share * (len(values) - 1))]


def measure_requests(name: str, api: httpx.Client, given: argparse.Namespace) -> None:
    deployment = deploy(api, keys.PROMOTE, "nobody")
    for clients in given.clients or CLIENTS:
        found = requests(api, deployment, clients, given.seconds)
        times = found.seconds or [float("nan")]
        numbers = f"{len(found.seconds) / given.seconds:10.0f} {found.runs:6}"
        latency = f"{statistics.median(times) * 1000:8.0f} {percentile(times, 0.95) * 1000:8.0f}"
        print(
            f"{name:12} {clients:8} {numbers} {latency} {found.refused:8} {len(found.failed):8}", flush=True
        )
        for error in set(found.failed):
            print(f"{'':12} {error[:90]}")


def measure_rates(name: str, api: httpx.Client, given: argparse.Namespace, folder: Path) -> None:
    deployment = deploy(api, keys.DELIVER, None)
    credential = ("env", f"PREFECT_API_AUTH_STRING={SECRET}") if api.auth else ()
    agent = start(folder, api, 8, program=(*credential, *COLD))
    try:
        begun(api, deployment, 600, 30)  # the first ones pay for what is made once
        for rate in given.rate or RATES:
            found = begun(api, deployment, rate, given.seconds)
            numbers = f"{statistics.median(found):8.2f} {percentile(found, 0.95):8.2f}"
            print(f"{name:12} {rate:8} {numbers} {os.getloadavg()[0]:6.1f}", flush=True)
            if percentile(found, 0.95) > WITHIN:
                break
    finally:
        agent.process.terminate()
        agent.process.wait(90)


SERVERS: dict[str, Callable[[Path], AbstractContextManager[httpx.Client]]] = {
    "PostgreSQL": on_postgresql,
    "SQLite": prefect_server,
}


def each_server(work: Callable[[str, httpx.Client, Path], None]) -> None:
    for name, begin in SERVERS.items():
        made = tempfile.TemporaryDirectory(prefix="towpath-servers-", ignore_cleanup_errors=True)
        with made as folder, begin(Path(folder)) as api:
            work(name, api, Path(folder))


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("--clients", type=int, action="append", help="how many at once; may be given again")
    asked.add_argument("--rate", type=int, action="append", help="runs an hour; may be given again")
    asked.add_argument("--seconds", type=float, default=60, help="how long each is measured")
    given = asked.parse_args()
    print(f"{os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}, {given.seconds:.0f} s each")
    print(f"{'':12} {'clients':>8} {'requests/s':>10} {'runs':>6} {'p50 ms':>8} {'p95 ms':>8} "
          f"{'refused':>8} {'failed':>8}")  # fmt: skip
    each_server(lambda name, api, _: measure_requests(name, api, given))
    print(f"\n{'':12} {'runs/h':>8} {'p50 s':>8} {'p95 s':>8} {'load':>6}  (from trigger to first step)")
    each_server(lambda name, api, folder: measure_rates(name, api, given, folder))


if __name__ == "__main__":
    main()
