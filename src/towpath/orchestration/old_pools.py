"""Runs that wait in work pools of the former type: made anew in the pools of today, with the same parameters.

A pool's type cannot be changed, and a pool that is deleted leaves its waiting runs without a queue: nothing
could ever resume them. An answer that was given to one of them is asked for again.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from towpath.errors import MissingPartError
from towpath.orchestration import keys
from towpath.orchestration.api import NotFoundError, PrefectApi

FORMER_TYPE = "process"
PAGE = 200
_OURS = (keys.DELIVER, keys.PROMOTE, keys.RECONCILE, keys.ROLLBACK)


def move_waiting_runs(api: PrefectApi) -> list[str]:
    """Create each run anew that waits in a pool of the former type, and end the old one; a line for each.

    Done again after an end at any point, it creates none twice. Needs the deployments of today.
    """
    said = []
    while runs := list(waiting_runs(api)):
        for run, flow in runs:
            if run.get("auto_scheduled"):
                _end(api, run, "The schedule of today has its own.")
                continue
            _create_again(api, run, flow)
            _end(api, run, "It was made anew for its agent.")
            said.append(f"{run['name']} waits in the pool of its agent now, and is asked about again")
    return said


def _end(api: PrefectApi, run: Mapping[str, Any], why: str) -> None:
    state = {"type": "CANCELLED", "name": "Moved", "message": f"Its work pool is of a former type. {why}"}
    api.post(f"/flow_runs/{run['id']}/set_state", {"state": state, "force": True})


def former_pools(api: PrefectApi) -> list[str]:
    """Names of the pools of the former type in which deployments of ours have run."""
    pools = api.post("/work_pools/filter", {"work_pools": {"type": {"any_": [FORMER_TYPE]}}, "limit": PAGE})
    named = {"build", *_environments(api)}
    return sorted(pool["name"] for pool in pools if pool["name"] in named)


def waiting_runs(api: PrefectApi) -> Iterator[tuple[Mapping[str, Any], str]]:
    """Runs of ours that have not ended in pools of the former type, with the flow's name; a page of each."""
    for flow in _OURS:
        body = {
            "flows": {"name": {"any_": [flow]}},
            "flow_runs": {"state": {"type": {"any_": ["PAUSED", "SCHEDULED"]}}},
            "work_pools": {"type": {"any_": [FORMER_TYPE]}},
            "limit": PAGE,
        }
        yield from ((run, flow) for run in api.post("/flow_runs/filter", body))


def _create_again(api: PrefectApi, run: Mapping[str, Any], flow: str) -> None:
    name = keys.deployment(flow, str(run["parameters"].get("environment", "")))
    try:
        deployment = api.get(f"/deployments/name/{name}")
    except NotFoundError as error:
        raise MissingPartError(
            f"{run['name']} waits, and the Prefect server has no deployment {name} for it",
            remedy="`towpath deployments` writes it, `prefect --no-prompt deploy --all` creates it.",
        ) from error
    body = {
        "parameters": run["parameters"],
        "name": run["name"],
        "tags": run["tags"],
        "idempotency_key": f"moved:{run['id']}",
    }
    api.post(f"/deployments/{deployment['id']}/create_flow_run", body)


def _environments(api: PrefectApi) -> Iterator[str]:
    for flow in (keys.PROMOTE, keys.RECONCILE, keys.ROLLBACK):
        for deployment in api.post("/deployments/filter", {"flows": {"name": {"any_": [flow]}}}):
            if environment := keys.environment_of(flow, deployment["name"]):
                yield environment
