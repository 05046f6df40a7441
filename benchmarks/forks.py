"""Many forked flow runs with SIGKILL at random among them: memory, open files, zombies, and no run lost.

A Prefect server of its own, and a real agent whose installed flow has one step that sleeps a moment. Some
runs are killed a random time after their process began. Every second, memory (PSS: a page that several
processes share counts once), open files and zombies of the preloaded process and of the agent are noted.

Run: .venv/bin/python -m benchmarks.forks [--runs 1000] [--kill 0.2] [--limit 8] [--seed 1]
"""

import argparse
import os
import random
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from prometheus_client.parser import text_string_to_metric_families

from benchmarks.prefect_server import ask, deploy, prefect_server, variables
from towpath.orchestration import keys

LONGEST_STEP = 0.3
LATEST_KILL = 1.0
LOOK = 1.0
PAGE = 200
FINAL = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")
COLD = (sys.executable, "-m", "benchmarks.forks_agent")
Server = AbstractContextManager[httpx.Client]
PLACES = ("preloaded process", "agent")


@dataclass(frozen=True, slots=True)
class Sample:
    """What two processes have at one time: PSS in KiB and open files, by PLACES."""

    at: float
    memory: tuple[int, int]
    files: tuple[int, int]
    zombies: int


@dataclass(slots=True)
class Agent:
    """A running agent: its preloaded process is the one that was started, `main` the first that it forked.

    What only stands for an agent that another process forked has no `main`.
    """

    process: "subprocess.Popen[bytes]"
    main: int
    log: Path
    killed: set[int] = field(default_factory=set)
    samples: list[Sample] = field(default_factory=list)

    @property
    def address(self) -> str:
        """Of its metrics."""
        return str(re.findall(r"metrics and probes at (http://\S+)", self.log.read_text())[0])

    def runs(self) -> Iterator[int]:
        """Processes of flow runs."""
        yield from (pid for pid in _children(self.process.pid) if pid != self.main)

    def sample(self) -> None:
        """Note memory, files and zombies now."""
        pids = (self.process.pid, self.main)
        zombies = sum(_state(pid) == "Z" for pid in self.runs())
        memory, files = (_pss(pids[0]), _pss(pids[1])), (_files(pids[0]), _files(pids[1]))
        self.samples.append(Sample(time.monotonic(), memory, files, zombies))


def _children(pid: int) -> list[int]:
    return list(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""


def _pss(pid: int) -> int:
    return int(re.findall(r"^Pss:\s+(\d+)", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)[0])


def _files(pid: int) -> int:
    return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())


def kill_some(agent: Agent, share: float, chance: random.Random, stop: threading.Event) -> None:
    """Kill this share of the runs' processes, each a random time after it was seen first."""
    seen: set[int] = set()
    doomed: dict[int, float] = {}
    while not stop.wait(0.02):
        now = time.monotonic()
        for pid in agent.runs():
            if pid not in seen:
                seen.add(pid)
                if chance.random() < share:
                    doomed[pid] = now + chance.uniform(0, LATEST_KILL)
        for pid, at in list(doomed.items()):
            if at > now:
                continue
            del doomed[pid]
            if _state(pid) in ("", "Z"):
                continue  # it has ended by itself
            os.kill(pid, signal.SIGKILL)
            agent.killed.add(pid)


def start(
    folder: Path, api: httpx.Client, limit: int, name: str = "bench", program: Sequence[str] = COLD
) -> Agent:
    """An agent of the pool `build` on this server, of this name."""
    environ = {**variables(folder), "PREFECT_API_URL": str(api.base_url).rstrip("/")}
    log = folder / f"agent-{name}.log"
    with log.open("wb") as output:
        command = [*program, "127.0.0.1:0", str(limit), name]
        process = subprocess.Popen(command, env=environ, stdout=output, stderr=subprocess.STDOUT)
    deadline = time.monotonic() + 120
    while "started!" not in log.read_text():
        if process.poll() is not None or time.monotonic() > deadline:
            raise SystemExit(f"the agent did not start:\n{log.read_text()}")
        time.sleep(0.1)
    return Agent(process, next(iter(_children(process.pid)), 0), log)


