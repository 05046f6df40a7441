"""The Lease of an environment's agents on the real API server, by an account that may do nothing else."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from tests.integration.running import RunningStack
from tests.integration.world import World, throw_away
from towpath.adapters.kubernetes import (
    ApiConflictError,
    Lease,
    LeaseClient,
    connect,
    connect_lease,
    lease_time,
)
from towpath.agent.election import Election
from towpath.errors import MissingPartError, NotLeadingError
from towpath.fence import Fence, put_up
from towpath.kube.lease import LeaseTimes, lease_name, lease_rights
from towpath.kube.rights import Account, roles_of
from towpath.objects import ref_of
from towpath.settings import ClusterConnection

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]
NAME = lease_name("prod")
TIMES = LeaseTimes()
LASTS = TIMES.lasts


@dataclass
class Place:
    """A namespace, and an account with the rights of an agent that shares its Lease."""

    world: World
    connection: ClusterConnection

    def client(self, name: str = NAME) -> LeaseClient:
        return connect_lease(self.connection, self.world.namespace, name, TIMES.answer)


def account(world: World, folder: Path) -> ClusterConnection:
    """A kubeconfig as the ServiceAccount `agent` of the world's namespace."""
    content = yaml.safe_load(world.kubeconfig.read_text())
    for user in content["users"]:
        user["user"]["as"] = f"system:serviceaccount:{world.namespace}:agent"
    path = folder / "kubeconfig"
    path.write_text(json.dumps(content))
    return ClusterConnection(str(path), None, allow_exec=False)


@pytest.fixture(scope="module")
def place(stack: RunningStack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with throw_away(stack.settings) as world:
        space = world.namespace
        for each in roles_of(
            "towpath-prod", Account(space, "agent"), lease_rights(space, "prod"), {}, "prod"
        ):
            world.cluster.create(each)
        yield Place(world, account(world, tmp_path_factory.mktemp("lease")))


@pytest.fixture
def client(place: Place) -> Iterator[LeaseClient]:
    """The Lease is not there when a test begins."""
    yield place.client()
    place.world.kubectl("delete", "lease", NAME, "--ignore-not-found")


class Candidate:
    """With a clock that a test sets."""

    def __init__(self, client: LeaseClient, name: str) -> None:
        self.clock = 0.0
        self.election = Election(client, name, TIMES, clock=lambda: self.clock)

    def tries(self) -> bool:
        return self.election.attempt() is not None

    def waits(self, seconds: float) -> "Candidate":
        self.clock += seconds
        return self


def leader(client: LeaseClient, name: str = "first") -> Candidate:
    candidate = Candidate(client, name)
    assert not candidate.tries()
    assert candidate.waits(LASTS).tries()
    return candidate


def test_the_rights_suffice_to_make_renew_take_and_give_back(client: LeaseClient) -> None:
    first, second = leader(client), Candidate(client, "second")
    assert not second.tries()
    assert first.waits(2).tries()
    assert not second.waits(LASTS).tries(), "it was renewed"
    assert second.waits(LASTS).tries()
    with pytest.raises(NotLeadingError, match=f"{NAME} was taken by second"):
        first.tries()
    second.election.release()
    assert Candidate(client, "third").tries()
    found = client.read()
    assert found
    assert (found.holder, found.seconds, found.transitions) == ("third", 15, 2)


def test_a_time_on_a_whole_second_is_taken_and_written_back(client: LeaseClient) -> None:
    at = lease_time(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
    made = client.write(Lease("a", 15, at, at, 0))
    assert client.write(made).renewed == at


def test_what_was_written_meanwhile_is_not_written_over(client: LeaseClient) -> None:
    made = client.write(Lease("a", 15, "", "", 0))
    client.write(replace(made, holder="b"))
    with pytest.raises(ApiConflictError):
        client.write(replace(made, holder="c"))
    with pytest.raises(ApiConflictError, match="it is there by now"):
        client.write(Lease("b", 15, "", "", 0))


def test_a_deleted_lease_stays_its_leader_s(place: Place, client: LeaseClient) -> None:
    first, second = leader(client), Candidate(client, "second")
    assert not second.tries()
    place.world.kubectl("delete", "lease", NAME)
    assert not second.waits(LASTS - 1).tries()
    assert not second.waits(5).tries()
    assert first.waits(2).tries()
    assert not second.waits(5).tries()


def test_labels_and_annotations_of_people_stay_and_change_nothing(place: Place, client: LeaseClient) -> None:
    first = leader(client)
    place.world.kubectl("annotate", "lease", NAME, "note=mine")
    assert first.waits(2).tries()
    assert first.waits(2).tries()
    assert place.world.live("lease", NAME)["metadata"]["annotations"] == {"note": "mine"}


@pytest.mark.parametrize("spec", [{}, {"holderIdentity": "", "leaseDurationSeconds": 1}])
def test_a_lease_that_nobody_holds_is_had_at_once(
    place: Place, client: LeaseClient, spec: dict[str, object]
) -> None:
    made = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": NAME}, "spec": spec}
    place.world.kubectl("create", "-f", "-", text=json.dumps(made))
    assert Candidate(client, "first").tries()


def test_a_missing_right_is_named_with_what_gives_it(place: Place) -> None:
    other = place.client(lease_name("other"))
    for ask in (other.read, lambda: other.write(Lease("a", 15, "", "", 0))):
        with pytest.raises(MissingPartError) as refused:
            ask()
        told = str(refused.value)
        assert "leases" in told
        assert "`towpath rbac --lease`" in told
        assert lease_name("other") in told


def test_a_dry_run_writes_nothing(client: LeaseClient) -> None:
    client.write(Lease("a", 15, "", "", 0), dry_run=True)
    assert client.read() is None


def test_who_does_not_lead_changes_nothing_on_the_cluster(stack: RunningStack, place: Place) -> None:
    """Each way to write; what only reads is answered."""
    world, now = place.world, datetime.now(UTC).timestamp()
    cluster = connect(str(world.kubeconfig))
    made = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": world.namespace}}
    there = cluster.server_side_apply(made)
    ref = ref_of(made)
    times = {"boot": 100.0, "wall": now}
    fence = Fence(lambda: times["boot"], lambda: times["wall"])
    put_up(fence)
    try:
        fence.open(110.0, now + timedelta(hours=1).total_seconds())
        cluster.server_side_apply({**made, "data": {"a": "1"}})
        times["boot"] += 60
        for write in (
            lambda: cluster.server_side_apply({**made, "data": {"a": "2"}}),
            lambda: cluster.create({**made, "metadata": {**made["metadata"], "name": "d"}}),
            lambda: cluster.replace({**there, "data": {"a": "3"}}),
            lambda: cluster.json_patch(ref, [{"op": "add", "path": "/data/b", "value": "4"}]),
            lambda: cluster.delete(ref),
        ):
            with pytest.raises(NotLeadingError, match="does not lead its environment any more"):
                write()
        found = cluster.get(ref)
    finally:
        put_up(None)
    assert found
    assert found["data"] == {"a": "1"}
    assert cluster.get(ref_of({**made, "metadata": {**made["metadata"], "name": "d"}})) is None
