"""Learns at once that a work pool has a run to do: polling alone would take seconds."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID

from prefect.events.clients import get_events_subscriber
from prefect.events.filters import EventAnyResourceFilter, EventFilter, EventNameFilter

from towpath.orchestration.execution import server_clock

AGAIN = 5.0
"""Seconds until the server's event stream is asked for again after it broke off."""
BEFORE = timedelta(minutes=1)
"""From so long ago on: what was announced while nobody listened."""
_NAMES = ("Scheduled", "Resuming", "AwaitingRetry", "Late")
"""States in which a run waits for its worker."""
_LOG = logging.getLogger(__name__)


async def listen(pool: UUID, look: Callable[[], Awaitable[object]]) -> None:
    """Call `look` whenever a run of the pool waits for its worker; polling finds what an event misses."""
    wanted = EventFilter(
        event=EventNameFilter(name=[f"prefect.flow-run.{name}" for name in _NAMES]),
        any_resource=EventAnyResourceFilter(id=[f"prefect.work-pool.{pool}"]),
    )
    while True:
        try:
            subscriber = get_events_subscriber(filter=wanted)
            # Prefect's own time to begin at is by this machine's clock.
            subscriber._backfill_since = server_clock.now() - BEFORE  # type: ignore[assignment]
            async with subscriber as events:
                async for _ in events:
                    await look()
        except Exception as error:  # noqa: BLE001 - a server that is away is polled, and asked again
            _LOG.debug("the server's events broke off: %s", error)
        await asyncio.sleep(AGAIN)
