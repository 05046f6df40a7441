"""From a `kubectl` edit to the field restored, and to its flow run Completed, with `towpath watch`.

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

from tests.integration.kube import configmap  # noqa: E402
from tests.integration.running import RunningStack  # noqa: E402
from tests.integration.watched import Watched, watched  # noqa: E402


class Eye:
    """Watches the ConfigMaps and notes when one has the value of Git again."""

    def __init__(self, here: Watched) -> None:
        self.healed: dict[str, float] = {}
        self._here = here
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        cluster, namespace = self._here.world.cluster, self._here.world.namespace
        since = cluster.list_with_version("", "ConfigMap", namespace)[1]
        while True:
            for event in cluster.watch("", "ConfigMap", namespace, since=since, seconds=300):
                metadata = event.object["metadata"]
                since = metadata["resourceVersion"]
                if (event.object.get("data") or {}).get("a") == "1":
                    self.healed[metadata["name"]] = time.time()


def trial(here: Watched, eye: Eye, name: str) -> tuple[float, float]:
    """Seconds to healed and to recorded."""
    known = {run["id"] for run in here.runs()}
    here.edit(name)
    returned = time.time()
    eye.healed.pop(name, None)
    if here.value(name) == "1":
        eye.healed.setdefault(name, time.time())
    here.until(lambda: name in eye.healed, f"{name} is healed")
    new: list[dict[str, object]] = []

    def recorded() -> bool:
        new[:] = [run for run in here.runs("COMPLETED") if run["id"] not in known]
        return bool(new)

    here.until(recorded, "the run is recorded")
    ended = datetime.fromisoformat(str(new[0]["end_time"])).astimezone(UTC).timestamp()
    return max(0.0, eye.healed[name] - returned), max(0.0, ended - returned)


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
    with watched(stack, {"app": [configmap(name, a="1", b="2") for name in names]}) as here:
        eye = Eye(here)
        time.sleep(1)
        load = os.getloadavg()[0]
        for number in range(arguments.trials):
            one, other = trial(here, eye, names[number % len(names)])
            healed.append(one)
            recorded.append(other)
            time.sleep(0.5)
    print(
        f"{arguments.trials} trials, {arguments.objects} ConfigMaps, {os.cpu_count()} CPUs,"
        f" load {load:.1f} before and {os.getloadavg()[0]:.1f} after"
    )
    print(f"{'from kubectl back to':24} {'p50':>7} {'p90':>7} {'p99':>7} {'worst':>7}")
    for what, values in (("the field restored", healed), ("the run Completed", recorded)):
        shown = [statistics.median(values), percentile(values, 0.9), percentile(values, 0.99), max(values)]
        print(f"{what:24}" + "".join(f" {value:6.2f}s" for value in shown))


if __name__ == "__main__":
    main()
