"""From a `kubectl` edit to the field restored, and to its flow run Completed, with `towpath agent`.

An environment of its own on the running local stack, or beside a Prefect server of its own on the cluster of
KUBECONFIG: a repository, a namespace, a watcher as a process. Each trial changes another of 50 ConfigMaps, so
that nothing counts as a fight; a Kubernetes watch sees the moment of healing, the Prefect API tells when the
run was recorded. Times begin when kubectl has returned. `--rate`: so many edits a minute, which wait for
nothing, sent by this process in place of kubectl.
Run: .venv/bin/python -m benchmarks.watch [--trials 50] [--objects 50] [--rate 200]
"""

import argparse
import os
import statistics
import threading
import time
from datetime import UTC, datetime

from benchmarks.place import a_stack
from tests.integration.manifests import configmap
from tests.integration.watched import Watched, watched
from towpath.objects import ObjectRef


class HealObserver:
    """Watches the ConfigMaps and notes when one has the value of Git again (Unix time by name)."""

    def __init__(self, environment: Watched) -> None:
        self.healed: dict[str, float] = {}
        self._environment = environment
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        cluster, namespace = self._environment.world.cluster, self._environment.world.namespace
        since = cluster.list_with_version("", "ConfigMap", namespace)[1]
        while True:
            for event in cluster.watch("", "ConfigMap", namespace, since=since, seconds=300):
                metadata = event.object["metadata"]
                since = metadata["resourceVersion"]
                if (event.object.get("data") or {}).get("a") == "1":
                    self.healed[metadata["name"]] = time.time()


def trial(environment: Watched, observer: HealObserver, name: str) -> tuple[float, float]:
    """Edit one ConfigMap; seconds until it is healed and until its run is recorded."""
    earlier_runs = {run["id"] for run in environment.runs()}
    environment.edit(name)
    returned = time.time()
    observer.healed.pop(name, None)
    if environment.value(name) == "1":
        observer.healed.setdefault(name, time.time())
    environment.until(lambda: name in observer.healed, f"{name} is healed")
    new_runs: list[dict[str, object]] = []

    def recorded() -> bool:
        new_runs[:] = [run for run in environment.runs("COMPLETED") if run["id"] not in earlier_runs]
        return bool(new_runs)

    environment.until(recorded, "the run is recorded")
    ended = datetime.fromisoformat(str(new_runs[0]["end_time"])).astimezone(UTC).timestamp()
    return max(0.0, observer.healed[name] - returned), max(0.0, ended - returned)


def paced(
    environment: Watched, observer: HealObserver, names: list[str], trials: int, rate: int
) -> list[float]:
    """Edit one ConfigMap after the other at this rate; seconds until each was healed."""
    cluster, namespace = environment.world.cluster, environment.world.namespace
    edited: list[tuple[str, float]] = []
    taken: list[float] = []
    begun = time.monotonic()
    for number in range(trials):
        time.sleep(max(0.0, begun + number * 60 / rate - time.monotonic()))
        name = names[number % len(names)]
        ref = ObjectRef("", "ConfigMap", namespace, name)
        edit = {"op": "replace", "path": "/data/a", "value": f"by hand {number}"}
        observer.healed.pop(name, None)
        cluster.json_patch(ref, [edit], field_manager="kubectl-edit")
        edited.append((name, time.time()))
        _collect(edited, observer, taken)
    environment.until(lambda: not _collect(edited, observer, taken), "all are healed")
    print(f"{trials * 60 / (time.monotonic() - begun):.0f} edits a minute")
    return taken


def _collect(
    edited: list[tuple[str, float]], observer: HealObserver, taken: list[float]
) -> list[tuple[str, float]]:
    """Move what is healed from the edits to the times; what is left."""
    for each in list(edited):
        if (healed := observer.healed.get(each[0])) is not None:
            edited.remove(each)
            taken.append(max(0.0, healed - each[1]))
    return edited


def percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(share * (len(ordered) - 1)))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--trials", type=int, default=50)
    parser.add_argument("--objects", type=int, default=50)
    parser.add_argument("--rate", type=int, default=0)
    arguments = parser.parse_args()
    # Who edits one object again and again has it left alone after a while: here each edit is of another.
    count = max(arguments.objects, arguments.trials) if arguments.rate else arguments.objects
    names = [f"c{number:03}" for number in range(count)]
    objects = [configmap(name, a="1", b="2") for name in names]
    healed, recorded = [], []
    with a_stack() as stack, watched(stack, {"app": objects}) as environment:
        observer = HealObserver(environment)
        time.sleep(1)
        load = os.getloadavg()[0]
        if arguments.rate:
            healed = paced(environment, observer, names, arguments.trials, arguments.rate)
        for number in range(0 if arguments.rate else arguments.trials):
            to_healed, to_recorded = trial(environment, observer, names[number % len(names)])
            healed.append(to_healed)
            recorded.append(to_recorded)
            time.sleep(0.5)
    print(
        f"{arguments.trials} trials, {count} ConfigMaps, {os.cpu_count()} CPUs,"
        f" load {load:.1f} before and {os.getloadavg()[0]:.1f} after"
    )
    print(f"{'from kubectl back to':24} {'p50':>7} {'p90':>7} {'p99':>7} {'worst':>7}")
    for label, values in (("the field restored", healed), ("the run Completed", recorded)):
        if not values:
            continue
        seconds = [statistics.median(values), percentile(values, 0.9), percentile(values, 0.99), max(values)]
        print(f"{label:24}" + "".join(f" {value:6.2f}s" for value in seconds))


if __name__ == "__main__":
    main()
