"""From the trigger of a flow run to its first step, and to its end, on an idle agent.

Each trial asks the Prefect server for a reconcile of one app, which finds nothing to do, and reads the
times of its states: claimed, running, first step, completed. The server alone is asked, so that a second
build can be measured beside this one by its TOWPATH_HOME. With `--own` an agent of an environment of its own
is asked, which needs a cluster (KUBECONFIG) and no local stack.

Run: .venv/bin/python -m benchmarks.trigger [--environment dev] [--trials 20] (`towpath local up` first)
"""

import argparse
import os
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import httpx

from towpath.orchestration import keys
from towpath.settings import Settings


def moment(text: object) -> datetime:
    return datetime.fromisoformat(str(text))


def trial(api: httpx.Client, deployment: str, environment: str, app: str) -> dict[str, float]:
    """Seconds from the trigger to each moment."""
    body = {"parameters": {"environment": environment, "apps": [app]}}
    while True:
        begun = time.time()
        answer = api.post(f"/deployments/{deployment}/create_flow_run", json=body)
        if answer.status_code != 503:  # SQLite is busy
            break
    answer.raise_for_status()
    run = answer.json()["id"]
    while not api.get(f"/flow_runs/{run}").json()["end_time"]:
        time.sleep(0.2)
    states = api.get("/flow_run_states/", params={"flow_run_id": run}).json()
    steps = api.post("/task_runs/filter", json={"flow_runs": {"id": {"any_": [run]}}}).json()
    found = {state["name"]: moment(state["timestamp"]).timestamp() - begun for state in states}
    return {
        "claimed": found["Pending"],
        "running": found["Running"],
        "first step": min(moment(step["start_time"]).timestamp() for step in steps) - begun,
        "completed": found["Completed"],
    }


@contextmanager
def an_agent() -> Iterator[tuple[str, str, str]]:
    """An environment of its own, with its agent: the API, the deployment to run, and the environment."""
    from benchmarks.place import a_stack
    from benchmarks.prefect_server import deploy
    from tests.integration.watched import watched

    with a_stack() as stack, watched(stack) as made:
        made.stop()
        made.start("--interval=900")
        yield str(made.api.base_url), deploy(made.api, keys.RECONCILE, made.environment), made.environment


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("--environment", default="dev")
    asked.add_argument("--trials", type=int, default=20)
    asked.add_argument("--own", action="store_true")
    given = asked.parse_args()
    if given.own:
        with an_agent() as (url, deployment, environment):
            measure(url, deployment, environment, "app", given.trials)
        return
    stack = Settings.load(os.environ).prefect_api_url
    if not stack:
        raise SystemExit("`towpath local up` first")
    name = keys.deployment(keys.RECONCILE, given.environment)
    found = httpx.get(f"{stack}/deployments/name/{name}").raise_for_status().json()["id"]
    measure(stack, found, given.environment, "hello", given.trials)


def measure(url: str, deployment: str, environment: str, app: str, trials: int) -> None:
    """Trial after trial, and the table."""
    load = os.getloadavg()[0]
    api = httpx.Client(base_url=url, timeout=30, limits=httpx.Limits(max_keepalive_connections=0))
    found = [trial(api, deployment, environment, app) for _ in range(trials)]
    print(
        f"{trials} trials, {os.cpu_count()} CPUs, load {load:.1f} before and {os.getloadavg()[0]:.1f} after"
    )
    print(f"{'seconds after the trigger':26} {'p50':>6} {'p95':>6}")
    for part in found[0]:
        values = sorted(each[part] for each in found)
        print(f"{part:26} {statistics.median(values):6.2f} {values[int(0.95 * (len(values) - 1))]:6.2f}")


if __name__ == "__main__":
    main()
