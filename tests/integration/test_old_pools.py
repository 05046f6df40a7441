"""Runs that wait in work pools of the former type are made anew, and nothing of them is lost."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.integration.asking import insist
from tests.integration.running import RunningStack
from towpath.orchestration import keys
from towpath.orchestration.api import PrefectApi
from towpath.orchestration.old_pools import former_pools, move_waiting_runs, waiting_runs

pytestmark = pytest.mark.integration
FORMER = "staging"


@pytest.fixture
def api(stack: RunningStack) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=str(stack.settings.prefect_api_url), timeout=30) as client:
        yield client


@pytest.fixture
def former(api: httpx.Client) -> Iterator[str]:
    """A deployment in a pool of the former type; its id."""
    pool = {"name": FORMER, "type": "process", "base_job_template": {}}
    insist(lambda: api.post("/work_pools/", json=pool))
    flow = insist(lambda: api.post("/flows/", json={"name": keys.PROMOTE})).json()
    body = {"name": "former", "flow_id": flow["id"], "work_pool_name": FORMER}
    made = insist(lambda: api.post("/deployments/", json=body)).json()["id"]
    yield made
    api.delete(f"/deployments/{made}")
    api.delete(f"/work_pools/{FORMER}")


def waiting(api: httpx.Client, deployment: str, *, suspended: bool) -> dict[str, Any]:
    """A promotion of an app that nobody has, so that the new run ends at once."""
    body = {
        "parameters": {"app": "nobody-has", "digest": "sha256:none", "environment": "staging"},
        "name": "promote nobody-has to staging",
        "tags": ["app:nobody-has", "by:alice"],
    }
    run = insist(lambda: api.post(f"/deployments/{deployment}/create_flow_run", json=body)).json()
    if suspended:
        state = {"type": "PAUSED", "name": "Suspended"}
        insist(lambda: api.post(f"/flow_runs/{run['id']}/set_state", json={"state": state, "force": True}))
    found: dict[str, Any] = run
    return found


def test_what_waits_is_made_anew_once_with_its_parameters(
    stack: RunningStack, api: httpx.Client, former: str
) -> None:
    old = [waiting(api, former, suspended=suspended) for suspended in (True, False)]
    prefect = PrefectApi(str(stack.settings.prefect_api_url))
    assert former_pools(prefect) == [FORMER]
    assert len(move_waiting_runs(prefect)) == 2
    assert move_waiting_runs(prefect) == []
    assert list(waiting_runs(prefect)) == []
    for run in old:
        state = api.get(f"/flow_runs/{run['id']}").json()["state"]
        assert (state["type"], state["name"]) == ("CANCELLED", "Moved")
        query = {"flow_runs": {"idempotency_key": {"any_": [f"moved:{run['id']}"]}}}
        [new] = api.post("/flow_runs/filter", json=query).json()
        assert new["work_pool_name"] == keys.pool("staging")
        assert {key: new[key] for key in ("parameters", "name")} == {
            key: run[key] for key in ("parameters", "name")
        }
        assert set(run["tags"]) <= set(new["tags"])
