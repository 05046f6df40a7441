"""A run's name and tags, by which people find it; runs that Towpath starts get them when they are created."""

from collections.abc import Iterable
from datetime import datetime

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterName,
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
    FlowRunFilterTags,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.client.schemas.sorting import FlowRunSort
from prefect.context import FlowRunContext
from prefect.runtime import flow_run

from tasks.runs.step import step
from towpath.orchestration import keys
from towpath.release.model import Release

AUTO_SCHEDULED = "auto-scheduled"
"""Tag of the runs that the server plans by a schedule."""


def release_tags(release: Release) -> list[str]:
    """What a person searches for: the app, the commit, the release."""
    return keys.release_tags(release.app, release.short_id, release.id)


def promotion_name(release: Release, environment: str) -> str:
    """`promote hello 1a2b3c4 to prod`"""
    return keys.promote_name(release.app, release.short_id, environment)


def identify_run(name: str, tags: Iterable[str]) -> None:
    """Give the current run its name and tags where whoever started it did not."""
    run_id = flow_run.id
    wanted = sorted({*flow_run.tags, *tags})
    if run_id and (flow_run.name != name or sorted(flow_run.tags) != wanted):
        with get_client(sync_client=True) as client:
            client.update_flow_run(run_id, name=name, tags=wanted)


def actor() -> str:
    """Who started this run: the tag `by:NAME` that the command line sets; `towpath` where nobody did."""
    return keys.person_of(flow_run.tags)


def run_id() -> str:
    """The current flow run's id; empty outside of one."""
    return str(flow_run.id or "")


def run_created() -> datetime | None:
    """When the current run was created: unlike its start, resuming does not change it."""
    context = FlowRunContext.get()
    return context.flow_run.created if context and context.flow_run else None


@step("name the scheduled reconciles of {environment}")
def name_scheduled_runs(environment: str) -> int:
    """Give runs that the server has planned the name of their kind; their number.

    It makes up two words for each, which tell nothing to whoever looks at what comes next, or at runs that
    were cancelled before they began.
    """
    wanted = keys.reconcile_name(environment)
    with get_client(sync_client=True) as client:
        unnamed = [run for run in _scheduled_runs(client, environment) if run.name != wanted]
        for run in unnamed:
            client.update_flow_run(run.id, name=wanted)
    return len(unnamed)


def _scheduled_runs(client: SyncPrefectClient, environment: str) -> list[FlowRun]:
    """Reconciles that the server has planned by a schedule, the next one first."""
    ours = keys.deployment_name(keys.RECONCILE, environment)
    return client.read_flow_runs(
        deployment_filter=DeploymentFilter(name=DeploymentFilterName(any_=[ours])),
        flow_run_filter=FlowRunFilter(
            state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.SCHEDULED])),
            tags=FlowRunFilterTags(all_=[AUTO_SCHEDULED]),
        ),
        sort=FlowRunSort.EXPECTED_START_TIME_ASC,
    )
