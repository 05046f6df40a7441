"""Models of Prefect that agents and runs use, and that are built at their first use.

Built before anything is forked, they are there for all: each process would build them for itself, and write
to megabytes of what it shares with others.
"""

from prefect.client.schemas import actions, filters, objects, responses, worker_channel
from prefect.events import filters as event_filters
from prefect.events.schemas.events import Event

MODELS = (
    *(objects.FlowRun, objects.FlowRunPolicy, objects.ServerDefaultResultStorage),
    objects.ConcurrencyLeaseHolder,
    *(responses.DeploymentResponse, responses.StateAcceptDetails, responses.WorkerFlowRunResponse),
    *(actions.DeploymentFlowRunCreate, actions.FlowRunUpdate, actions.LogCreate),
    *(filters.FlowRunFilterStateName, filters.FlowRunFilterStartTime, filters.FlowRunFilterTags),
    *(filters.DeploymentFilter, filters.DeploymentFilterName),
    *(filters.WorkPoolFilter, filters.WorkPoolFilterName),
    *(worker_channel.WorkerChannelAuthSuccess, worker_channel.WorkerHelloFrame),
    worker_channel.WorkerHeartbeatFrame,
    *(event_filters.EventFilter, event_filters.EventIDFilter, event_filters.EventNameFilter),
    *(event_filters.EventAnyResourceFilter, event_filters.EventOccurredFilter),
    Event,
)


def build_models() -> None:
    """In this process, for itself and those forked from it."""
    for model in MODELS:
        model.model_rebuild()
