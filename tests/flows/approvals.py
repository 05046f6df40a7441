"""Promotions that wait for approval, and people who approve."""

from prefect.client.schemas.objects import FlowRun

from tests.flows.bench import Bench
from towpath.release.model import Release


def waiting_in_prod(bench: Bench, release: Release) -> FlowRun:
    """A promotion to prod that waits for its first approval."""
    assert bench.promoted(release, "dev").state.is_completed()
    run = bench.promoted(release, "prod")
    assert run.state.name == "Suspended"
    return run


def approve(bench: Bench, run: FlowRun, name: str, **form: str) -> FlowRun:
    digest = form.pop("digest", run.parameters["digest"])
    return bench.answer(run, decision="approve", approver=name, digest=digest, **form)
