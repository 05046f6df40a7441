"""Towpath's own share of deliveries, beside that of another checkout: whole stacks, one after the other.

Run: .venv/bin/python -m benchmarks.deliveries ../before [--runs 5]
The other checkout needs a .venv of its own (its `.ci/setup`); no local stack may be up. Each build starts a
stack of its own in a temporary folder, plays the demo's first chapter `--runs` times (a commit is delivered
to prod), and is taken away again. Medians over the deliveries, in seconds:

deliver, dev, staging   the runs of one commit up to staging, from creation to end
prod                    the run that waits for people
own share               all of that but steps that build (checkout, build, test, scan, push, record), the step
                        `verify`, which waits for pods, and the time in which a run waited for people
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

from benchmarks.path import Api, split

ROOT = Path(__file__).parents[1]
API = "http://127.0.0.1:4200/api"
OWN = ("other steps", "Prefect and starts")
Spans = dict[str, list[float]]


def towpath(checkout: Path, home: Path, *args: str) -> None:
    """As a person would, with nothing of this shell's settings."""
    own = ("TOWPATH_", "PREFECT_")
    environ = {name: value for name, value in os.environ.items() if not name.startswith(own)}
    environ |= {"TOWPATH_HOME": str(home), "PYTHONPATH": ""}
    subprocess.run(
        [checkout / ".venv/bin/towpath", *args], cwd=checkout, env=environ, check=True, stdout=sys.stderr
    )


def measure(checkout: Path, runs: int) -> Spans:
    """The spans of every delivery."""
    with tempfile.TemporaryDirectory(prefix="towpath-deliveries-") as folder:
        Path(folder).chmod(0o711)  # agents have users of their own
        home = Path(folder) / "home"
        try:
            for _ in range(runs):
                towpath(checkout, home, "demo", "--chapter", "deliver", "--keep")
            return spans_of(Api(API), runs)
        finally:
            towpath(checkout, home, "local", "down", "--purge")


def spans_of(api: Api, expected: int) -> Spans:
    """Of the newest deliveries: each commit's own share up to staging, and in prod."""
    by_commit: dict[str, dict[str, dict[str, float]]] = defaultdict(dict)
    for flow in ("deliver", "promote"):
        for run in api.ended(flow):
            [commit] = [tag for tag in run["tags"] if str(tag).startswith("commit:")]
            where = str(run["parameters"].get("environment", "deliver"))
            by_commit[commit][where] = split(api, run)
    spans: Spans = {"deliver, dev, staging": [], "prod": []}
    for runs in by_commit.values():
        if {"deliver", "dev", "staging", "prod"} <= runs.keys():
            shares = [own(runs[each]) for each in ("deliver", "dev", "staging")]
            spans["deliver, dev, staging"].append(sum(shares))
            spans["prod"].append(own(runs["prod"]))
    if len(spans["prod"]) < expected:
        raise SystemExit(f"{len(spans['prod'])} deliveries came to prod, not {expected}")
    return spans


def own(shares: dict[str, float]) -> float:
    return sum(shares[name] for name in OWN)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("before", type=Path)
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    before = measure(arguments.before.resolve(), arguments.runs)
    now = measure(ROOT, arguments.runs)
    print(f"{'own share':26}{'before':>9}{'worst':>9}{'now':>9}{'worst':>9}{'of before':>11}")
    for span in before:
        numbers = [of(each[span]) for each in (before, now) for of in (statistics.median, max)]
        cells = "".join(f"{number:8.2f}s" for number in numbers)
        print(f"{span:26}{cells}{numbers[2] / numbers[0]:10.2f}x")


if __name__ == "__main__":
    main()
