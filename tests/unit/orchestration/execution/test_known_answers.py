"""What the engine of a run is answered without the server, and what it is not."""

from typing import Any
from uuid import UUID, uuid4

from prefect.client.schemas.objects import FlowRun, FlowRunPolicy, State
from prefect.client.schemas.responses import SetStateStatus
from prefect.states import Completed, Running

from towpath.orchestration.execution.known_answers import answer_here


class Client:
    """Notes what reaches the server."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Any]] = []

    def read_flow_run(self, flow_run_id: UUID) -> str:
        self.asked.append(("read", flow_run_id))
        return "the server's"

    def update_flow_run(self, flow_run_id: UUID, **changes: Any) -> None:
        self.asked.append(("update", {"flow_run_id": flow_run_id, **changes}))

    def set_flow_run_state(self, flow_run_id: UUID, state: "State[Any]", *, force: bool = False) -> str:
        self.asked.append(("state", (flow_run_id, state.name, force)))
        return "the server's"

    def read_server_default_result_storage(self) -> None:
        self.asked.append(("storage", None))


def known(*, begun: bool = False) -> tuple[Any, FlowRun, UUID]:
    client: Any = Client()
    run, deployment = FlowRun(flow_id=uuid4(), tags=["by:ann"], run_count=1), uuid4()
    answer_here(client, run, deployment, begun=begun)
    return client, run, deployment


def test_the_run_is_known_once_with_its_deployment_and_the_state_that_it_has_by_then() -> None:
    client, run, deployment = known()
    run.state = Running()
    first = client.read_flow_run(run.id)
    assert (first.id, first.deployment_id, first.tags, first.run_count) == (run.id, deployment, ["by:ann"], 2)
    assert first.state is run.state
    assert client.asked == []
    assert client.read_flow_run(run.id) == "the server's"


def test_another_run_is_asked_for() -> None:
    client, run, _ = known()
    other = uuid4()
    assert client.read_flow_run(other) == "the server's"
    assert client.read_flow_run(run.id).id == run.id
    assert client.asked == [("read", other)]


def test_what_somebody_reads_is_written() -> None:
    client, run, _ = known()
    client.update_flow_run(flow_run_id=run.id, flow_version="1", empirical_policy=FlowRunPolicy())
    client.update_flow_run(run.id, name="reconcile dev")
    assert client.asked == [("update", {"flow_run_id": run.id, "name": "reconcile dev"})]


def test_a_run_that_the_server_created_as_running_begins_at_once_and_its_end_is_told() -> None:
    client, run, _ = known(begun=True)
    run.state = Running()
    begun = client.set_flow_run_state(run.id, Running())
    assert (begun.status, begun.state.id) == (SetStateStatus.ACCEPT, run.state.id)
    assert client.read_flow_run(run.id).run_count == 1
    assert client.set_flow_run_state(run.id, Completed()) == "the server's"
    assert client.asked == [("state", (run.id, "Completed", False))]


def test_any_other_run_tells_that_it_begins() -> None:
    client, run, _ = known()
    assert client.set_flow_run_state(run.id, Running()) == "the server's"


def test_results_are_stored_nowhere() -> None:
    client, _, _ = known()
    assert client.read_server_default_result_storage().default_result_storage_block_id is None
    assert client.asked == []
