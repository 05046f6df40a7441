"""Sync of 2,000 objects into an empty namespace, and again: ours, Flux's engine, `kubectl apply`.

Run: .venv/bin/python -m benchmarks.sync [--objects 2000] [--runs 5] [--workload configmaps] [--workload mix]
Needs a cluster: the local stack's, or KUBECONFIG's. Each run has its own namespace; the engines take turns.

first, again   seconds of the engine's call, medians and worst. kubectl has no call of its own: its process
               less `kubectl version --client`
to ours        how many times as long
start          seconds of a process around the call: ours is importing the engine, kubectl's as above
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.cluster import Bench, write
from benchmarks.objects import WORKLOADS
from towpath.config import parse_config
from towpath.engine.apply.sync import sync_app
from towpath.engine.source.render import Rendered, digest_of
from towpath.objects import Manifest

IMPORT = "import towpath.adapters.kubernetes, towpath.engine.apply.sync"
CONFIG = "apiVersion: towpath.dev/v2\nenvironments: [{name: bench, namespace: %s}]\n"


@dataclass(frozen=True)
class Run:
    """Seconds of the first sync, of the second one, and of the process around them."""

    first: float
    again: float
    start: float


def towpath_sync(bench: Bench, objects: list[Manifest], namespace: str) -> Run:
    environment = parse_config(CONFIG % namespace).environments[0]
    placed = tuple(
        {**manifest, "metadata": {**manifest["metadata"], "namespace": namespace}} for manifest in objects
    )
    rendered = Rendered("bench", "bench", namespace, placed, digest_of(placed))
    begin = time.perf_counter()
    subprocess.run([sys.executable, "-c", IMPORT], check=True)
    start = time.perf_counter() - begin
    seconds = []
    for expected in (len(objects), 0):
        cluster = bench.connect()
        begin = time.perf_counter()
        result = sync_app(cluster, rendered, environment, commit="0" * 40)
        seconds.append(time.perf_counter() - begin)
        if len(result.changes) != expected:
            sys.exit(f"{len(result.changes)} objects were changed, not {expected}")
    first, again = seconds
    return Run(first, again, start)


def flux(bench: Bench, objects: list[Manifest], namespace: str) -> Run:
    with tempfile.TemporaryDirectory() as folder:
        done = bench.run_flux(write(Path(folder) / "objects.json", objects, namespace), rounds=2)
    first, again = done.rounds
    return Run(first, again, done.start)


def kubectl(bench: Bench, objects: list[Manifest], namespace: str) -> Run:
    start = bench.run_kubectl("version", "--client")
    with tempfile.TemporaryDirectory() as folder:
        file = write(Path(folder) / "objects.json", objects, namespace)
        first, again = (bench.run_kubectl("apply", "--server-side", "-f", file) for _ in range(2))
    return Run(first - start, again - start, start)


ENGINES: Mapping[str, Callable[[Bench, list[Manifest], str], Run]] = {
    "ours": towpath_sync,
    "Flux ApplyAllStaged, 4 at a time": flux,
    "kubectl apply --server-side": kubectl,
}


def measure(bench: Bench, objects: list[Manifest], runs: int) -> dict[str, list[Run]]:
    results: dict[str, list[Run]] = {name: [] for name in ENGINES}
    names = list(ENGINES)
    for number in range(runs):
        for name in names[number % len(names) :] + names[: number % len(names)]:
            with bench.namespace() as namespace:
                results[name].append(ENGINES[name](bench, objects, namespace))
            newest = results[name][-1]
            print(
                f"  {number + 1}/{runs} {name}: {newest.first:.2f} s, {newest.again:.2f} s", file=sys.stderr
            )
    return results


def show(title: str, results: dict[str, list[Run]]) -> None:
    print(f"\n{title}")
    print(f"{'':34}{'first':>8}{'worst':>8}{'to ours':>9}{'again':>9}{'worst':>8}{'to ours':>9}{'start':>8}")
    base = {
        field: statistics.median(getattr(run, field) for run in results["ours"])
        for field in ("first", "again")
    }
    for name, runs in results.items():
        cells = ""
        for field in ("first", "again"):
            values = [getattr(run, field) for run in runs]
            median = statistics.median(values)
            cells += f"{median:7.2f}s{max(values):7.2f}s{median / base[field]:8.2f}x "
        print(f"{name:34}{cells}{statistics.median(run.start for run in runs):6.2f}s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--objects", type=int, default=2000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--workload", action="append", choices=list(WORKLOADS), help="default: each")
    arguments = parser.parse_args()
    bench = Bench.open()
    for workload in arguments.workload or WORKLOADS:
        results = measure(bench, WORKLOADS[workload](arguments.objects), arguments.runs)
        show(f"{arguments.objects} objects ({workload}), {arguments.runs} runs", results)


if __name__ == "__main__":
    main()
