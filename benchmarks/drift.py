"""Finding and healing drift: many objects, many apps, beside Flux's engine and kubectl on the same objects.

Run: .venv/bin/python -m benchmarks.drift [--runs 5] [--objects 2000] [--apps 300]
     [--part check --part fleet --part growth]
Needs a cluster: the local stack's, or KUBECONFIG's. Medians; seconds. Parts:

check    --objects unchanged ConfigMaps: ours; Flux's engine at concurrency 4; `kubectl diff --server-side`
fleet    --apps apps of 7 objects: into an emptied namespace (beside `kubectl apply --server-side`), nothing
         changed (beside Flux's engine), one app changed in Git; and the memory that ours needed
growth   500, 2,000 and 8,000 objects, 10 of them drifted
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.cluster import Bench, write
from benchmarks.objects import configmaps, mix
from tests.integration.fleet import Fleet
from tests.integration.world import World
from towpath.adapters.kubernetes import Cluster, connect
from towpath.config import Environment, parse_config
from towpath.engine.apply.sync import sync_app
from towpath.engine.reconcile.detect import inspect
from towpath.engine.source.render import Rendered, digest_of
from towpath.objects import Manifest
from towpath.settings import Settings

CONFIG = "apiVersion: towpath.dev/v2\nenvironments: [{name: test, namespace: %s}]\n"
DRIFTED = 10


def timed(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def print_table(rows: Sequence[tuple[str, list[float]]], title: str) -> None:
    """Print medians and worst values in seconds, with ratios to the first row."""
    first_median = statistics.median(rows[0][1])
    print(f"\n{title}\n{'':42} {'median':>8} {'worst':>8} {'to first':>9}")
    for label, values in rows:
        median = statistics.median(values)
        print(f"{label:42} {median:8.2f} {max(values):8.2f} {median / first_median:8.1f}x", flush=True)


def one_app(objects: list[Manifest], namespace: str) -> tuple[Environment, Rendered]:
    placed = tuple(
        {**manifest, "metadata": {**manifest["metadata"], "namespace": namespace}} for manifest in objects
    )
    environment = parse_config(CONFIG % namespace).environments[0]
    return environment, Rendered("bench", "test", namespace, placed, digest_of(placed))


def check(bench: Bench, runs: int, folder: Path, count: int) -> None:
    objects = configmaps(count)
    ours, flux, diff = [], [], []
    with (
        bench.namespace() as towpath_namespace,
        bench.namespace() as peer_namespace,
        bench.namespace() as applied,
    ):
        environment, rendered = one_app(objects, towpath_namespace)
        cluster = bench.connect()
        sync_app(cluster, rendered, environment, commit="0" * 40)
        file, other = (
            write(folder / "flux.json", objects, peer_namespace),
            write(folder / "diff.json", objects, applied),
        )
        bench.run_flux(file)
        bench.run_kubectl("apply", "--server-side", "-f", other)
        for _ in range(runs):
            ours.append(timed(lambda: expect(0, cluster, environment, rendered)))
            flux += bench.run_flux(file).rounds
            diff.append(bench.run_kubectl("diff", "--server-side", "-f", other))
    print_table(
        [("towpath", ours), ("Flux's engine, concurrency 4", flux), ("kubectl diff --server-side", diff)],
        f"check of {count:,} unchanged objects, {runs} runs",
    )


def expect(number: int, cluster: Cluster, environment: Environment, rendered: Rendered) -> None:
    """Run one check; exit unless it finds exactly `number` objects."""
    entries = inspect(cluster, environment, [rendered]).report.entries
    if len(entries) != number:
        sys.exit(f"{len(entries)} objects were found, not {number}: {entries[:1]}")


def growth(bench: Bench, runs: int) -> None:
    rows: list[tuple[str, list[float]]] = []
    for size in (500, 2_000, 8_000):
        with bench.namespace() as namespace:
            rows += grown(bench, size, namespace, runs)
    print_table(rows, f"growth, {runs} runs")


def grown(bench: Bench, size: int, namespace: str, runs: int) -> list[tuple[str, list[float]]]:
    environment, rendered = one_app(configmaps(size), namespace)
    cluster = bench.connect()
    commit = "0" * 40
    sync_app(cluster, rendered, environment, commit=commit)
    quiet = [timed(lambda: expect(0, cluster, environment, rendered)) for _ in range(runs)]
    drifted, healed = [], []
    names = [f"settings-{number:05}" for number in range(0, size, size // DRIFTED)][:DRIFTED]
    for _ in range(runs):
        bench.run_kubectl("label", "configmap", "-n", namespace, *names, f"edit=e{time.time_ns()}")
        drifted.append(timed(lambda: expect(DRIFTED, cluster, environment, rendered)))
        healed.append(timed(lambda: sync_app(cluster, rendered, environment, commit=commit)))
    return [
        (f"{size:,} objects: nothing changed", quiet),
        (f"{size:,} objects: {DRIFTED} drifted, found", drifted),
        (f"{size:,} objects: {DRIFTED} drifted, healed", healed),
    ]


def fleet(bench: Bench, runs: int, folder: Path, apps: int) -> None:
    objects = mix(7 * apps)
    rebuilt, written, applied, waited, quiet, changed, flux = [], [], [], [], [], [], []
    memory = 0
    for number in range(runs):
        with bench.namespace() as towpath_namespace, bench.namespace() as peer_namespace:
            repository = new_fleet(bench, folder / str(number), towpath_namespace, objects)
            repository.push()
            run = run_towpath(repository, changes=apps)
            rebuilt.append(run.seconds)
            written.append(run.written)
            file = write(folder / "fleet.json", objects, peer_namespace)
            applied.append(bench.run_kubectl("apply", "--server-side", "-f", file))
            waited.append(applied[-1] + bench.run_kubectl("wait", "-n", peer_namespace, *OBSERVED))
            run = run_towpath(repository, changes=0)
            memory = run.memory
            quiet.append(run.seconds)
            next(iter(repository.apps.values()))[0]["data"]["LEVEL"] = f"changed {number}"
            repository.push()
            changed.append(run_towpath(repository, changes=1).seconds)
        with bench.namespace() as peer_namespace:
            files = [
                write(folder / f"app-{at}.json", objects[at * 7 : at * 7 + 7], peer_namespace)
                for at in range(apps)
            ]
            bench.run_flux(*files)
            flux += bench.run_flux(*files).rounds
    print_table(
        [
            ("towpath reconcile, until all is verified", rebuilt),
            ("kubectl apply --server-side, then wait", waited),
            ("towpath reconcile, until all is applied", written),
            ("kubectl apply --server-side", applied),
        ],
        f"{apps} apps of 7 objects into an emptied namespace, {runs} runs",
    )
    print_table(
        [
            ("nothing changed", quiet),
            ("one app changed in Git", changed),
            ("Flux's engine, nothing changed", flux),
        ],
        f"reconcile of {apps} apps of 7 objects, {runs} runs",
    )
    print(f"memory of the process that reconciled, nothing changed: {memory} MiB")


def new_fleet(bench: Bench, folder: Path, namespace: str, objects: list[Manifest]) -> Fleet:
    world = World(connect(bench.kubeconfig), bench.kubectl, Path(bench.kubeconfig), namespace)
    environ = {
        "HOME": str(folder),
        "TOWPATH_ENVIRONMENTS": str(folder / "environments.git"),
        "TOWPATH_GIT_ALLOW_FILE": "1",
        "TOWPATH_CACHE": str(folder / "cache"),
        "KUBECONFIG": bench.kubeconfig,
    }
    folder.mkdir(parents=True)
    new = Fleet(folder, world, Settings.load(environ), registry="registry.example.com")
    for at in range(0, len(objects), 7):
        new.apps[f"app-{at // 7:04}"] = objects[at : at + 7]
    return new


OBSERVED = ("deployment", "--all", "--for=jsonpath={.status.observedGeneration}=1", "--timeout=300s")
"""Arguments of `kubectl wait`: until controllers have seen each Deployment."""
RECONCILE_SCRIPT = """\
import json, os, resource, time
from towpath.engine.live.context import open_context
from towpath.engine.reconcile.loop import reconcile
from towpath.settings import Settings
begin = last = time.perf_counter()
def tell(line):
    global last
    if line.endswith((" created", " configured")):
        last = time.perf_counter()
