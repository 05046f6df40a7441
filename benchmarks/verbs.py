"""Time and peak memory of verbs against a running stack, beside those of another checkout.

Interleaved runs, medians. The verbs read and change nothing: `approve` is given a digest that nobody waits
with. Other checkouts are run by their own .venv, or by this one's where they have none.

Run: .venv/bin/python benchmarks/verbs.py --before ../before [--runs 10] [APP] [ENVIRONMENT]
"""

import argparse
import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[1]
START = "from towpath.cli.main import run; run()"


@dataclass
class Taken:
    """What the runs of one verb took."""

    seconds: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)
    codes: set[int] = field(default_factory=set)

    def __str__(self) -> str:
        wall, cpu = statistics.median(self.seconds), statistics.median(self.processor)
        codes = ",".join(map(str, sorted(self.codes)))
        return f"{wall:6.2f} s {cpu:6.2f} s cpu {max(self.memory):5.0f} MB  exit {codes}"


def verbs(app: str, environment: str) -> dict[str, list[str]]:
    return {
        "status": ["status"],
        "approve": ["approve", app, "--digest", "f" * 64, "--as", "alice", "--yes"],
        "history": ["history", app],
        "drift": ["drift", environment],
        "drift --history": ["drift", environment, "--history"],
    }


def measure(checkout: Path, args: list[str], taken: Taken) -> None:
    own = checkout / ".venv/bin/python"
    python = str(own) if own.exists() else sys.executable
    environ = {**os.environ, "PYTHONPATH": str(checkout / "src")}
    begin = time.perf_counter()
    with subprocess.Popen(
        [python, "-c", START, *args],
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    taken.seconds.append(time.perf_counter() - begin)
    taken.processor.append(used.ru_utime + used.ru_stime)
    taken.memory.append(used.ru_maxrss / 1024)
    taken.codes.add(process.returncode)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("app", nargs="?", default="hello")
    parser.add_argument("environment", nargs="?", default="dev")
    parser.add_argument("--before", type=Path)
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--verb", action="append", dest="chosen")
    given = parser.parse_args()
    checkouts = {"now": ROOT} | ({"before": given.before.resolve()} if given.before else {})
    for verb, args in verbs(given.app, given.environment).items():
        if given.chosen and verb not in given.chosen:
            continue
        results = {name: Taken() for name in checkouts}
        for _ in range(given.runs):
            for name, checkout in checkouts.items():
                measure(checkout, args, results[name])
        for name, taken in results.items():
            print(f"{verb:16} {name:7} {taken}", flush=True)


if __name__ == "__main__":
    main()
