"""How long verbs that need no server take to start: medians of several runs, beside `python -c pass`.

Run: .venv/bin/python benchmarks/start.py
"""

import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
TOWPATH = str(Path(sys.executable).with_name("towpath"))
RUNS = 7
COMMANDS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "towpath --help": [TOWPATH, "--help"],
    "towpath check --help": [TOWPATH, "check", "--help"],
    "towpath local status --help": [TOWPATH, "local", "status", "--help"],
    "towpath deployments --check": [
        *(TOWPATH, "deployments", "--check", "--repo", "examples/environments"),
        *("--file", "prefect.yaml"),
    ],
    "towpath check (1 app, 3 environments)": [TOWPATH, "check", "--repo", "examples/environments"],
    "import prefect": [sys.executable, "-c", "import prefect"],
}


def seconds(command: list[str]) -> float:
    begin = time.perf_counter()
    subprocess.run(command, cwd=ROOT, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - begin


def main() -> None:
    taken: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(RUNS):  # interleaved, so that a busy moment hits all alike
        for name, command in COMMANDS.items():
            taken[name].append(seconds(command))
    base = statistics.median(taken["python -c pass"])
    print(f"{'command':40} {'median':>8} {'worst':>8} {'to python':>10}")
    for name, values in taken.items():
        middle = statistics.median(values)
        print(f"{name:40} {middle:7.2f}s {max(values):7.2f}s {middle / base:9.1f}x")


if __name__ == "__main__":
    main()
