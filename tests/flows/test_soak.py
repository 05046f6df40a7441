"""A promotion whose release has not soaked yet begins again by itself: in a list as in a graph."""

import time
from datetime import datetime, timedelta

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun
from prefect.states import Scheduled

from tests.flows.bench import TOWPATH, Bench
from towpath.orchestration import keys
from towpath.orchestration.execution.flow_child import execute
from towpath.settings import SIGNING_KEY

APPROVALS = "approvals: {required: 2, from: [alice, bob, carol, dana]}"
ORDERS = {"list": "    namespace: prod\n", "graph": "    namespace: prod\n    after: [dev]\n"}


@pytest.fixture(params=[*ORDERS])
def soaking(bench: Bench, request: pytest.FixtureRequest) -> Bench:
    bench.folder.joinpath("order").write_text(ORDERS[request.param])
    configure(bench, "1h")
    return bench


def configure(bench: Bench, soak: str) -> None:
    order = bench.folder.joinpath("order").read_text()
    text = TOWPATH.replace("    namespace: prod\n", order).replace(APPROVALS, f"soak: {soak}")
    bench.push("environments", {"towpath.yaml": text}, f"Soak {soak}")


def state_of(run: FlowRun) -> tuple[str, str]:
    assert run.state is not None
    return run.state.type.value, str(run.state.name)


def begin_again(bench: Bench, run: FlowRun) -> FlowRun:
    """What an agent does when its time has come."""
    with get_client(sync_client=True) as client:
        client.set_flow_run_state(run.id, Scheduled(), force=True)
    return bench.work(run.id)


def test_it_goes_on_by_itself_when_its_release_has_soaked(soaking: Bench) -> None:
    release = soaking.release(1)
    first = soaking.promoted(release, "dev")
    follows = soaking.successor(first, "prod")
    assert follows
    run = soaking.work(follows.id)
    assert state_of(run) == ("SCHEDULED", keys.SOAKS)
    assert run.state is not None
    assert "hello 0000000 must soak in dev for 1:00:00; " in str(run.state.message)
    end, verified = run.state.state_details.scheduled_time, soaking.state("dev")
    assert verified is not None and verified.verified_at and end is not None
    assert end == datetime.fromisoformat(verified.verified_at) + timedelta(hours=1)
    assert f"it goes on at {end:%Y-%m-%d %H:%M:%S} UTC" in str(run.state.message)
    assert "sync prod 1" not in soaking.calls
    assert state_of(begin_again(soaking, run)) == ("SCHEDULED", keys.SOAKS), "not before its time"
    configure(soaking, "0s")
    assert begin_again(soaking, run).state.message == "prod runs hello 0000000, verified"  # type: ignore[union-attr]


def test_the_process_of_a_run_that_soaks_ends_as_one_that_is_done(
    soaking: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By an error in its end, its agent would report it as crashed, and it would not go on."""
    follows = soaking.successor(soaking.promoted(soaking.release(1), "dev"), "prod")
    assert follows
    monkeypatch.setenv(SIGNING_KEY, str(soaking.folder / "keys" / "prod"))
    execute(str(follows.id), "prod")
    with get_client(sync_client=True) as client:
        assert state_of(client.read_flow_run(follows.id)) == ("SCHEDULED", keys.SOAKS)


def test_one_that_a_newer_release_has_replaced_before_it_had_soaked_is_superseded(soaking: Bench) -> None:
    older, newer = soaking.release(1), soaking.release(2)
    soaking.promoted(older, "dev")
    run = soaking.promoted(older, "prod")
    assert state_of(run) == ("SCHEDULED", keys.SOAKS)
    time.sleep(1)  # Git has whole seconds
    soaking.promoted(newer, "dev")
    run = begin_again(soaking, run)
    assert state_of(run) == ("CANCELLED", keys.SUPERSEDED)
    assert run.state is not None
    said = str(run.state.message)
    assert f"was superseded by {newer.short_id}, promoted to dev at" in said
    assert f"must be verified in dev first, and dev runs {newer.short_id}" in said


def test_a_newer_release_that_has_come_in_ends_the_wait_of_an_older_one(soaking: Bench) -> None:
    older, newer = soaking.release(1), soaking.release(2)
    soaking.promoted(older, "dev")
    waits = soaking.promoted(older, "prod")
    soaking.promoted(newer, "dev")
    configure(soaking, "0s")
    assert state_of(soaking.promoted(newer, "prod"))[0] == "COMPLETED"
    with get_client(sync_client=True) as client:
        assert state_of(client.read_flow_run(waits.id)) == ("CANCELLED", keys.SUPERSEDED)
