"""One holder at a time, whatever the clocks of the machines say: only what changes is looked at."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from towpath.adapters.kubernetes import ApiAwayError, ApiConflictError, Lease
from towpath.agent.election import Election
from towpath.errors import NotLeadingError
from towpath.kube.lease import LeaseTimes

TIMES = LeaseTimes()
LASTS, DEADLINE = TIMES.lasts, TIMES.deadline


class Server:
    """Keeps one Lease as an API server does: it is written as it was read, or created where there is none."""

    def __init__(self) -> None:
        self.lease: Lease | None = None
        self._versions = count(1)
        self.before_write: Callable[[], None] = lambda: None
        self.after_write: Callable[[], None] = lambda: None

    def read(self) -> Lease | None:
        return self.lease

    def write(self, lease: Lease) -> Lease:
        run, self.before_write = self.before_write, lambda: None
        run()
        there = self.lease.manifest["metadata"]["resourceVersion"] if self.lease else None
        known = (lease.manifest.get("metadata") or {}).get("resourceVersion")
        if there is not None and known != there:
            raise ApiConflictError("write the Lease: it was written meanwhile")
        self.edit(lease)
        run, self.after_write = self.after_write, lambda: None
        run()
        assert self.lease
        return self.lease

    def edit(self, lease: Lease) -> None:
        """Whatever is there."""
        self.lease = replace(lease, manifest={"metadata": {"resourceVersion": str(next(self._versions))}})

    def __str__(self) -> str:
        return "Lease a/b"


class Machine:
    """Has clocks of its own; `skew` is by how much its time of day is wrong."""

    def __init__(self, server: Server, name: str, skew: float = 0.0) -> None:
        self.clock = 5000.0 * (1 + len(name))
        self._skew = timedelta(seconds=skew)
        self.election = Election(server, name, TIMES, clock=lambda: self.clock, now=self._now)

    def _now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self.clock) + self._skew

    def tries(self) -> bool:
        until = self.election.attempt()
        if until is not None:
            assert until == self.clock + DEADLINE
        return until is not None


def passes(seconds: float, *machines: Machine) -> None:
    for machine in machines:
        machine.clock += seconds


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def leader(server: Server) -> Machine:
    made = Machine(server, "leader")
    made.tries()
    passes(LASTS, made)
    assert made.tries()
    return made


def test_a_lease_that_is_not_there_is_made_when_nobody_can_hold_it_any_more(server: Server) -> None:
    first, second = Machine(server, "a"), Machine(server, "bb")
    assert not first.tries()
    passes(LASTS - 0.1, first, second)
    assert not first.tries()
    assert not second.tries()
    passes(0.1, first, second)
    assert first.tries()
    assert not second.tries()
    assert server.lease
    assert (server.lease.holder, server.lease.seconds, server.lease.transitions) == ("a", 15, 0)


def test_of_two_who_make_it_at_once_one_leads(server: Server) -> None:
    first, second = Machine(server, "a"), Machine(server, "bb")
    assert not (first.tries() or second.tries())
    passes(LASTS, first, second)
    server.before_write = lambda: server.edit(Lease("bb", 15, "t", "t", 0))
    assert not first.tries()
    assert not first.election.leads


def test_who_renews_goes_on_leading_for_ever(server: Server, leader: Machine) -> None:
    other = Machine(server, "other")
    for _ in range(50):
        passes(2, leader, other)
        assert leader.tries()
        assert not other.tries()
    assert server.lease
    assert server.lease.transitions == 0


@pytest.mark.parametrize("skew", [-86400.0, -20.0, 0.0, 20.0, 86400.0])
def test_the_clock_of_the_holder_does_not_matter(server: Server, skew: float) -> None:
    holder, other = Machine(server, "holder", skew), Machine(server, "other")
    holder.tries()
    passes(LASTS, holder, other)
    assert holder.tries()
    assert not other.tries()
    passes(LASTS - 0.1, holder, other)
    assert not other.tries(), "it waits as long, however old the time in the Lease looks"
    passes(0.1, holder, other)
    assert other.tries()
    assert server.lease
    assert (server.lease.holder, server.lease.transitions) == ("other", 1)


def test_a_standby_counts_from_the_change_that_it_saw(server: Server, leader: Machine) -> None:
    other = Machine(server, "other")
    assert not other.tries()
    passes(LASTS - 1, leader, other)
    assert leader.tries()
    passes(2, leader, other)
    assert not other.tries()
    passes(LASTS, leader, other)
    assert other.tries()


def test_a_longer_lease_of_a_newer_version_is_waited_for(server: Server, leader: Machine) -> None:
    assert server.lease
    server.edit(replace(server.lease, holder="newer", seconds=60))
    other = Machine(server, "other")
    assert not other.tries()
    passes(59, other)
    assert not other.tries()
    passes(1, other)
    assert other.tries()


def test_a_leader_that_was_replaced_is_told_by_whom(server: Server, leader: Machine) -> None:
    other = Machine(server, "other")
    other.tries()
    passes(LASTS, leader, other)
    assert other.tries()
    with pytest.raises(NotLeadingError, match="Lease a/b was taken by other"):
        leader.tries()
    assert not leader.election.leads


def test_a_lease_that_is_given_back_may_be_had_at_once(server: Server, leader: Machine) -> None:
    other = Machine(server, "other")
    assert not other.tries()
    leader.election.release()
    assert server.lease
    assert server.lease.holder == ""
    assert other.tries()
    leader.election.release()
    assert server.lease.holder == "other", "what is another's is not given back"


def test_a_leader_makes_a_deleted_lease_anew_before_anybody_may_have_it(
    server: Server, leader: Machine
) -> None:
    other = Machine(server, "other")
    assert not other.tries()
    passes(LASTS - 1, other)
    server.lease = None
    assert not other.tries(), "it may be held still"
    passes(5, leader, other)
    assert not other.tries()
    assert leader.tries()
    assert server.lease
    assert server.lease.holder == "leader"


def test_a_lease_that_was_deleted_and_whose_holder_is_gone_is_had_in_the_end(
    server: Server, leader: Machine
) -> None:
    other = Machine(server, "other")
    other.tries()
    server.lease = None
    other.tries()
    passes(LASTS, other)
    assert other.tries()


def test_labels_of_somebody_are_no_renewal_by_another(server: Server, leader: Machine) -> None:
    assert server.lease
    server.edit(server.lease)
    passes(2, leader)
    assert leader.tries()


def test_an_edit_between_reading_and_writing_only_delays_it(server: Server, leader: Machine) -> None:
    def edit() -> None:
        assert server.lease
        server.edit(server.lease)

    server.before_write = edit
    assert not leader.tries()
    assert leader.election.leads
    assert leader.tries()


def test_two_processes_of_one_identity_do_not_lead_both(server: Server) -> None:
    first, second = Machine(server, "same"), Machine(server, "same", 1.0)
    first.tries()
    second.tries()
    passes(LASTS, first, second)
    assert first.tries()
    assert not second.tries(), "it did not write this"
    passes(LASTS, first, second)
    assert second.tries()
    with pytest.raises(NotLeadingError):
        first.tries()


def test_a_renewal_whose_answer_was_lost_counts_as_its_own(server: Server, leader: Machine) -> None:
    def lose() -> None:
        raise ApiAwayError("no answer")

    server.after_write = lose
    passes(2, leader)
    with pytest.raises(ApiAwayError):
        leader.tries()
    passes(2, leader)
    assert leader.tries()


def test_a_first_hold_whose_answer_was_lost_is_recognised(server: Server) -> None:
    def lose() -> None:
        raise ApiAwayError("no answer")

    machine = Machine(server, "a")
    machine.tries()
    passes(LASTS, machine)
    server.after_write = lose
    with pytest.raises(ApiAwayError):
        machine.tries()
    assert machine.tries()
    assert server.lease
    assert server.lease.transitions == 0
