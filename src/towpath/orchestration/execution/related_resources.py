"""What the events of a run are related to, without asking the server: it is in the run, but for some names.

Prefect's client asks for flow, deployment, work queue and work pool, in the process of each run anew, and the
server keeps a row for each of them with each event.
"""

from typing import TYPE_CHECKING

from prefect.context import FlowRunContext, TaskRunContext
from prefect.events import RelatedResource
from prefect.events import worker as events_worker
from prefect.events.related import object_as_related_resource, tags_as_related_resources

if TYPE_CHECKING:
    from prefect.client.orchestration import PrefectClient


def relate_without_asking() -> None:
    """In this process, and those forked from it."""
    # The module imports it for itself only.
    setattr(events_worker, "related_resources_from_run_context", related_resources)  # noqa: B010


async def related_resources(
    client: "PrefectClient",  # noqa: ARG001 - Prefect's
    exclude: set[str] | None = None,
) -> list[RelatedResource]:
    """The flow run, its flow and deployment, the task run, and the tags of both runs."""
    flow_context, task_context = FlowRunContext.get(), TaskRunContext.get()
    run = flow_context.flow_run if flow_context else None
    found: list[RelatedResource] = []
    if flow_context and run:
        found.append(object_as_related_resource("flow-run", "flow-run", run))
        name = flow_context.flow.name if flow_context.flow else ""
        found.append(_resource("flow", str(run.flow_id), name))
        if run.deployment_id:
            found.append(_resource("deployment", str(run.deployment_id)))
    tags = set(run.tags) if run else set()
    if task_context:
        found.append(object_as_related_resource("task-run", "task-run", task_context.task_run))
        tags |= set(task_context.task_run.tags)
    found += tags_as_related_resources(tags)
    return [resource for resource in found if resource.id not in (exclude or ())]


def _resource(kind: str, identity: str, name: str = "") -> RelatedResource:
    labels = {"prefect.resource.id": f"prefect.{kind}.{identity}", "prefect.resource.role": kind}
    return RelatedResource.model_validate(labels | ({"prefect.resource.name": name} if name else {}))
