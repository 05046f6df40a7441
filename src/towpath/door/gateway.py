"""What the door asks of the Prefect server: runs of `deliver`, and how far they have come. Nothing else."""

import asyncio
import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

from towpath.door.rules import RequestError
from towpath.errors import MissingPartError, TowpathError, UnknownNameError
from towpath.orchestration import keys
from towpath.orchestration.api import PrefectApi
from towpath.orchestration.delivery.path import runs_of, state_of
from towpath.orchestration.delivery.start import start_delivery
from towpath.orchestration.runs import Run
from towpath.orchestration.server import Server
from towpath.progress import say

THREADS = 4
MOST_WAITING = 100
"""Questions that wait for a thread: more are refused, so that none waits for minutes."""
PERSON = "door"
"""Who a run of the door was started by."""
RETRIES = 2
READ_TIMEOUT = 10.0
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Delivery:
    """One app's delivery: its id, its run's page, how far it is. `new`: this request began it."""

    id: str
    app: str
    commit: str
    state: str
    address: str
    new: bool = False
    runs: tuple[tuple[Run, str], ...] = ()
    """Each run of its way, with its page."""

    def to_json(self) -> dict[str, Any]:
        """What a caller is told."""
        return {
            "id": self.id,
            "app": self.app,
            "commit": self.commit,
            "state": self.state,
            "address": self.address,
            "new": self.new,
        }

    def way_to_json(self) -> list[dict[str, str]]:
        """Its runs; without messages, which may tell what only people at the server may read."""
        return [
            {
                "flow": run.flow,
                "environment": str(run.parameters.get("environment") or ""),
                "state": state_of([run]),
                "address": address,
            }
            for run, address in self.runs
        ]


class Gateway:
    """Asks the Prefect server in a few threads of its own, each with its own connections."""

    def __init__(self, url: str, ui: str | None = None) -> None:
        self._url = url
        self._ui = (ui or url.rstrip("/").removesuffix("/api")).rstrip("/")
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="prefect")
        self._local = threading.local()
        self._waiting = 0

    async def start(self, app: str, commit: str, *, repeat: bool) -> Delivery:
        """Begin a delivery, or find the one that there is."""

        def work(server: Server) -> Delivery:
            run, new = start_delivery(server, app, commit, repeat=repeat, person=PERSON)
            return self._delivery(run, [run], app=app, commit=commit, new=new)

        return await self._ask(work)

    async def find(self, delivery: str) -> Delivery:
        """How far a delivery is. RequestError 404 when there is none of that id."""
        unknown = RequestError(404, "unknown", "there is no delivery of that id")
        try:
            wanted = str(uuid.UUID(delivery))
        except ValueError:
            raise unknown from None

        def work(server: Server) -> Delivery:
            try:
                run = server.run(wanted)
            except UnknownNameError:
                raise unknown from None
            if run.flow != keys.DELIVER:
                raise unknown
            return self._delivery(run, list(runs_of(server, run)))

        return await self._ask(work)

    async def not_ready(self) -> list[str]:
        """What is missing until a delivery can be started."""
        name = keys.deployment_name(keys.DELIVER)
        try:
            known = await self._ask(lambda server: server.deployments(keys.DELIVER))
        except RequestError as error:
            return [error.message]
        return (
            [] if name in known else [f"the Prefect server has no deployment {keys.deployment(keys.DELIVER)}"]
        )

    def close(self) -> None:
        """Ask nothing more."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _ask(self, work: Callable[[Server], T]) -> T:
        if self._waiting >= MOST_WAITING:
            raise RequestError(503, "busy", "too many requests wait for the Prefect server", retry_after=5.0)
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, self._do, work)
        finally:
            self._waiting -= 1

    def _do(self, work: Callable[[Server], T]) -> T:
        try:
            return work(self._server())
        except RequestError:
            raise
        except MissingPartError as error:
            say(f"error: {error.message}")
            raise RequestError(503, "prefect", "the Prefect server lacks what a delivery needs") from error
        except TowpathError as error:
            say(f"error: {error.message}")
            message = "the Prefect server does not answer; ask again"
            raise RequestError(503, "prefect", message, retry_after=10.0) from error

    def _server(self) -> Server:
        server: Server | None = getattr(self._local, "server", None)
        if server is None:
            server = Server(PrefectApi(self._url, read_timeout=READ_TIMEOUT, retries=RETRIES))
            self._local.server = server
        return server

    def _delivery(
        self, run: Run, runs: list[Run], *, app: str = "", commit: str = "", new: bool = False
    ) -> Delivery:
        return Delivery(
            id=run.id,
            app=app or str(run.parameters.get("app", "")),
            commit=commit or str(run.parameters.get("revision", "")),
            state=state_of(runs),
            address=self._page(run),
            new=new,
            runs=tuple((each, self._page(each)) for each in runs),
        )

    def _page(self, run: Run) -> str:
        return f"{self._ui}/runs/flow-run/{run.id}"
