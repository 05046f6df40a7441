"""The agent's own process: the worker's event loop, the watcher's threads, the probes."""

import asyncio
import contextlib
import functools
import os
import signal
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import NoReturn
from uuid import UUID

from towpath.adapters.endpoint import Notice, Page, Response, serve
from towpath.adapters.kubernetes import LeaseClient, connect_lease
from towpath.adapters.metrics import Metrics
from towpath.agent.answering import Answering
from towpath.agent.children import Children
from towpath.agent.configuration import AgentConfiguration
from towpath.agent.image_poller import WatchedImages
from towpath.agent.leadership import Leadership
from towpath.agent.poller import Poller
from towpath.agent.source_poller import Sources, starter
from towpath.agent.watching import Watching
from towpath.errors import TerminalError, TowpathError
from towpath.fence import Fence
from towpath.orchestration.agent_worker import AgentWorker
from towpath.orchestration.api import PrefectApi
from towpath.orchestration.delivery.repository import publish_repository
from towpath.orchestration.execution import server_clock
from towpath.orchestration.execution.heartbeats import send_heartbeats, show_life
from towpath.orchestration.execution.left_lock import LeftLock
from towpath.orchestration.execution.left_runs import LeftRuns
from towpath.orchestration.execution.measured_runs import MeasuredRuns
from towpath.orchestration.installed_flows import flows_of
from towpath.orchestration.server import prepare
from towpath.progress import say
from towpath.redact import remember_environment_secrets
from towpath.settings import Settings

KILLED = 5.0
"""Seconds within which killed processes are known to have ended."""
RETRY = 5.0
"""Seconds until the worker starts again after the Prefect server refused it."""


def run_agent(
    configuration: AgentConfiguration,
    control: Connection,
    fence: Fence | None,
    lost: Callable[[TowpathError], NoReturn],
) -> None:
    """Poll, watch and answer until a signal, or until it cannot go on.

    With a `fence`, first wait until it leads. `lost` ends the process when it does not any more.
    """
    asyncio.run(_Agent(configuration, control, fence, lost).run())


