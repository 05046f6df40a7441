"""What an installation costs: memory of its pods, and the time until a run begins."""

import os
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from tests.interop.pods.site import Site
from towpath.local.lifecycle.processes import cgroup_tops, memory

ENDED = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")


def idle_memory(site: Site, part: str) -> int:
    """Bytes (PSS) of all processes in the containers of the pod of `towpath-PART`."""
    (pod,) = [each for each in site.pods() if each["metadata"]["name"].startswith(f"towpath-{part}-")]
    return memory(processes_of(pod), {})


def processes_of(pod: Mapping[str, Any]) -> set[int]:
    """Those of its containers, as this machine numbers them."""
    uid = pod["metadata"]["uid"]
    containers = {each["containerID"].rpartition("/")[2] for each in pod["status"]["containerStatuses"]}
    top = next(each for each in cgroup_tops() if each.name in ("memory", "cgroup"))
    found: set[int] = set()
    for folder, _, _ in os.walk(top):
        if uid in folder and Path(folder).name in containers:
            found.update(map(int, (Path(folder) / "cgroup.procs").read_text().split()))
    assert found, f"no process of pod {uid} below {top}"
    return found


def start_delay(site: Site, deployment: str, parameters: dict[str, Any]) -> float:
    """Seconds from the creation of a run to the start of its first step.

    A run that met a scheduled one is cancelled; another one is begun then.
    """
    found = site.prefect(f"/deployments/name/{deployment}")
    while True:
        begun = site.prefect(f"/deployments/{found['id']}/create_flow_run", {"parameters": parameters})
        run = site.until(partial(ended, site, begun["id"]), "the run ends")
        if run["state_type"] != "CANCELLED":
            break
    assert run["state_type"] == "COMPLETED", run["state"]
    steps = site.prefect("/task_runs/filter", {"flow_runs": {"id": {"any_": [run["id"]]}}})
    first = min(datetime.fromisoformat(each["start_time"]) for each in steps if each["start_time"])
    return (first - datetime.fromisoformat(run["created"])).total_seconds()


def ended(site: Site, run: str) -> dict[str, Any] | None:
    """The run, once it has ended."""
    found: dict[str, Any] = site.prefect(f"/flow_runs/{run}")
    return found if found["state_type"] in ENDED else None
