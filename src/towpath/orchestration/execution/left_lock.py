"""The lock of an environment that nobody gives back, because its lease was lost: with Redis, or in a backup.

A server takes a slot back when its lease ends. Where the lease itself is gone, the slot would be held for
ever, and the environment with it.
"""

import asyncio
import logging
from collections.abc import Callable

from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.actions import GlobalConcurrencyLimitUpdate

from towpath.orchestration import keys
from towpath.orchestration.execution.left_runs import unfinished

RARELY, OFTEN = 60.0, 15.0
"""Seconds between two looks: while nobody holds it, and while it seems to be held by nobody."""
LOOKS = 6
"""How often in a row no holder must be seen. Who has it for a moment writes that down nowhere."""
_LOG = logging.getLogger(__name__)


class LeftLock:
    """Of one environment, as one agent looks at it again and again."""

    def __init__(self, environment: str) -> None:
        self._environment, self._name = environment, keys.lock_name(environment)
        self._looks = 0

    async def keep_looking(self, say: Callable[[str], None]) -> None:
        """Free it whenever it is left."""
        while True:
            await asyncio.sleep(OFTEN if self._looks else RARELY)
            try:
                if await self.look():
                    say(f"the lock {self._name} was held by no run, and is free again")
            except Exception as error:  # noqa: BLE001 - Prefect raises many kinds, and it is asked again
                _LOG.debug("who holds %s is not known: %s", self._name, error)

    async def look(self) -> bool:
        """Whether it was left, and is free now: held at each of LOOKS looks, by no run that is under way."""
        async with get_client() as client:
            limit = await client.read_global_concurrency_limit_by_name(self._name)
            held = limit.active_slots > 0 and not await self._has_holder(client)
            self._looks = self._looks + 1 if held else 0
            if self._looks < LOOKS:
                return False
            free = GlobalConcurrencyLimitUpdate(active_slots=0)
            await client.update_global_concurrency_limit(self._name, free)
            self._looks = 0
            return True

    async def _has_holder(self, client: PrefectClient) -> bool:
        """A run that holds the lock for longer than a moment has its lease among its labels."""
        runs = await unfinished(client, keys.pool(self._environment), self._environment)
        return any(keys.LEASE_LABEL in run.labels for run in runs)
