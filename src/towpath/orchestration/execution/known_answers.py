"""What the engine asks the server at the start of a run, though this process knows it: answered here.

Each of these requests keeps a run waiting for a server that may be busy, and costs that server a transaction.
"""

from typing import TYPE_CHECKING, Any
from uuid import UUID

from prefect.client.schemas.objects import ServerDefaultResultStorage
from prefect.client.schemas.responses import OrchestrationResult, SetStateStatus, StateAcceptDetails

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient
    from prefect.client.schemas.objects import FlowRun, State

_NOT_WRITTEN = {"flow_run_id", "flow_version", "empirical_policy"}
"""What the engine writes down of each run, the same every time: our flows have no retries."""


class KnownAnswers:
    """Of one run. `seen`: the object that the engine works on; `deployment`: the run's."""

    def __init__(
        self, client: "SyncPrefectClient", seen: "FlowRun", deployment: UUID | None, *, begun: bool
    ) -> None:
        self._client, self._seen, self._deployment = client, seen, deployment
        self._begun, self._read = begun, False

    def read_flow_run(self, flow_run_id: UUID) -> "FlowRun":
        """The first time, which is before the flow's body: the run as it is now that it has begun."""
        if self._read or flow_run_id != self._seen.id:
            return type(self._client).read_flow_run(self._client, flow_run_id)
        self._read = True
        count = self._seen.run_count + (not self._begun)
        return self._seen.model_copy(update={"deployment_id": self._deployment, "run_count": count})

    def update_flow_run(self, *args: Any, **changes: Any) -> Any:
        """Nothing, where nothing is written that anybody reads."""
        if not args and changes.keys() == _NOT_WRITTEN:
            return None
        return type(self._client).update_flow_run(self._client, *args, **changes)

    def set_flow_run_state(
        self, flow_run_id: UUID, state: "State[Any]", force: bool = False
    ) -> "OrchestrationResult[Any]":
        """Accepted, where the server has the run as running from its creation on."""
        if self._begun and not self._read and flow_run_id == self._seen.id and state.is_running():
            return OrchestrationResult(
                state=self._seen.state, status=SetStateStatus.ACCEPT, details=StateAcceptDetails()
            )
        return type(self._client).set_flow_run_state(self._client, flow_run_id, state, force=force)

    def read_server_default_result_storage(self) -> ServerDefaultResultStorage:
        """None: our flows and steps persist no results."""
        return ServerDefaultResultStorage(default_result_storage_block_id=None)


_ANSWERED = ("read_flow_run", "update_flow_run", "set_flow_run_state", "read_server_default_result_storage")


def answer_here(
    client: "SyncPrefectClient", seen: "FlowRun", deployment: UUID | None, *, begun: bool = False
) -> None:
    """Let the client answer of the run that the engine is about to begin what is known.

    `begun`: the server has created it as running.
    """
    known = KnownAnswers(client, seen, deployment, begun=begun)
    for name in _ANSWERED:
        setattr(client, name, getattr(known, name))
