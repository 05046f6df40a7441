"""A lock whose lease was lost is free again, on the real server; one that a run holds is not."""

import asyncio
from collections.abc import Iterator
from uuid import uuid4

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.states import Completed, Running

from towpath.orchestration import keys
from towpath.orchestration.execution.left_lock import LOOKS, LeftLock


class Lock:
    """Of an environment with a work pool."""

    def __init__(self) -> None:
        self.environment = f"t{uuid4().hex[:6]}"
        self.name, self.left = keys.lock_name(self.environment), LeftLock(self.environment)
        with get_client(sync_client=True) as client:
            client.create_work_pool(WorkPoolCreate(name=keys.pool(self.environment), type=keys.POOL_TYPE))
            client.upsert_global_concurrency_limit_by_name(self.name, 1)

    def take(self) -> None:
        """Without a lease: as it is left when that was lost."""
        with get_client(sync_client=True) as client:
            client.increment_concurrency_slots([self.name], 1, mode="concurrency")

    @property
    def held(self) -> bool:
        with get_client(sync_client=True) as client:
            return client.read_global_concurrency_limit_by_name(self.name).active_slots > 0

    def look(self, times: int) -> list[bool]:
        return [asyncio.run(self.left.look()) for _ in range(times)]


@pytest.fixture
def lock(prefect_server: None) -> Iterator[Lock]:
    yield Lock()


def test_a_lock_that_nobody_holds_is_free_after_some_looks(lock: Lock) -> None:
    lock.take()
    assert lock.look(LOOKS - 1) == [False] * (LOOKS - 1)
    assert lock.held
    assert lock.look(1) == [True]
    assert not lock.held
    assert lock.look(LOOKS) == [False] * LOOKS


def test_a_lock_that_was_free_meanwhile_is_looked_at_anew(lock: Lock) -> None:
    for _ in range(2):
        lock.take()
        assert lock.look(LOOKS - 1) == [False] * (LOOKS - 1)
        with get_client(sync_client=True) as client:
            client.release_concurrency_slots([lock.name], 1, 1.0)
        assert lock.look(1) == [False]


def test_a_lock_that_a_run_holds_stays_until_the_run_has_ended(lock: Lock) -> None:
    lock.take()
    with get_client(sync_client=True) as client:
        flow = client.create_flow_from_name(keys.RECONCILE)
        deployment = client.create_deployment(
            flow, lock.environment, work_pool_name=keys.pool(lock.environment)
        )
        labels = {keys.LEASE_LABEL: str(uuid4())}
        run = client.create_flow_run_from_deployment(deployment, state=Running(), labels=labels)
    assert not any(lock.look(2 * LOOKS))
    with get_client(sync_client=True) as client:
        client.set_flow_run_state(run.id, Completed(), force=True)
    assert any(lock.look(LOOKS))
    assert not lock.held
