"""What the Prefect server is told."""

from towpath.local.common.stack import Stack
from towpath.local.parts.prefect_setup import deployment_key
from towpath.orchestration.server_objects import heartbeat_automation


def test_a_suspended_run_does_not_count_as_dead() -> None:
    trigger = heartbeat_automation()["trigger"]
    assert trigger["expect"] == ["prefect.flow-run.*"]
    assert trigger["after"] == ["prefect.flow-run.heartbeat"]
    assert trigger["posture"] == "Proactive"


def test_deployments_are_made_again_when_a_flow_or_prefect_yaml_changes(described: Stack) -> None:
    project = described.project
    assert deployment_key(described) == ""
    (project / "flows").mkdir(parents=True)
    (project / "prefect.yaml").write_text("a")
    keys = {deployment_key(described)}
    (project / "flows" / "x.py").write_text("x")
    keys.add(deployment_key(described))
    (project / "prefect.yaml").write_text("b")
    keys.add(deployment_key(described))
    assert len(keys) == 3
    assert deployment_key(described) in keys
