"""Where the time of a delivery goes: building, waiting for pods, other steps, and Prefect's own share.

Reads the newest finished chain deliver -> promote -> promote … of an app from the Prefect server.
Run after `towpath demo`: .venv/bin/python benchmarks/path.py [APP]
"""

import os
import sys
from collections import defaultdict
from datetime import datetime
from itertools import pairwise
from typing import Any

import httpx

from towpath.orchestration.keys import app_tag
from towpath.settings import Settings

BUILDING = ("checkout", "build", "test", "scan", "push", "record")
PODS = ("verify",)


class Api:
    """The few questions asked of the server."""

    def __init__(self, url: str) -> None:
        self._http = httpx.Client(base_url=url, timeout=30)

    def post(self, path: str, body: dict[str, object]) -> list[dict[str, Any]]:
        answer = self._http.post(path, json=body)
        answer.raise_for_status()
        return list(answer.json())

    def ended(self, flow: str, *tags: str) -> list[dict[str, Any]]:
        """Runs of a flow that ended well and have these tags, the newest first."""
        wanted: dict[str, object] = {"state": {"type": {"any_": ["COMPLETED"]}}}
        wanted |= {"tags": {"all_": list(tags)}} if tags else {}
        which = {"flows": {"name": {"any_": [flow]}}, "flow_runs": wanted}
        return self.post("/flow_runs/filter", {**which, "sort": "START_TIME_DESC", "limit": 50})

    def steps(self, run: str) -> list[dict[str, Any]]:
        return self.post("/task_runs/filter", {"flow_runs": {"id": {"any_": [run]}}, "limit": 200})

    def states(self, run: str) -> list[dict[str, Any]]:
        answer = self._http.get("/flow_run_states/", params={"flow_run_id": run})
        answer.raise_for_status()
        return list(answer.json())


def moment(text: object) -> datetime:
    return datetime.fromisoformat(str(text))


def suspended(api: Api, run: str) -> float:
    """Seconds that a run waited for people: from Suspended to Resuming."""
    states = sorted(api.states(run), key=lambda state: str(state["timestamp"]))
    pairs = pairwise(states)
    return sum(
        (moment(after["timestamp"]) - moment(before["timestamp"])).total_seconds()
        for before, after in pairs
        if before["type"] == "PAUSED"
    )


def split(api: Api, run: dict[str, Any]) -> dict[str, float]:
    """Seconds of one run by where they went; the sum is from its creation to its end."""
    shares: dict[str, float] = defaultdict(float)
    for step in api.steps(str(run["id"])):
        verb = str(step["name"]).partition(" ")[0]
        place = "building" if verb in BUILDING and "deliver" in str(run["name"]) else "other steps"
        place = "waiting for pods" if verb in PODS else place
        shares[place] += float(str(step["total_run_time"]))
    shares["waiting for people"] = suspended(api, str(run["id"]))
    whole = (moment(run["end_time"]) - moment(run["created"])).total_seconds()
    shares["Prefect and starts"] = whole - sum(shares.values())
    return shares


def main() -> None:
    app = sys.argv[1] if len(sys.argv) > 1 else "hello"
    url = Settings.load(os.environ).prefect_api_url
    if url is None:
        sys.exit("No Prefect server: run `towpath local up` first.")
    api = Api(url)
    promotions = api.ended("promote", app_tag(app))
    commits = {tag for run in promotions[:1] for tag in run["tags"] if str(tag).startswith("commit:")}
    chain = [run for run in api.ended("deliver", app_tag(app)) + promotions if commits & set(run["tags"])]
    chain.sort(key=lambda run: str(run["created"]))
    names = ["building", "waiting for pods", "other steps", "Prefect and starts", "waiting for people"]
    print(f"{'run':42}" + "".join(f"{name:>20}" for name in names))
    total: dict[str, float] = defaultdict(float)
    for run in chain:
        shares = split(api, run)
        for name in names:
            total[name] += shares[name]
        print(f"{run['name']!s:42}" + "".join(f"{shares[name]:19.1f}s" for name in names))
    print(f"{'all':42}" + "".join(f"{total[name]:19.1f}s" for name in names))


if __name__ == "__main__":
    main()
