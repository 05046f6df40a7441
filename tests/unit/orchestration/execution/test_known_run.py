"""A run reaches its child as the agent knows it."""

from uuid import uuid4

import pytest
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.states import Scheduled

from towpath.orchestration.execution.known_run import dump_known, load_known


@pytest.mark.parametrize("state", [Scheduled(), State(type=StateType.SCHEDULED, name="Resuming"), None])
@pytest.mark.parametrize(
    "parameters", [{}, {"environment": "dev", "apps": ["a"]}, {"app": 'ä"\n\x00', "deep": {"a": [1, None]}}]
)
def test_nothing_of_it_is_lost(parameters: dict[str, object], state: "State[None] | None") -> None:
    run = FlowRun(
        flow_id=uuid4(), parameters=parameters, state=state, deployment_id=uuid4(), tags=["by:alice"]
    )
    flow, same = load_known(dump_known("promote", run))
    assert flow == "promote"
    assert same.model_dump() == run.model_dump()


def test_without_its_flow_s_name_the_child_asks_for_all() -> None:
    assert dump_known("", FlowRun(flow_id=uuid4())) == ""
