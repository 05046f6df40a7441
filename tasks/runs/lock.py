"""One promotion, rollback or reconcile at a time per environment."""

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from uuid import UUID

from prefect.client.orchestration import get_client
from prefect.concurrency.asyncio import AcquireConcurrencySlotTimeoutError, ConcurrencySlotAcquisitionError
from prefect.concurrency.context import ConcurrencyContext
from prefect.concurrency.sync import concurrency
from prefect.exceptions import PrefectHTTPStatusError
from prefect.runtime import flow_run

from tasks.runs.server_errors import overloaded
from tasks.runs.step import settings
from towpath.adapters.file_lock import try_lock
from towpath.errors import MissingPartError, TransientError
from towpath.orchestration.execution.left_runs import note_lease
from towpath.orchestration.keys import lock_name

LEASE = 60.0
"""Seconds after which the server takes the lock back from a holder that was killed."""
PATIENCE = 900.0
"""Seconds to wait for whoever holds it."""
BRIEF = 120.0
"""Seconds to wait for a lock that is held for a moment, or by somebody who was killed meanwhile."""
OVERLOADED = 60.0
PAUSE_HERE = 0.05
"""Seconds until a run looks again whether it is its turn."""
PAUSE = 1.0
"""Seconds during which, and after which, a server is asked again that answers with an error of its own."""


@contextmanager
def environment_lock(environment: str) -> Iterator[None]:
    """Hold the environment's lock. Advisory: the fences are Git's fast-forward push and server-side apply.

    So a lease that cannot be renewed while the server restarts does not end the work that it covers.

    Runs of this agent take turns among themselves first. Who waits for the server's lock is told to ask again
    after as long as others held it, up to 30 s, so it would be free for most of the time.
    """
    name = lock_name(environment)
    until = time.monotonic() + PATIENCE
    with ExitStack() as stack:
        try:
            stack.enter_context(_turn(name, until))
            _enter(stack, name, patience=max(1.0, until - time.monotonic()))
        except AcquireConcurrencySlotTimeoutError as error:
            raise TransientError(
                f"environment {environment} was busy for {PATIENCE:.0f} s: another run holds its lock"
            ) from error
        except ConcurrencySlotAcquisitionError as error:
            if error.__cause__ is not None:  # not missing: the server is away or overloaded
                raise TransientError(
                    f"the Prefect server could not give the lock of environment {environment}: {error}"
                ) from error
            raise MissingPartError(
                f"environment {environment} is not set up on the Prefect server: there is no lock {name}",
                remedy=f"`prefect gcl create {name} --limit 1` creates it (`towpath local up` does).",
            ) from error
        _label_with_lease()
        yield


@contextmanager
def _turn(name: str, until: float) -> Iterator[None]:
    """Be the only run on this machine, with this cache, that asks for the lock."""
    folder = settings().cache / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{name}.lock").open("w") as file:
        while not try_lock(file):
            if time.monotonic() > until:
                raise AcquireConcurrencySlotTimeoutError(f"{name} was held on this machine")
            time.sleep(PAUSE_HERE)
        yield


def _label_with_lease() -> None:
    """Write down at the run under which lease it holds the lock: who takes up a killed run releases it.

    Beside the work: a server that is busy is asked again after seconds.
    """
    held, run = ConcurrencyContext.get(), flow_run.id
    if run and held and held.cleanup_lease_ids:
        arguments = (UUID(run), held.cleanup_lease_ids[-1])
        threading.Thread(target=note_lease, args=arguments, name="note lease", daemon=True).start()


@contextmanager
def brief_lock(name: str) -> Iterator[None]:
    """Hold a lock for a few requests; the first who wants it creates it."""
    with get_client(sync_client=True) as client:
        try:
            client.upsert_global_concurrency_limit_by_name(name, 1)
        except PrefectHTTPStatusError as error:
            if error.response.status_code != 409:  # somebody else has just created it
                raise
    with ExitStack() as stack:
        try:
            _enter(stack, name, patience=BRIEF)
        except (AcquireConcurrencySlotTimeoutError, ConcurrencySlotAcquisitionError) as error:
            raise TransientError(f"the Prefect server could not give the lock {name}: {error}") from error
        yield


def _enter(stack: ExitStack, name: str, *, patience: float = PATIENCE) -> None:
    until = time.monotonic() + OVERLOADED
    held = False
    while not held:
        try:
            stack.enter_context(
                concurrency(
                    name,
                    strict=True,
                    lease_duration=LEASE,
                    timeout_seconds=patience,
                    raise_on_lease_renewal_failure=False,
                )
            )
            held = True
        except ConcurrencySlotAcquisitionError as error:
            if not overloaded(error.__cause__) or time.monotonic() > until:
                raise
            time.sleep(PAUSE)