done = reconcile(open_context(Settings.load(os.environ), "test"), tell=tell)
taken = time.perf_counter() - begin
memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
print(json.dumps([taken, last - begin, memory, len(done.outcomes), list(done.failures.items())[:3]]))
"""


@dataclass(frozen=True)
class TowpathRun:
    """Seconds of fetch and reconcile, seconds until the last object was written, MiB of the whole process."""

    seconds: float
    written: float
    memory: int


def run_towpath(repository: Fleet, *, changes: int) -> TowpathRun:
    """Reconcile in a process of its own, as a worker does."""
    environ = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    environ |= {
        "HOME": str(repository.folder),
        "TOWPATH_ENVIRONMENTS": str(repository.folder / "environments.git"),
        "TOWPATH_GIT_ALLOW_FILE": "1",
        "TOWPATH_CACHE": str(repository.folder / "cache"),
        "KUBECONFIG": str(repository.world.kubeconfig),
    }
    process = subprocess.run(
        [sys.executable, "-c", RECONCILE_SCRIPT], env=environ, capture_output=True, text=True, check=False
    )
    if process.returncode:
        sys.exit(process.stderr)
    taken, written, memory, outcomes, failures = json.loads(process.stdout.splitlines()[-1])
    if failures or outcomes != changes:
        sys.exit(f"{outcomes} apps were changed, not {changes}; failures: {failures}")
    return TowpathRun(taken, written, memory)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--objects", type=int, default=2_000, help="of the part check")
    parser.add_argument("--apps", type=int, default=300)
    parser.add_argument("--part", action="append", choices=["check", "fleet", "growth"])
    arguments = parser.parse_args()
    bench = Bench.open()
    for part in arguments.part or ("check", "fleet", "growth"):
        with tempfile.TemporaryDirectory(prefix="towpath-bench-") as name:
            if part == "check":
                check(bench, arguments.runs, Path(name), arguments.objects)
            elif part == "growth":
                growth(bench, arguments.runs)
            else:
                fleet(bench, arguments.runs, Path(name), arguments.apps)
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10
    print(f"\nlargest process of all, the peers among them: {children} MiB")


if __name__ == "__main__":
    main()
