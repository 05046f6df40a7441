"""The agent's side of its preloaded process: asks for children, and learns of their ends."""

import asyncio
from collections.abc import Mapping
from multiprocessing.connection import Connection

from towpath.agent.zygote import Ended, Order, Started
from towpath.orchestration.agent_worker import Child
from towpath.orchestration.execution.heartbeats import end_beats


class Children:
    """The flow runs that are under way, by id. Belongs to one event loop."""

    def __init__(self, control: Connection, lost: asyncio.Event) -> None:
        self._control, self._lost = control, lost
        self._starting: dict[str, asyncio.Future[Child]] = {}
        self.running: dict[str, Child] = {}
        asyncio.get_running_loop().add_reader(control.fileno(), self._read)

    async def fork(self, run: str, environ: Mapping[str, str], known: str) -> Child:
        """A child that runs the flow run of that id, of which so much is known."""
        return await self._ordered(Order(run, dict(environ), known))

    async def fork_canary(self, run: str) -> Child:
        """A child that runs the canary run of that id, also while this agent stands by."""
        return await self._ordered(Order(run, {}, canary=True))

    async def _ordered(self, order: Order) -> Child:
        started: asyncio.Future[Child] = asyncio.get_running_loop().create_future()
        self._starting[order.run] = started
        self._control.send(order)
        return await started

    def _read(self) -> None:
        try:
            while self._control.poll():
                self._handle(self._control.recv())
        except (EOFError, OSError):  # the preloaded process has ended: nothing can be run any more
            asyncio.get_running_loop().remove_reader(self._control.fileno())
            self._lost.set()

    def _handle(self, message: Started | Ended) -> None:
        if isinstance(message, Started):
            child = self.running[message.run] = Child(message.pid)
            started = self._starting.pop(message.run, None)
            if started is not None and not started.done():
                started.set_result(child)
        elif message.run in self.running:
            child = self.running.pop(message.run)
            child.returncode, child.peak = message.code, message.peak
            child.ended.set()
            if message.code == 0:
                end_beats(message.run)