def create(api: httpx.Client, deployment: str, count: int, chance: random.Random) -> None:
    for _ in range(count):
        parameters = {"app": "app", "revision": f"{chance.uniform(0, LONGEST_STEP):.3f}"}
        ask(api, "POST", f"/deployments/{deployment}/create_flow_run", {"parameters": parameters})


def states(api: httpx.Client) -> Counter[str]:
    """How many runs are in which state."""
    found: Counter[str] = Counter()
    for offset in range(0, 1_000_000, PAGE):
        runs = ask(api, "POST", "/flow_runs/filter", {"limit": PAGE, "offset": offset})
        found.update(run["state_type"] for run in runs)
        if len(runs) < PAGE:
            return found
    return found


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the runs: states at the server, and the agent's own count of their ends."""

    agent: Agent
    states: Counter[str]
    counted: dict[str, float]
    seconds: float


def measure(
    runs: int, share: float, limit: int, seed: int, server: Callable[[Path], Server] = prefect_server
) -> Outcome:
    """Run and kill, until every run has ended."""
    stop, chance = threading.Event(), random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="towpath-forks-") as text, server(Path(text)) as api:
        deployment = deploy(api, keys.DELIVER, None)
        agent = start(Path(text), api, limit)
        killer = threading.Thread(target=kill_some, args=(agent, share, random.Random(seed), stop))
        feeder = threading.Thread(target=create, args=(api, deployment, runs, chance), daemon=True)
        begun = time.monotonic()
        try:
            killer.start()
            feeder.start()
            while feeder.is_alive() or list(agent.runs()) or not _over(found := states(api), runs):
                agent.sample()
                time.sleep(LOOK)
            agent.sample()
            return Outcome(agent, found, counted(agent), time.monotonic() - begun)
        finally:
            stop.set()
            killer.join()
            agent.process.terminate()
            agent.process.wait(90)


def _over(found: Counter[str], runs: int) -> bool:
    return sum(found[state] for state in FINAL) == runs


def counted(agent: Agent) -> dict[str, float]:
    families = text_string_to_metric_families(httpx.get(f"{agent.address}/metrics").text)
    samples = (sample for family in families for sample in family.samples)
    return {
        sample.labels["state"]: sample.value
        for sample in samples
        if sample.name == "towpath_runs_ended_total" and sample.value
    }


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("--runs", type=int, default=1000)
    asked.add_argument("--kill", type=float, default=0.2, help="Share of the runs that is killed.")
    asked.add_argument("--limit", type=int, default=8)
    asked.add_argument("--seed", type=int, default=1)
    given = asked.parse_args()
    done = measure(given.runs, given.kill, given.limit, given.seed)
    samples = done.agent.samples
    print(f"{given.runs} runs in {done.seconds:.0f} s ({given.runs / done.seconds:.1f} a second), ", end="")
    print(f"{len(done.agent.killed)} killed, {given.limit} at once, {os.cpu_count()} CPUs, ", end="")
    print(f"load {os.getloadavg()[0]:.1f}")
    print("states: " + ", ".join(f"{count} {state}" for state, count in sorted(done.states.items())))
    print("the agent's count: " + ", ".join(f"{value:.0f} {state}" for state, value in done.counted.items()))
    print(f"zombies: at most {max(each.zombies for each in samples)}, {samples[-1].zombies} at the end")
    tenth = max(1, len(samples) // 10)
    print(f"{'':20}{'':>14}{'first tenth':>14}{'last tenth':>14}{'most':>14}{'end':>14}")
    for number, place in enumerate(PLACES):
        for label, values in (
            ("PSS MiB", [each.memory[number] / 1024 for each in samples]),
            ("open files", [each.files[number] for each in samples]),
        ):
            shown = (
                statistics.median(values[:tenth]),
                statistics.median(values[-tenth:]),
                max(values),
                values[-1],
            )
            print(f"{place:20}{label:>14}" + "".join(f"{value:14.1f}" for value in shown))


if __name__ == "__main__":
    main()
