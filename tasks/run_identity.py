"""A run's name and tags, by which people find it; runs that Towpath starts get them when they are created."""

from collections.abc import Iterable

from prefect.client.orchestration import get_client
from prefect.runtime import flow_run

from towpath.orchestration import keys
from towpath.release.model import Release


def release_tags(release: Release) -> list[str]:
    """What a person searches for: the app, the commit, the release."""
    return keys.release_tags(release.app, release.short, release.digest)


def promotion_name(release: Release, environment: str) -> str:
    """`promote hello 1a2b3c4 to prod`"""
    return keys.promote_name(release.app, release.short, environment)


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
