"""The last step of `towpath verify`: what the cluster says that runs."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.fleet import DIGEST, Fleet, a_fleet
from towpath.engine.gates.chain import Step
from towpath.engine.live.context import open_context
from towpath.engine.verify.running_step import running_step

pytestmark = pytest.mark.integration


@pytest.fixture
def fleet(stack, tmp_path: Path) -> Iterator[Fleet]:  # type: ignore[no-untyped-def]
    with a_fleet(stack.settings, tmp_path) as fleet:
        yield fleet


def running(fleet: Fleet) -> Step:
    context = open_context(fleet.settings, "test")
    state = context.repo.release("hello", "test")
    assert state
    return running_step(context, state.release.app, state.release.images)


def test_the_cluster_claims_that_the_release_runs_or_it_fails(fleet: Fleet) -> None:
    fleet.add("hello")
    fleet.push()
    assert running(fleet).standing == "failed", "nothing is there yet"
    fleet.reconcile()
    step = running(fleet)
    assert (step.standing, step.by) == ("claimed", "the cluster of test")
    assert step.detail == f"{DIGEST}; Healthy"
    fleet.world.kubectl("scale", "deployment", "hello", "--replicas=1")
    fleet.world.kubectl("wait", "deployment/hello", "--for=jsonpath={.status.replicas}=1", "--timeout=60s")
    assert running(fleet).standing == "failed", "its pod does not run"
