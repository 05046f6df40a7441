"""What `prefect deploy` and a worker will do with prefect.yaml."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import DeploymentScheduleCreate
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterId
from prefect.client.schemas.schedules import CronSchedule, IntervalSchedule
from prefect.flows import load_flow_from_entrypoint

from flows.reconcile import reconcile

ROOT = Path(__file__).parents[2]
DEPLOYMENTS = yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]


@pytest.mark.parametrize("entrypoint", sorted({each["entrypoint"] for each in DEPLOYMENTS}))
def test_every_entrypoint_loads(entrypoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    # Without this an error while importing would be hidden behind a placeholder.
    flow = load_flow_from_entrypoint(entrypoint, use_placeholder_flow=False)
    assert flow.name == entrypoint.rpartition(":")[2]
    deployments = [each for each in DEPLOYMENTS if each["entrypoint"] == entrypoint]
    given = {key for each in deployments for key in each.get("parameters", {})}
    assert given <= set(flow.parameters.properties)


def test_a_server_starts_with_the_locked_dependencies(prefect_server: None) -> None:
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        assert client.api_healthcheck() is None
        assert client.hello().status_code == 200


@pytest.mark.parametrize(
    "schedule",
    [IntervalSchedule(interval=timedelta(hours=1)), CronSchedule(cron="0 3 * * *", timezone="Europe/Berlin")],
    ids=["interval", "cron"],
)
def test_the_server_plans_the_runs_of_a_schedule(prefect_server: None, schedule: Any) -> None:
    # Where a library does not fit, the scheduler fails and says so in the server's log only.
    with get_client(sync_client=True) as client:
        deployment = client.create_deployment(
            client.create_flow(reconcile), "planned", schedules=[DeploymentScheduleCreate(schedule=schedule)]
        )
        only = DeploymentFilter(id=DeploymentFilterId(any_=[deployment]))
        # What the server's scheduler does every minute; a server for tests runs no services.
        client.request("POST", "/deployments/{id}/schedule", path_params={"id": deployment}, json={})
        assert client.read_flow_runs(deployment_filter=only)
        client.delete_deployment(deployment)
