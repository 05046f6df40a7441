"""How an agent in a pod answers canary runs: it carries out those that name its pod, also while it stands by.

What asks is `towpath.orchestration.canaries`. Such a run writes nothing but its own states.
"""

import asyncio
import contextlib
import logging
import os
import signal
import socket
from collections.abc import Awaitable, Callable

from towpath.orchestration.agent_worker import Child
from towpath.orchestration.api import PrefectApi
from towpath.orchestration.canaries import CanaryRuns, host_of

EVERY = 5.0
"""Seconds between two looks."""
LONGEST = 120.0
"""Seconds after which a canary run is ended: nobody waits for it any more."""

_LOG = logging.getLogger(__name__)
Fork = Callable[[str], Awaitable[Child]]
"""Forks the child of a canary run's id."""


class Answering:
    """Of one agent, at the Prefect API `url`. `host`: as its pod is called."""

    def __init__(self, url: str, environment: str, fork: Fork, host: str = "") -> None:
        # A standby may not write, but for this.
        self._api = PrefectApi(url, read_timeout=10.0, retries=0, fenced=False)
        self._runs, self._environment, self._fork = CanaryRuns(self._api), environment, fork
        self._host = host or socket.gethostname()

    async def keep(self) -> None:
        """Answer until cancelled. What goes wrong is tried again: others tell of a server that is away."""
        try:
            while True:
                try:
                    await self.turn()
                except Exception as error:  # noqa: BLE001 - one odd run must not silence this agent for good
                    _LOG.debug("canary runs are not answered: %s", error)
                await asyncio.sleep(EVERY)
        finally:
            self._api.close()

    async def turn(self) -> int:
        """Carry out what waits; how many there were."""
        mine = await asyncio.to_thread(self._mine)
        for run in mine:
            await self._carry_out(run)
        return len(mine)

    def _mine(self) -> list[str]:
        return [
            run.id
            for run in self._runs.unanswered(self._environment)
            if host_of(str(run.parameters.get("pod"))) == self._host
        ]

    async def _carry_out(self, run: str) -> None:
        child = await self._fork(run)
        try:
            await asyncio.wait_for(child.ended.wait(), LONGEST)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
