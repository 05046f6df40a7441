"""From a `kubectl` edit to the field restored, and to its flow run Completed, with `towpath agent`.

An environment of its own on the running local stack: a repository, a namespace, a watcher as a process. Each
trial changes another of 50 ConfigMaps, so that nothing counts as a fight; a Kubernetes watch sees the moment
of healing, the Prefect API tells when the run was recorded. Times begin when kubectl has returned.
Run: .venv/bin/python benchmarks/watch.py [--trials 50] [--objects 50] (`towpath local up` first)
"""

import argparse
import os
import statistics
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.integration.manifests import configmap  # noqa: E402
from tests.integration.running import RunningStack  # noqa: E402
from tests.integration.watched import Watched, watched  # noqa: E402


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


def percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(share * (len(ordered) - 1)))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--trials", type=int, default=50)
    parser.add_argument("--objects", type=int, default=50)
    arguments = parser.parse_args()
    home = Path(os.environ.get("TOWPATH_HOME") or Path.home() / ".local/share/towpath")
    stack = RunningStack(home)
    if not stack.is_up():
        sys.exit("No local stack: run `towpath local up` first.")
    os.environ["TOWPATH_HOME"] = str(home)
    names = [f"c{number:03}" for number in range(arguments.objects)]
    healed, recorded = [], []
    with watched(stack, {"app": [configmap(name, a="1", b="2") for name in names]}) as environment:
        observer = HealObserver(environment)
        time.sleep(1)
        load = os.getloadavg()[0]
        for number in range(arguments.trials):
            to_healed, to_recorded = trial(environment, observer, names[number % len(names)])
            healed.append(to_healed)
            recorded.append(to_recorded)
            time.sleep(0.5)
    print(
        f"{arguments.trials} trials, {arguments.objects} ConfigMaps, {os.cpu_count()} CPUs,"
        f" load {load:.1f} before and {os.getloadavg()[0]:.1f} after"
    )
    print(f"{'from kubectl back to':24} {'p50':>7} {'p90':>7} {'p99':>7} {'worst':>7}")
    for label, values in (("the field restored", healed), ("the run Completed", recorded)):
        seconds = [statistics.median(values), percentile(values, 0.9), percentile(values, 0.99), max(values)]
        print(f"{label:24}" + "".join(f" {value:6.2f}s" for value in seconds))


if __name__ == "__main__":
    main()