class _Agent:
    def __init__(
        self,
        configuration: AgentConfiguration,
        control: Connection,
        fence: Fence | None,
        lost: Callable[[TowpathError], NoReturn],
    ) -> None:
        self._configuration, self._control = configuration, control
        self._fence, self._on_lost = fence, lost
        self._leadership: Leadership | None = None
        self._settings = Settings.load(os.environ)
        remember_environment_secrets(os.environ)
        self._url = prepare(self._settings)
        self._metrics = Metrics(configuration.environment or "build")
        self._metrics.runs.set_flows(flows_of(configuration.environment))
        self._worker: AgentWorker | None = None
        self._watching: Watching | None = None
        self._closed = threading.Event()

    async def run(self) -> None:
        """All of it, until it is to end."""
        loop = asyncio.get_running_loop()
        self._stop, self._lost, self._led = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._children = Children(self._control, self._lost)
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        if self._configuration.environment is not None:
            self._watching = Watching(
                self._settings,
                self._url,
                self._configuration.environment,
                self._metrics,
                agent=self._configuration.worker_name,
                interval=self._configuration.interval,
                publish=self._configuration.publish,
                ended=functools.partial(loop.call_soon_threadsafe, self._stop.set),
            )
            loop.add_signal_handler(signal.SIGHUP, self._watching.watcher.branch.notify)
        if self._fence is not None:
            self._leadership = Leadership(
                self._lease(),
                self._fence,
                self._configuration.lease_times,
                say,
                led=functools.partial(loop.call_soon_threadsafe, self._led.set),
                lost=self._on_lost,
            )
            self._metrics.set_leads(leads=False)
        answering = self._answer()
        server = serve(self._configuration.address, self._pages(), self._notice())
        say(f"metrics and probes at http://{server.server_address[0]!s}:{server.server_address[1]}")
        try:
            if await self._leads():
                await self._work()
        finally:
            if answering is not None:
                answering.cancel()
            await self._let_go()
            server.shutdown()
        if self._watching and self._watching.failure:
            raise self._watching.failure
        if self._lost.is_set():
            raise TerminalError("the preloaded process has ended, so nothing can be run")
        say("stopped")

    def _answer(self) -> "asyncio.Task[None] | None":
        """Show whoever asks that this pod works: from now on, also while it stands by, until its end."""
        if self._fence is None or self._configuration.environment is None:
            return None
        answering = Answering(self._url, self._configuration.environment, self._children.fork_canary)
        return asyncio.create_task(answering.keep())

    def _lease(self) -> LeaseClient:
        configuration = self._configuration
        where, name = configuration.lease_namespace, configuration.lease_name
        return connect_lease(self._settings.connection, where, name, configuration.lease_times.answer)

    async def _leads(self) -> bool:
        """Whether it is to work: at once, or once it leads. False: it was told to stop before."""
        if self._leadership is None:
            return True
        self._leadership.start()
        waits = [asyncio.create_task(event.wait()) for event in (self._led, self._stop, self._lost)]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for task in waits:
            task.cancel()
        if self._stop.is_set() or self._lost.is_set():
            return False
        self._metrics.set_leads(leads=True)
        return True

    async def _let_go(self) -> None:
        """Let another agent lead: at once if nothing is under way any more."""
        if self._leadership is None:
            return
        for child in self._children.running.values():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
        until = asyncio.get_running_loop().time() + KILLED
        while self._children.running and asyncio.get_running_loop().time() < until:
            await asyncio.sleep(0.05)
        over = self._watching is None or self._watching.is_over
        await asyncio.to_thread(self._leadership.end, quiet=over and not self._children.running)

    async def _work(self) -> None:
        if self._watching:
            self._watching.start()
        else:
            start = starter(self._url, say)
            kinds = (Sources(self._settings, start), WatchedImages(start, say))
            poller = Poller(self._settings, kinds, say, interval=self._configuration.interval)
            threading.Thread(target=poller.keep, args=(self._closed,), name="poller", daemon=True).start()
        polling = asyncio.create_task(self._poll())
        pool, name = self._configuration.pool, self._configuration.worker_name
        signs = [
            asyncio.create_task(send_heartbeats(lambda: list(self._children.running))),
            asyncio.create_task(server_clock.tell(say)),
            asyncio.create_task(show_life(pool, name, lambda: bool(self._mine()))),
        ]
        if self._configuration.environment is not None:
            lock = LeftLock(self._configuration.environment)
            signs.append(asyncio.create_task(lock.keep_looking(say)))
        ends = [asyncio.create_task(event.wait()) for event in (self._stop, self._lost)]
        await asyncio.wait([polling, *ends], return_when=asyncio.FIRST_COMPLETED)
        await self._drain()
        for task in (polling, *signs, *ends):
            task.cancel()
        await asyncio.gather(polling, *signs, *ends, return_exceptions=True)

    async def _drain(self) -> None:
        """Begin nothing new; what is under way has the grace to come to its end."""
        self._closed.set()
        if self._worker:
            self._worker.draining = True
        watching = asyncio.create_task(asyncio.to_thread(self._watching.stop)) if self._watching else None
        until = asyncio.get_running_loop().time() + self._configuration.grace
        if self._children.running:
            say(f"{len(self._children.running)} flow runs have {self._configuration.grace:.0f} s to end")
        while self._children.running and asyncio.get_running_loop().time() < until:
            await asyncio.sleep(0.1)
        if watching:
            await watching

    async def _poll(self) -> None:
        """Keep a worker, and a new one when the server did not take it."""
        left = LeftRuns(self._configuration.environment, self._configuration.worker_name, self._mine)
        others: asyncio.Task[None] | None = None
        while True:
            try:
                if others is None:
                    await asyncio.to_thread(self._publish_repository)
                    for line in await left.take_up_own():
                        say(line)
                    others = asyncio.create_task(left.keep_looking(say))
                self._worker = AgentWorker(
                    self._configuration.pool,
                    name=left.name,
                    limit=self._configuration.limit,
                    create_pool_if_not_found=False,
                )
                self._worker.fork = self._children.fork
                self._worker.measured = MeasuredRuns(self._metrics.runs)
                await self._worker.start(printer=say)
            except Exception as error:  # noqa: BLE001 - the watcher goes on; the worker tries again
                say(f"the worker of pool {self._configuration.pool} begins again: {error}")
                await asyncio.sleep(RETRY)

    def _mine(self) -> set[UUID]:
        """The flow runs that this agent works on, or is about to."""
        watched = self._watching.current if self._watching else ""
        taken = self._worker.taken if self._worker else set()
        return taken | {UUID(run) for run in (*self._children.running, watched) if run}

    def _publish_repository(self) -> None:
        """Say at the Prefect server which repository runs are about; verbs compare before they start any."""
        settings, api = self._settings, PrefectApi(self._url, read_timeout=10.0, retries=1)
        try:
            publish_repository(
                api,
                self._configuration.environment,
                settings.environments_url(),
                settings.branch,
                self._configuration.addresses,
            )
        except TowpathError as error:  # it can work without
            say(f"the environment repository is not published: {error.message}")
        finally:
            api.close()

    def _notice(self) -> Notice | None:
        token = self._configuration.notify_token
        if not token or self._watching is None:
            return None
        return Notice("/notify", token, self._watching.watcher.branch.notify, self._standby)

    def _standby(self) -> str:
        """Why it does not work; empty when it does."""
        stands_by = self._leadership is not None and not self._leadership.leads
        return self._leadership.summary() if self._leadership and stands_by else ""

    def _pages(self) -> dict[str, Page]:
        """What answers to GET."""
        return {
            "/metrics": lambda: Response(self._metrics.text(), content_type=self._metrics.content_type),
            "/readyz": _page(self.not_ready, 503, self._who_leads),
            "/healthz": _page(self.not_alive, 500, self._who_leads),
        }

    def not_ready(self) -> list[str]:
        """What is missing until every change is seen and every run is taken.

        Nothing is missing of a standby that could lead: Kubernetes counts it as there.
        """
        if self._leadership is not None and not self._leadership.leads:
            return [self._leadership.trouble] if self._leadership.trouble else []
        missing = self._watching.watcher.not_ready() if self._watching else []
        if self._worker is None or not self._worker.has_synced:
            missing = [*missing, f"the Prefect server does not know the worker of {self._configuration.pool}"]
        return missing

    def not_alive(self) -> list[str]:
        """Why it should be started anew."""
        if self._leadership is not None and (stuck := self._leadership.not_alive()):
            return stuck
        if self._standby():
            return []
        if self._watching and not self._watching.watcher.alive():
            return ["the watcher does not turn any more"]
        return []

    def _who_leads(self) -> str:
        return f"{self._leadership.summary()}\n" if self._leadership else ""


def _page(missing: Callable[[], list[str]], status: int, more: Callable[[], str]) -> Page:
    def page() -> Response:
        lines = missing()
        return Response("\n".join(lines) + "\n", status) if lines else Response(f"ok\n{more()}")

    return page
