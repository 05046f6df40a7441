"""Sync, the check of unchanged objects and `towpath check`, beside those of another checkout.

Run: .venv/bin/python -m benchmarks.before ../before [--runs 5] [--objects 2000] [--apps 300]
     [--part sync --part check]
The other checkout needs a .venv of its own (its `.ci/setup`). Both take turns, each in a process of its own;
medians, worst values, and the ratio of the medians. The part `sync` needs a cluster: the local stack's, or
KUBECONFIG's.

sync    --objects objects of seven kinds: the first sync into an empty namespace, the second one, which
        writes nothing, and a drift check of the unchanged objects (calls of the engine)
check   `towpath check` of --apps apps by Kustomize: cold, again, and after one commit (whole processes)
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

from benchmarks import check as check_benchmark
from benchmarks.cluster import Bench
from benchmarks.objects import mix

ROOT = Path(__file__).parents[1]
CHILD = Path(__file__).with_name("before_child.py")
START = "from towpath.cli.main import run; run()"
Times = dict[str, dict[str, list[float]]]


def measure_sync(checkouts: dict[str, Path], runs: int, count: int, times: Times) -> None:
    bench = Bench.open()
    for number, (label, checkout) in turns(checkouts, runs):
        with bench.namespace() as namespace, tempfile.TemporaryDirectory() as folder:
            placed = [
                {**manifest, "metadata": {**manifest["metadata"], "namespace": namespace}}
                for manifest in mix(count)
            ]
            file = Path(folder) / "objects.json"
            file.write_text(json.dumps(placed))
            command: list[str | Path] = [python(checkout), CHILD, bench.kubeconfig, namespace, file]
            done = subprocess.run(
                command, cwd=checkout, env=environment(checkout), stdout=subprocess.PIPE, check=True
            )
            measured = json.loads(done.stdout)
        for step, seconds in measured.items():
            times[step][label].append(seconds)
        print(f"  sync {number + 1}/{runs} {label}: {measured}", file=sys.stderr, flush=True)


def measure_check(checkouts: dict[str, Path], runs: int, apps: int, times: Times) -> None:
    with tempfile.TemporaryDirectory(prefix="towpath-bench-") as folder:
        root, cache = Path(folder) / "repository", Path(folder) / "cache"
        root.mkdir()
        check_benchmark.repository(root, apps, "kustomize")
        for number, (label, checkout) in turns(checkouts, runs):
            for step in ("check, cold", "check, again", "check, after one commit"):
                if step.endswith("commit"):
                    check_benchmark.commit(root, number * len(checkouts) + list(checkouts).index(label))
                command: list[str | Path] = [python(checkout), "-c", START, "check", "--repo", root]
                environ = {**check_benchmark.environment(cache), **environment(checkout, cache)}
                begin = time.perf_counter()
                done = subprocess.run(
                    command, cwd=checkout, env=environ, capture_output=True, text=True, check=False
                )
                times[step][label].append(time.perf_counter() - begin)
                if "Traceback" in done.stderr:
                    raise SystemExit(done.stderr)
            shutil.rmtree(cache)
            print(f"  check {number + 1}/{runs} {label}", file=sys.stderr, flush=True)


def turns(checkouts: dict[str, Path], runs: int) -> list[tuple[int, tuple[str, Path]]]:
    """Each run of each checkout; who begins alternates."""
    pairs = list(checkouts.items())
    return [(number, pair) for number in range(runs) for pair in (pairs if number % 2 else pairs[::-1])]


def python(checkout: Path) -> Path:
    return checkout / ".venv/bin/python"


def environment(checkout: Path, cache: Path | None = None) -> dict[str, str]:
    environ = {**os.environ, "PYTHONPATH": str(checkout / "src")}
    if cache:
        environ["TOWPATH_CACHE"] = str(cache)
        environ["PATH"] = check_benchmark.environment(cache)["PATH"]
    return environ


def print_table(times: Times) -> None:
    print(f"\n{'':26}{'before':>9}{'worst':>9}{'now':>9}{'worst':>9}{'to before':>11}")
    for step, by_label in times.items():
        before, now = by_label["before"], by_label["now"]
        cells = "".join(f"{value:8.2f}s" for v in (before, now) for value in (statistics.median(v), max(v)))
        print(f"{step:26}{cells}{statistics.median(now) / statistics.median(before):10.2f}x")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("before", type=Path)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--objects", type=int, default=2000)
    parser.add_argument("--apps", type=int, default=300)
    parser.add_argument("--part", action="append", choices=["sync", "check"], help="default: each")
    arguments = parser.parse_args()
    checkouts = {"before": arguments.before.resolve(), "now": ROOT}
    times: Times = defaultdict(lambda: defaultdict(list))
    parts = arguments.part or ["sync", "check"]
    if "sync" in parts:
        measure_sync(checkouts, arguments.runs, arguments.objects, times)
    if "check" in parts:
        measure_check(checkouts, arguments.runs, arguments.apps, times)
    print_table(times)


if __name__ == "__main__":
    main()
