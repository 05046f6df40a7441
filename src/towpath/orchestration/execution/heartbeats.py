"""Signs of life: of flow runs, sent by the agent that runs them, and of the agent while it runs any.

The server marks a run Crashed without any. Prefect's own engine sends them from a thread of the run, which
holds up the end of each run by a second. An agent says more often than a Prefect worker that it lives:
what it leaves when it is killed is known as left at once.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterable

from prefect.client.orchestration import get_client
from prefect.events import emit_event

from towpath.orchestration.busy_database import PATIENCE
from towpath.orchestration.execution import server_clock

EVERY = 30.0
"""Seconds between two heartbeats of a run; the server waits three times as long."""


OFTEN = 3.0
"""Seconds between two signs of life of an agent that has something under way."""
RETRY = 2.0
"""Seconds that Prefect's client waits before it sends again what the server was too busy for."""
SILENT = OFTEN + PATIENCE + RETRY + PATIENCE
"""Seconds without any after which an agent that has just started takes over what one of another name left.

A busy server holds a sign of life for as long as its patience, and then once more when it is sent again: an
agent that lives may be silent for as long.
"""


async def show_life(pool: str, name: str, busy: Callable[[], bool]) -> None:
    """Let the server know that the agent lives, while it is busy: beside the worker's own heartbeats."""
    async with get_client() as client:
        while True:
            await asyncio.sleep(OFTEN)
            if busy():
                with contextlib.suppress(Exception):  # a server that is away is told again
                    await client.send_worker_heartbeat(pool, name)


async def send_heartbeats(running: Callable[[], Iterable[str]]) -> None:
    """Send one for each run (by id) that is under way, again and again."""
    while True:
        for run in running():
            beat(run)
        await asyncio.sleep(EVERY)


def beat(run: str, name: str = "") -> None:
    """Send a heartbeat of a run. A server that is away misses it."""
    emit_event(
        "prefect.flow-run.heartbeat",
        resource={"prefect.resource.id": f"prefect.flow-run.{run}", "prefect.resource.name": name or run},
        occurred=server_clock.now(),  # one of 90 s ago would be the last one of a run that is dead
    )


def end_beats(run: str) -> None:
    """Let the server await no further heartbeat: the run's process has ended by itself.

    It may have sent one after it was suspended. A run that waits for people would be marked Crashed then.
    """
    emit_event(
        "prefect.flow-run.process-ended",
        resource={"prefect.resource.id": f"prefect.flow-run.{run}"},
        occurred=server_clock.now(),
    )
