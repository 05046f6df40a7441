"""One promotion, rollback or reconcile at a time per environment."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from prefect.client.orchestration import get_client
from prefect.exceptions import PrefectHTTPStatusError
from prefect.runtime import flow_run

from tasks.runs.step import settings
from towpath.orchestration.execution.lease import busy, is_held, leased
from towpath.orchestration.execution.turn import turn
from towpath.orchestration.keys import lock_name

PATIENCE = 900.0
"""Seconds to wait for whoever holds it."""
BRIEF = 120.0
"""Seconds to wait for a lock that is held for a moment, or by somebody who was killed meanwhile."""
PAUSE_HERE = 0.05
"""Seconds until a run looks again whether it is its turn."""


@contextmanager
def environment_lock(environment: str, look: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Hold the environment's lock. Advisory: the fences are Git's fast-forward push and server-side apply.

    So a lease that cannot be renewed while the server restarts does not end the work that it covers.

    Runs of this agent take turns among themselves first: the lock goes to whoever happens to ask next. While
    a run waits for its turn, and when it has it, `look` is called, which raises when it need not go on.
    A run of the watcher, which holds the lock already, asks for nothing.
    """
    name, what, begun = lock_name(environment), f"environment {environment}", time.monotonic()
    if is_held(name):
        yield
        return
    with _turn(name, what, look):
        left = max(1.0, PATIENCE - (time.monotonic() - begun))
        with leased(name, what, patience=left, run=str(flow_run.id or "")):
            yield


@contextmanager
def _turn(name: str, what: str, look: Callable[[], None]) -> Iterator[None]:
    """Be the only run on this machine, with this cache, that asks for the lock."""
    until = time.monotonic() + PATIENCE
    with turn(settings().cache, name) as mine:
        while not mine():
            look()
            if time.monotonic() > until:
                raise busy(what, PATIENCE)
            time.sleep(PAUSE_HERE)
        look()
        yield


@contextmanager
def brief_lock(name: str) -> Iterator[None]:
    """Hold a lock for a few requests; the first who wants it creates it."""
    with get_client(sync_client=True) as client:
        try:
            client.upsert_global_concurrency_limit_by_name(name, 1)
        except PrefectHTTPStatusError as error:
            if error.response.status_code != 409:  # somebody else has just created it
                raise
    with leased(name, name, patience=BRIEF):
        yield
