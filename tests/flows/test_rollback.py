"""Going back because a person asked."""

import pytest

from tasks.cluster import sync
from tests.flows.bench import Bench
from towpath.errors import TransientError


def test_the_last_verified_release_before_comes_back_by_a_new_commit(bench: Bench) -> None:
    old, new = bench.release(1), bench.release(2)
    bench.promoted(old, "dev")
    bench.promoted(new, "dev")
    bench.calls.clear()
    run = bench.start("rollback/rollback-dev", app="hello", environment="dev")
    assert run.state.message == "dev runs hello 0000000 again, verified"
    assert bench.calls == ["sync dev 1", "verify dev 1", "prune dev 1"]
    state = bench.state("dev")
    assert state is not None
    assert (state.release.id, state.rolls_back) == (old.id, new.id)
    assert bench.subjects()[0] == "Roll back hello in dev to 0000000"


def test_an_outage_in_the_middle_takes_back_no_second_release(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sync, "retry_delay_seconds", [0.0])
    for number in (1, 2, 3):
        bench.promoted(bench.release(number), "dev")
    bench.sync_fails = [TransientError("API server away") for _ in range(sync.retries + 1)]
    run = bench.start("rollback/rollback-dev", app="hello", environment="dev")
    assert bench.again(run).state.message == "dev runs hello 0000000 again, verified"
    state = bench.state("dev")
    assert state is not None
    assert state.release.id == bench.release(2).id
    assert bench.subjects()[0] == "Roll back hello in dev to 0000000"


def test_a_named_release_comes_back(bench: Bench) -> None:
    first = bench.release(1)
    for release in (first, bench.release(2), bench.release(3)):
        bench.promoted(release, "dev")
    bench.start("rollback/rollback-dev", app="hello", environment="dev", to=first.id)
    state = bench.state("dev")
    assert state is not None
    assert state.release.id == first.id


def test_no_earlier_release_and_an_unknown_one_are_said(bench: Bench) -> None:
    run = bench.start("rollback/rollback-dev", app="hello", environment="dev")
    assert "is not released in dev" in run.state.message
    bench.promoted(bench.release(1), "dev")
    run = bench.start("rollback/rollback-dev", app="hello", environment="dev")
    assert run.state.message == "no earlier verified release of hello in dev"
    run = bench.start("rollback/rollback-dev", app="hello", environment="dev", to="abcdef1")
    assert "unknown release 'abcdef1'" in run.state.message


def test_a_release_file_that_somebody_broke_in_between_is_passed_by(bench: Bench) -> None:
    old, new = bench.release(1), bench.release(2)
    bench.promoted(old, "dev")
    file = "apps/hello/dev/release.yaml"
    bench.push("environments", {"README.md": "x"}, "Fetch")
    text = (bench.folder / "work-environments" / file).read_text()
    bench.push("environments", {file: "release: {\n"}, "Break it")
    bench.push("environments", {file: text.replace(old.id, new.id)}, "Mend it")
    run = bench.start("rollback/rollback-dev", app="hello", environment="dev")
    assert run.state.message == "dev runs hello 0000000 again, verified"
    state = bench.state("dev")
    assert state is not None
    assert state.release.id == old.id
