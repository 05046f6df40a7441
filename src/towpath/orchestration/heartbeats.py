"""Heartbeats of flow runs, sent by the agent that runs them: the server marks a run Crashed without any.

Prefect's own engine sends them from a thread of the run, which holds up the end of each run by a second.
"""

import asyncio
from collections.abc import Callable, Iterable

from prefect.events import emit_event

EVERY = 30.0
"""Seconds between two heartbeats of a run; the server waits three times as long."""


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
    )
