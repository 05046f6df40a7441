"""A promotion that waits has no heartbeat: being taken for dead must not lose it."""

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun
from prefect.states import Crashed, Pending, Running, Scheduled

from tests.flows.approvals import approve, waiting_in_prod
from tests.flows.bench import Bench


def crash(run: FlowRun) -> None:
    """What the server's watch for dead runs does."""
    with get_client(sync_client=True) as client:
        client.set_flow_run_state(run.id, Crashed(message="No heartbeat"), force=True)


def state_of(run: FlowRun) -> str:
    with get_client(sync_client=True) as client:
        return str(client.read_flow_run(run.id).state_name)


def test_a_waiting_promotion_that_was_marked_crashed_asks_again_and_can_be_approved(bench: Bench) -> None:
    run = waiting_in_prod(bench, bench.release(1))
    crash(run)
    assert bench.start("reconcile/reconcile-prod", environment="prod").state.is_completed()
    assert state_of(run) == "AwaitingRetry"
    again = bench.work(run.id)
    assert again.state.name == "Suspended"
    assert bench.state("prod") is None, "nothing was approved"
    assert approve(bench, approve(bench, again, "alice"), "bob").state.is_completed()


def test_a_promotion_that_crashed_at_work_stays_crashed(bench: Bench) -> None:
    run = waiting_in_prod(bench, bench.release(1))
    with get_client(sync_client=True) as client:
        client.set_flow_run_state(run.id, Running(), force=True)
    crash(run)
    assert bench.start("reconcile/reconcile-prod", environment="prod").state.is_completed()
    assert state_of(run) == "Crashed"


def claimed(deployment: str, **parameters: str) -> FlowRun:
    """A run that a worker has claimed and not started."""
    with get_client(sync_client=True) as client:
        found = client.read_deployment_by_name(deployment)
        run = client.create_flow_run_from_deployment(found.id, parameters=parameters, state=Scheduled())
        client.set_flow_run_state(run.id, Pending())
        return client.read_flow_run(run.id)


def test_a_run_whose_worker_died_before_starting_it_is_scheduled_again_and_done(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = bench.release(1)
    ours = claimed("promote/promote-dev", app="hello", digest=release.id, environment="dev")
    build = claimed("deliver/deliver", app="hello", revision="main")
    other = claimed("promote/promote-prod", app="hello", digest=release.id, environment="prod")
    assert bench.start("reconcile/reconcile-dev", environment="dev").state.is_completed()
    assert state_of(ours) == "Pending", "a worker may be about to start it"
    monkeypatch.setattr("tasks.stuck_runs.START_SECONDS", 0.0)
    assert bench.start("reconcile/reconcile-dev", environment="dev").state.is_completed()
    assert [state_of(run) for run in (ours, build, other)] == ["Scheduled", "Scheduled", "Pending"]
    assert bench.work(ours.id).state.is_completed()
    assert bench.state("dev") is not None


def test_another_environments_runs_are_left_alone(bench: Bench) -> None:
    run = waiting_in_prod(bench, bench.release(1))
    crash(run)
    assert bench.start("reconcile/reconcile-dev", environment="dev").state.is_completed()
    assert state_of(run) == "Crashed"
