"""A promotion that waits has no heartbeat: being taken for dead must not lose it."""

from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun
from prefect.states import Crashed, Running

from tests.flows.bench import Bench
from tests.flows.test_promote import approve, waiting_in_prod


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
    assert bench.start("reconcile/prod", environment="prod").state.is_completed()
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
    assert bench.start("reconcile/prod", environment="prod").state.is_completed()
    assert state_of(run) == "Crashed"


def test_another_environments_runs_are_left_alone(bench: Bench) -> None:
    run = waiting_in_prod(bench, bench.release(1))
    crash(run)
    assert bench.start("reconcile/dev", environment="dev").state.is_completed()
    assert state_of(run) == "Crashed"
