"""A slot of a concurrency limit of the Prefect server, held under a lease: asked for, kept, given back.

As `prefect.concurrency.sync.concurrency`, which for each lock also starts a thread with an event loop, makes
four clients, renews the lease as soon as it has it, and sends two events: of that a run here has no use.
"""

import contextvars
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.responses import ConcurrencyLimitWithLeaseResponse
from prefect.exceptions import PrefectHTTPStatusError

from towpath.errors import MissingPartError, TransientError
from towpath.orchestration import keys

SECONDS = 60.0
"""After so long without renewal the server takes the slot back: its holder was killed. It takes no less."""
RENEW = 40.0
"""Seconds between two renewals."""
NOTED_AFTER = 0.5
"""Seconds for which a slot is held before the run's labels say so: most are given back sooner."""
OVERLOADED = 60.0
"""Seconds during which a server is asked again that answers with an error of its own."""
PAUSE = 1.0
LONGEST_PAUSE = 2.0
"""Seconds until a slot that others hold is asked for again; the server would have one wait up to 30."""
_LOCKED = 423
_LOG = logging.getLogger(__name__)
_held: ContextVar[frozenset[str]] = ContextVar("held", default=frozenset())


@contextmanager
def leased(name: str, what: str, *, patience: float, run: str = "") -> Iterator[None]:
    """Hold the slot `name` for the flow run of that id, waiting for it up to `patience` seconds.

    `what` is locked by it, for error messages. Raises MissingPartError when there is no such limit,
    TransientError when others hold it for so long, or when the server is away or does not give it.
    A lease that cannot be renewed or given back while the server restarts is no error.
    """
    with (
        get_client(sync_client=True) as client,
        kept(client, name, _acquire(client, name, what, patience), run),
    ):
        yield


@contextmanager
def kept(client: SyncPrefectClient, name: str, lease: UUID, run: str = "") -> Iterator[None]:
    """Keep a lease of the slot `name` that was given, and give it back in the end."""
    ended = threading.Event()
    held = _held.set(_held.get() | {name})
    try:
        # In the run's context: its settings say where the server is.
        arguments = (_keep, lease, run, ended)
        context = contextvars.copy_context()
        threading.Thread(target=context.run, args=arguments, name=f"lease of {name}", daemon=True).start()
        yield
    finally:
        _held.reset(held)
        ended.set()
        _release(client, lease)


def is_held(name: str) -> bool:
    """Whether what calls this runs while its context keeps the slot `name`."""
    return name in _held.get()


def busy(what: str, seconds: float) -> TransientError:
    """Others held the lock of it all the time."""
    return TransientError(f"{what} was busy for {seconds:.0f} s: another run holds its lock")


def _acquire(client: SyncPrefectClient, name: str, what: str, patience: float) -> UUID:
    begun = time.monotonic()
    while True:
        try:
            answer = client.increment_concurrency_slots_with_lease([name], 1, "concurrency", SECONDS)
        except PrefectHTTPStatusError as error:
            pause = _pause(error, time.monotonic() - begun)
            if pause is None:
                raise _not_given(what, error) from error
        except Exception as error:  # httpx raises many kinds for a server that is away
            raise _not_given(what, error) from error
        else:
            given = ConcurrencyLimitWithLeaseResponse.model_validate(answer.json())
            if not given.limits:
                raise MissingPartError(
                    f"{what} is not set up on the Prefect server: there is no lock {name}",
                    remedy=f"`prefect gcl create {name} --limit 1` creates it (`towpath local up` does).",
                )
            return given.lease_id
        if time.monotonic() - begun + pause > patience:
            raise busy(what, patience)
        time.sleep(pause)


def _not_given(what: str, error: Exception) -> TransientError:
    return TransientError(f"the Prefect server could not give the lock of {what}: {error}")


def _pause(error: PrefectHTTPStatusError, waited: float) -> float | None:
    """Seconds until it may be asked again; None when that does not help."""
    answer = error.response
    if answer.status_code == _LOCKED:
        try:
            return min(float(answer.headers["Retry-After"]), LONGEST_PAUSE)
        except (KeyError, ValueError):
            return PAUSE
    return PAUSE if answer.status_code >= 500 and waited < OVERLOADED else None


def _keep(lease: UUID, run: str, ended: threading.Event) -> None:
    """Write down under which lease a run works, for who takes it up when it is killed; then renew that."""
    if ended.wait(NOTED_AFTER):
        return
    if run:
        _ask("noted", lease, lambda client: client.update_flow_run_labels(
            UUID(run), {keys.LEASE_LABEL: str(lease)}
        ))  # fmt: skip
    while not ended.wait(RENEW - NOTED_AFTER):
        _ask("renewed", lease, lambda client: client.renew_concurrency_lease(lease, SECONDS))


def _ask(what: str, lease: UUID, ask: Callable[[SyncPrefectClient], object]) -> None:
    try:
        ask(get_client(sync_client=True))
    except Exception as error:  # noqa: BLE001 - Prefect raises many kinds, and the work goes on
        _LOG.debug("lease %s was not %s: %s", lease, what, error)


def _release(client: SyncPrefectClient, lease: UUID) -> None:
    try:
        client.release_concurrency_slots_with_lease(lease)
    except Exception as error:  # noqa: BLE001 - Prefect raises many kinds, and the lease ends by itself
        _LOG.warning("lease %s was not given back: %s", lease, error)
