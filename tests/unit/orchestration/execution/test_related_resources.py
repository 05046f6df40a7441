"""The events of a run name what they are about, and the server is not asked for it."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest
from prefect import flow
from prefect.client.schemas.objects import FlowRun
from prefect.context import FlowRunContext
from prefect.events import worker
from prefect.results import ResultStore
from prefect.task_runners import ThreadPoolTaskRunner

from towpath.orchestration.execution.related_resources import relate_without_asking, related_resources

NOBODY: Any = None
"""In the place of a client: nothing is asked of it."""


@flow
def delivery() -> None:
    """A flow."""


def context_of(run: FlowRun) -> FlowRunContext:
    return FlowRunContext.model_construct(
        flow=delivery,
        flow_run=run,
        task_runner=ThreadPoolTaskRunner(),
        result_store=ResultStore(),
        client=None,
    )


def test_a_run_s_events_name_the_run_its_flow_its_deployment_and_its_tags() -> None:
    run = FlowRun(flow_id=uuid4(), name="reconcile dev", deployment_id=uuid4(), tags=["environment:dev"])
    with context_of(run):
        found = asyncio.run(related_resources(NOBODY))
    assert [(each.role, each.id, each.name) for each in found] == [
        ("flow-run", f"prefect.flow-run.{run.id}", "reconcile dev"),
        ("flow", f"prefect.flow.{run.flow_id}", "delivery"),
        ("deployment", f"prefect.deployment.{run.deployment_id}", None),
        ("tag", "prefect.tag.environment:dev", None),
    ]


def test_what_an_event_is_about_is_not_related_to_it_again() -> None:
    run = FlowRun(flow_id=uuid4(), name="reconcile dev")
    with context_of(run):
        found = asyncio.run(related_resources(NOBODY, {f"prefect.flow-run.{run.id}"}))
    assert [each.role for each in found] == ["flow"]


def test_outside_of_runs_there_is_nothing() -> None:
    assert asyncio.run(related_resources(NOBODY)) == []


def test_prefect_s_events_are_related_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "related_resources_from_run_context", None)
    relate_without_asking()
    assert worker.related_resources_from_run_context is related_resources
