"""The threads of a candidate: it leads, loses what it cannot renew in time, gives back what is over."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.unit.agent.test_election import Server
from towpath.adapters.kubernetes import ApiAwayError, Lease
from towpath.agent import leadership
from towpath.agent.election import Leases
from towpath.agent.leadership import Leadership, new_identity
from towpath.errors import MissingPartError, TowpathError
from towpath.fence import Fence
from towpath.kube.lease import LeaseTimes

PATIENCE = 60.0
TIMES = LeaseTimes()
DEADLINE = TIMES.deadline


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is done again and again is, at once; time passes when a test says so."""
    monkeypatch.setattr(LeaseTimes, "retry", 0.02)
    monkeypatch.setattr(leadership, "TICK", 0.02)


class Candidate:
    """One agent's leadership with a clock of its own, and what it was told."""

    def __init__(self, leases: Leases) -> None:
        self.now = 1000.0
        self.fence, self.led = Fence(lambda: self.now, lambda: self.now), threading.Event()
        self.said: list[str] = []
        self.losses: list[TowpathError] = []
        self.leadership = Leadership(
            leases, self.fence, TIMES, self.said.append, led=self.led.set, lost=self.losses.append
        )

    def renews(self) -> None:
        """Return once it has, after now."""
        until(lambda: self.fence.left() >= DEADLINE - 0.01)


@contextmanager
def candidate(leases: Leases) -> Iterator[Candidate]:
    made = Candidate(leases)
    made.leadership.start()
    try:
        yield made
    finally:
        made.leadership.end(quiet=True)


def until(holds: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.fixture
def server() -> Server:
    return Away()


class Away(Server):
    """A server that can be away, or refuse. Its Lease was given back by somebody."""

    error: TowpathError | None = None
    asked = 0

    def __init__(self) -> None:
        super().__init__()
        self.edit(Lease("", 1, "t", "t", 0))

    def read(self) -> Lease | None:
        self.asked += 1
        if self.error:
            raise self.error
        return super().read()


def test_one_leads_and_the_other_stands_by_and_says_who_leads(server: Server) -> None:
    with candidate(server) as first:
        until(first.led.is_set)
        assert first.fence.left() > 0
        assert first.leadership.summary() == "this agent leads: it holds Lease a/b"
        with candidate(server) as second:
            until(lambda: second.said)
            assert second.said == [f"standby: Lease a/b is held by {first.leadership.identity}"]
            assert second.fence.left() == 0
        assert not second.led.is_set()
    assert first.losses == []


def test_it_leads_longer_than_one_lease_lasts(server: Server) -> None:
    with candidate(server) as first:
        until(first.led.is_set)
        for _ in range(20):
            first.now += DEADLINE / 2
            first.renews()
        assert first.losses == []


def test_what_is_given_back_is_had_by_the_next_at_once(server: Server) -> None:
    with candidate(server) as first:
        until(first.led.is_set)
        with candidate(server) as second:
            first.leadership.end(quiet=True)
            assert first.fence.left() == 0
            until(second.led.is_set)
    assert server.lease
    assert server.lease.transitions == 2


def test_it_is_kept_while_something_may_still_be_written(server: Server) -> None:
    with candidate(server) as first:
        until(first.led.is_set)
        first.leadership.end(quiet=False)
        assert first.fence.left() == 0
        assert server.lease
        assert server.lease.holder == first.leadership.identity


def test_a_leader_whose_api_server_is_away_loses_it_and_says_why() -> None:
    server = Away()
    with candidate(server) as first:
        until(first.led.is_set)
        server.error = ApiAwayError("the API server https://a cannot be reached: refused")
        until(lambda: first.leadership.trouble)
        first.now += DEADLINE
        until(lambda: first.losses)
        assert first.fence.left() <= 0
    assert len(first.losses) == 1
    assert "does not lead any more: Lease a/b was not renewed" in first.losses[0].message
    assert "cannot be reached: refused" in first.losses[0].message


def test_an_outage_that_is_shorter_than_its_deadline_costs_nothing() -> None:
    server = Away()
    with candidate(server) as first:
        until(first.led.is_set)
        server.error = ApiAwayError("away")
        first.now += DEADLINE - 1
        until(lambda: first.leadership.trouble)
        server.error = None
        first.renews()
        assert (first.losses, first.leadership.trouble) == ([], "")


def test_an_answer_that_does_not_come_is_not_waited_for() -> None:
    class Silent(Away):
        gate = threading.Event()
        silent = False

        def read(self) -> Lease | None:
            if self.silent:
                self.gate.wait(PATIENCE)
            return super().read()

    server = Silent()
    with candidate(server) as first:
        until(first.led.is_set)
        server.silent = True
        first.now += DEADLINE
        until(lambda: first.losses)
        server.gate.set()


def test_a_leader_that_was_replaced_ends(server: Server) -> None:
    with candidate(server) as first:
        until(first.led.is_set)
        server.edit(Lease("somebody", 15, "t", "t", 7))
        until(lambda: first.losses)
        assert "was taken by somebody" in first.losses[0].message
        assert first.fence.left() == 0


def test_a_missing_right_is_said_once_and_asked_for_again() -> None:
    server = Away()
    server.error = MissingPartError("leases.coordination.k8s.io is forbidden", remedy="Give it.")
    with candidate(server) as first:
        until(lambda: server.asked > 5)
        assert first.said == ["leases.coordination.k8s.io is forbidden\nGive it."]
        server.error = None
        until(first.led.is_set)
        assert first.losses == []


def test_an_identity_is_never_the_same() -> None:
    assert len({new_identity() for _ in range(100)}) == 100
