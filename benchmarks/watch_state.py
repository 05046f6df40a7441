"""What a watcher's comparison costs: memory that it keeps, and seconds, for the objects of one app.

No cluster and no Git: manifests are prepared as a watcher does for a commit, live objects are parsed from
JSON with the `managedFields` of a server-side apply and of a status. Memory is what Python has allocated more
after a step (tracemalloc, in a run of its own); seconds are the best of some runs without it.
Run: .venv/bin/python benchmarks/watch_state.py [--objects 2000] [--workload mix] [--runs 3]
"""

import argparse
import gc
import json
import os
import sys
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.objects import WORKLOADS  # noqa: E402
from towpath.adapters.kubernetes import Collection, WatchEvent  # noqa: E402
from towpath.applyset.apply_object import prepare_objects  # noqa: E402
from towpath.applyset.inventory import Inventory, OwnedObject, Owner  # noqa: E402
from towpath.applyset.inventory_configmap import to_configmap  # noqa: E402
from towpath.engine.source.render import digest_of  # noqa: E402
from towpath.engine.watch.state import WatchState  # noqa: E402
from towpath.engine.watch.wanted import Wanted  # noqa: E402
from towpath.fields.managed_fields import fingerprint  # noqa: E402
from towpath.objects import Manifest, ref_of  # noqa: E402

OWNER = Owner("app", "bench", "bench")
EVENTS = 2000


def fields_of(value: Any) -> dict[str, Any]:
    """The fields of a manifest's value as the API server records them; items of lists by their name."""
    if isinstance(value, dict):
        return {f"f:{key}": fields_of(inner) for key, inner in value.items()}
    if isinstance(value, list) and value and all(isinstance(each, dict) and "name" in each for each in value):
        return {f"k:{json.dumps({'name': each['name']})}": {".": {}, **fields_of(each)} for each in value}
    return {}


def live_of(manifest: Manifest, number: int) -> Manifest:
    """The metadata of the object as a watch of metadata brings it."""
    body = {key: value for key, value in manifest.items() if key not in ("apiVersion", "kind", "metadata")}
    labels: dict[str, Any] = {"f:metadata": {"f:labels": {f"f:{key}": {} for key in OWNER.labels}}}
    ours = {
        "manager": "towpath", "operation": "Apply", "apiVersion": manifest["apiVersion"],
        "time": "2026-01-01T00:00:00Z", "fieldsType": "FieldsV1", "fieldsV1": labels | fields_of(body),
    }  # fmt: skip
    status = {**ours, "manager": "controller", "operation": "Update", "subresource": "status"}
    metadata = {
        **manifest["metadata"], "labels": OWNER.labels, "uid": f"{number:08x}-0000-4000-8000-000000000000",
        "resourceVersion": str(number), "managedFields": [ours, status],
    }  # fmt: skip
    parsed: Manifest = json.loads(json.dumps({**manifest, "metadata": metadata}))
    return {key: parsed[key] for key in ("apiVersion", "kind", "metadata")}


def wanted_of(manifests: list[Manifest]) -> dict[str, Wanted]:
    """As read for a commit."""
    objects = prepare_objects(manifests, OWNER, key=b"key")
    return {
        "app": Wanted({each.ref: each.wanted.packed() for each in objects}, (digest_of(tuple(manifests)),))
    }


class Bench:
    """Measures each step of a watcher's start, and events afterwards."""

    def __init__(self, manifests: list[Manifest], *, memory: bool) -> None:
        self._memory = memory
        self.steps: dict[str, float] = {}
        # What a watcher gets from outside, as text: parsed anew, so that nothing of it is shared.
        rendered, live = json.dumps(manifests), [live_of(each, n) for n, each in enumerate(manifests)]
        inventory = json.dumps(self._inventory(manifests, live))
        text = json.dumps(live)
        del live
        state = WatchState("bench", "bench", lambda: None)
        self._step("read a commit", lambda: state.want(wanted_of(json.loads(rendered))))
        self._step("read the inventory", lambda: state.see_inventories([json.loads(inventory)]))
        self._step("list what is live", lambda: self._list(state, json.loads(text)))
        assert state.ready() and state.drifted() == {"app": 0} and not state.unapplied()
        self.start = sum(self.steps.values())
        events = self._events(json.loads(text))
        self._step(f"{EVENTS} events", lambda: self._see(state, events))
        assert state.drifted() == {"app": 0}

    @staticmethod
    def _inventory(manifests: list[Manifest], live: list[Manifest]) -> Manifest:
        owned = []
        for each, now in zip(prepare_objects(manifests, OWNER, key=b"key"), live, strict=True):
            seen = fingerprint(now["metadata"])
            owned.append(OwnedObject(each.ref, now["metadata"]["uid"], seen, each.applied_digest))
        objects = tuple(sorted(owned, key=lambda each: each.ref))
        return to_configmap(Inventory(OWNER, "c" * 40, digest_of(tuple(manifests)), objects))

    @staticmethod
    def _list(state: WatchState, live: list[Manifest]) -> None:
        for collection in state.collections():
            kind = collection.group, collection.kind
            state.see_all(
                collection, [each for each in live if (ref_of(each).group, ref_of(each).kind) == kind]
            )

    @staticmethod
    def _see(state: WatchState, events: list[tuple[Collection, WatchEvent]]) -> None:
        for each in events:
            state.see(*each)

    @staticmethod
    def _events(live: list[Manifest]) -> list[tuple[Collection, WatchEvent]]:
        found = []
        for number in range(EVENTS):
            each = live[number % len(live)]
            ref = ref_of(each)
            collection = Collection(ref.group, ref.kind, ref.namespace, metadata_only=True)
            found.append((collection, WatchEvent("MODIFIED", each)))
        return found

    def _step(self, name: str, work: Callable[[], object]) -> None:
        gc.collect()
        before, started = tracemalloc.get_traced_memory()[0], time.perf_counter()
        work()
        seconds = time.perf_counter() - started
        gc.collect()
        self.steps[name] = tracemalloc.get_traced_memory()[0] - before if self._memory else seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--objects", type=int, default=2000)
    parser.add_argument("--workload", choices=sorted(WORKLOADS), default="mix")
    parser.add_argument("--runs", type=int, default=3)
    arguments = parser.parse_args()
    manifests = WORKLOADS[arguments.workload](arguments.objects)
    for manifest in manifests:
        manifest["metadata"] |= {"namespace": "bench"}
    runs = [Bench(manifests, memory=False).steps for _ in range(arguments.runs)]
    tracemalloc.start()
    measured = Bench(manifests, memory=True)
    load = os.getloadavg()[0]
    print(f"{arguments.objects} objects ({arguments.workload}), {os.cpu_count()} CPUs, load {load:.1f}")
    print(f"{'step':22} {'kept':>10} {'best of ' + str(arguments.runs):>12}")
    for name, memory in measured.steps.items():
        # Events replace what was listed: they keep no more.
        shown = "" if name.endswith("events") else f"{memory / 2**20:.1f} MB"
        print(f"{name:22} {shown:>10} {min(run[name] for run in runs):10.2f} s")
    print(f"{'kept after the start':22} {measured.start / 2**20:7.1f} MB")


if __name__ == "__main__":
    main()
