"""What `prefect deploy` and a worker will do with prefect.yaml."""

from pathlib import Path

import pytest
import yaml
from prefect.flows import load_flow_from_entrypoint

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
