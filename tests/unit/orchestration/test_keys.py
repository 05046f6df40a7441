"""Names at the Prefect server: what one side writes, the other finds."""

import pytest

from towpath.orchestration import keys


@pytest.mark.parametrize("flow", [keys.PROMOTE, keys.RECONCILE, keys.ROLLBACK])
@pytest.mark.parametrize("environment", ["dev", "prod-eu", "promote", "promote-dev", "x"])
def test_an_environment_s_deployments_are_told_apart_by_their_names_alone(
    flow: str, environment: str
) -> None:
    name = keys.deployment_name(flow, environment)
    assert keys.deployment(flow, environment) == f"{flow}/{name}"
    assert keys.environment_of(flow, name) == environment
    others = {keys.PROMOTE, keys.RECONCILE, keys.ROLLBACK} - {flow}
    assert name not in {keys.deployment_name(other, environment) for other in others}
    assert keys.environment_of(flow, environment) in ("", environment.removeprefix(f"{flow}-"))


def test_a_delivery_belongs_to_no_environment() -> None:
    assert keys.deployment(keys.DELIVER) == "deliver/deliver"
    assert keys.environment_of(keys.PROMOTE, "deliver") == ""
