"""A Prefect worker of a type of our own: each flow run is a child that the agent's preloaded process forks.

Command, environment variables, folder and entrypoint of a deployment or of a run are not obeyed: a run brings
its id, and the child looks up its flow's name and parameters.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import anyio
import anyio.abc
from prefect.client.schemas.objects import FlowRun
from prefect.exceptions import ObjectNotFound
from prefect.runner._flow_run_executor import FlowRunExecutorContext
from prefect.runner._process_manager import ProcessHandle, create_isolated_termination_scope
from prefect.utilities.slugify import slugify
from prefect.workers.base import BaseJobConfiguration, BaseVariables, BaseWorker, BaseWorkerResult

from towpath.orchestration.execution import server_clock
from towpath.orchestration.execution.announcements import listen
from towpath.orchestration.execution.known_run import dump_known
from towpath.orchestration.execution.left_runs import release_lease
from towpath.orchestration.execution.measured_runs import MeasuredRun, MeasuredRuns, due
from towpath.orchestration.keys import POOL_TEMPLATE, POOL_TYPE

if TYPE_CHECKING:
    from prefect.client.orchestration import PrefectClient
    from prefect.client.schemas.objects import State, WorkPool
    from prefect.client.schemas.responses import WorkerFlowRunResponse
    from prefect.runner._control_channel import ControlChannel


LASTS = 1.0
"""Seconds after which a run is no short one."""
INSIST = 3.0
"""Seconds after which a killed run is looked at again: by then the server has done what it was asked."""


class Child:
    """A forked flow run, as Prefect's process manager looks at one. `returncode` is None while it runs.

    `peak`: its most resident memory in bytes, once it has ended.
    """

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self.peak = 0
        self.ended = anyio.Event()


Fork = Callable[[str, Mapping[str, str], str], Awaitable[Child]]
"""Forks the child of a flow run's id, with further environment variables and what is known of the run."""


class JobConfiguration(BaseJobConfiguration):
    """Nothing: there is nothing to configure."""

    @classmethod
    def _base_environment(cls) -> dict[str, str]:
        """Nothing: a child has the agent's settings. To write all of them as text takes 0.1 s."""
        return {}

    @classmethod
    async def resolve_for_flow_run(
        cls,
        flow_run: FlowRun,
        client: "PrefectClient",  # noqa: ARG003
        work_pool: "WorkPool",
        worker_name: str,
        worker_id: UUID | None = None,
        **_more: Any,
    ) -> "JobConfiguration":
        """The same for every run, whatever it and its deployment ask for."""
        configuration = cls()
        configuration.prepare_for_flow_run(
            flow_run, work_pool=work_pool, worker_name=worker_name, worker_id=worker_id
        )
        return configuration


class Result(BaseWorkerResult):
    """How the child ended."""


class AgentWorker(BaseWorker[JobConfiguration, BaseVariables, Result]):
    """Polls one work pool. It runs as a part of `towpath agent` only, which gives it `fork`, `measured`."""

    type = POOL_TYPE
    job_configuration = JobConfiguration
    _display_name = "Towpath agent"
    _description = "Runs Towpath's own flows in `towpath agent`, and nothing else."
    fork: Fork | None = None
    measured: MeasuredRuns | None = None
    draining = False
    _listening = False
    _waiting = 0

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.taken: set[UUID] = set()
        """Runs that it has claimed, from before the claim until their end."""

    @classmethod
    def get_default_base_job_template(cls) -> dict[str, Any]:
        """The closed template."""
        return dict(POOL_TEMPLATE)

    @property
    def has_synced(self) -> bool:
        """Whether the server knows it, and its pool is there."""
        return self.is_setup and self._has_successfully_synced

    async def setup(self) -> None:
        """As Prefect's, and one context for the cancellation of all runs."""
        self._looking = asyncio.Lock()
        await super().setup()
        self.runs = await self._exit_stack.enter_async_context(FlowRunExecutorContext())

    async def get_and_submit_flow_runs(self) -> list[FlowRun]:
        """As Prefect's, one at a time. Nothing new once the agent is to end."""
        async with self._looking:
            return [] if self.draining else await super().get_and_submit_flow_runs()

    async def _get_scheduled_flow_runs(self) -> "list[WorkerFlowRunResponse]":
        """As Prefect's, by the clock of the server, which dates the runs."""
        until = server_clock.now() + timedelta(seconds=int(self._prefetch_seconds))
        try:
            return await self.client.get_scheduled_flow_runs_for_work_pool(
                self._work_pool_name, work_queue_names=list(self._work_queues), scheduled_before=until
            )
        except ObjectNotFound:  # the pool is not there any more: Prefect's look at it tells
            return []

    async def _submit_scheduled_flow_runs(
        self, flow_run_response: "list[WorkerFlowRunResponse]"
    ) -> list[FlowRun]:
        """As Prefect's; what found no slot is counted, and taken as soon as one is free."""
        taken = await super()._submit_scheduled_flow_runs(flow_run_response)
        begun = {run.id for run in taken}
        self.taken |= begun
        left = [entry.flow_run for entry in flow_run_response if entry.flow_run.id not in begun]
        self._waiting = due(left, server_clock.now())
        if self.measured is not None:
            self.measured.metrics.waiting(self._waiting)
        return taken

    async def _give_worker_labels_to_flow_run(self, flow_run_id: UUID) -> None:
        """As Prefect's, beside the start of the run."""
        if self._runs_task_group is not None:
            self._runs_task_group.start_soon(self._label, flow_run_id)

    async def _label(self, flow_run_id: UUID) -> None:
        try:
            await super()._give_worker_labels_to_flow_run(flow_run_id)
        except Exception as error:  # noqa: BLE001 - Prefect raises many kinds, and the run goes on
            self._logger.debug("%s was not labelled: %s", flow_run_id, error)

    async def _submit_run(self, flow_run: FlowRun) -> None:
        """As Prefect's, which asks for the deployment first: its child refuses a run that is not ours."""
        try:
            if self._runs_task_group is not None and await self._propose_pending_state(flow_run):
                await self._runs_task_group.start(self._submit_run_and_capture_errors, flow_run)
            else:
                self._release_limit_slot(flow_run.id)
        finally:
            self._submitting_flow_run_ids.discard(flow_run.id)
            if self._cancelling_observer is not None:
                self._cancelling_observer.remove_in_flight_flow_run_id(flow_run.id)

    async def _note_process(self, flow_run_id: UUID, child: Child) -> None:
        """Write down the process of a run that lasts, for people: whoever cancels it does not need it."""
        await asyncio.sleep(LASTS)
        if child.returncode is not None:
            return
        try:
            await self.client.update_flow_run(flow_run_id, infrastructure_pid=str(child.pid))
        except Exception as error:  # noqa: BLE001 - Prefect raises many kinds, and the run goes on
            self._logger.debug("the process of %s was not written down: %s", flow_run_id, error)

    def get_name_slug(self) -> str:
        """As Prefect's for a name in ASCII; other letters stay, which Prefect looks up in a table of 4 MB."""
        return slugify(self.name, allow_unicode=True)

    async def _worker_metadata(self) -> None:
        """Nothing: to find Prefect's integrations imports each, and reads the metadata of all packages."""

    def _emit_flow_run_submitted_event(self, configuration: BaseJobConfiguration) -> None:
        """Nothing: the run's states tell."""

    async def _propose_submitting_state(self, flow_run: FlowRun) -> None:
        """Nothing: a child is forked at once, and says that it runs."""

    def _release_limit_slot(self, flow_run_id: UUID) -> None:
        """As Prefect's, which would look for the next run at its next poll only."""
        super()._release_limit_slot(flow_run_id)
        self.taken.discard(flow_run_id)
        if self._waiting and not self.draining and self._runs_task_group is not None:
            self._runs_task_group.start_soon(self.get_and_submit_flow_runs)

    async def _initialize_after_sync(self) -> None:
        """As Prefect's; the pool is known now, so that its runs can be listened for."""
        await super()._initialize_after_sync()
        if self._work_pool is not None and not self._listening and self._runs_task_group is not None:
            self._listening = True
            self._runs_task_group.start_soon(listen, self._work_pool.id, self.get_and_submit_flow_runs)

    async def run(
        self,
        flow_run: FlowRun,
        configuration: JobConfiguration,  # noqa: ARG002 - Prefect's
        task_status: anyio.abc.TaskStatus[int] | None = None,
    ) -> Result:
        """Fork the child of a flow run, and wait for its end."""
        if self.measured is None:
            raise RuntimeError("flow runs of this pool are run by `towpath agent`")
        measured = self.measured.of(self.client, flow_run)
        starter = _ForkStarter(self._fork_noted, self.runs.control_channel, measured)
        executor = self.runs.create_executor(
            flow_run, starter, hook_runner=_NoHooks(), propose_submitting=False
        )
        started: list[ProcessHandle] = []

        class Status:
            """Passes on the process's id."""

            def started(self, handle: ProcessHandle) -> None:
                started.append(handle)
                if task_status is not None:
                    task_status.started(handle.pid or 0)

        done = await executor.submit(task_status=Status())  # type: ignore[arg-type]
        last = await measured.conclude()
        if done is None or done.status_code is None:
            raise RuntimeError("the flow run could not be started")
        if done.status_code != 0 and last is not None:  # killed, perhaps with its environment's lock
            await release_lease(self.client, last.labels)
            if self._runs_task_group is not None:
                self._runs_task_group.start_soon(self._insist, flow_run)
        return Result(status_code=done.status_code, identifier=str(done.handle.pid))

    async def _fork_noted(self, run: str, environ: Mapping[str, str], known: str) -> Child:
        if self.fork is None:
            raise RuntimeError("flow runs of this pool are run by `towpath agent`")
        child = await self.fork(run, environ, known)
        if self._runs_task_group is not None:
            self._runs_task_group.start_soon(self._note_process, UUID(run), child)
        return child

    async def _insist(self, flow_run: FlowRun) -> None:
        """Say again that a killed run has crashed, where what it had asked for just before came in last."""
        await asyncio.sleep(INSIST)
        try:
            last = await self.client.read_flow_run(flow_run.id)
            if last.state is not None and last.state.is_running() and flow_run.id not in self.taken:
                await self._propose_crashed_state(flow_run, "Its process was killed.")
        except Exception as error:  # noqa: BLE001 - Prefect raises many kinds, and other runs go on
            self._logger.debug("%s may still be running to the server: %s", flow_run.id, error)


class _ForkStarter:
    """Prefect's protocol for what starts a run's process."""

    def __init__(self, fork: Fork, channel: "ControlChannel", measured: MeasuredRun) -> None:
        self._fork, self._channel, self._measured = fork, channel, measured

    async def start(
        self, flow_run: FlowRun, task_status: anyio.abc.TaskStatus[ProcessHandle] = anyio.TASK_STATUS_IGNORED
    ) -> None:
        environ = {}
        try:
            port, token = self._channel.register(flow_run.id)
            environ = {"PREFECT__CONTROL_PORT": str(port), "PREFECT__CONTROL_TOKEN": token}
        except RuntimeError:
            pass  # no loopback: a cancelled run is then killed without a word
        try:
            known = dump_known(await self._measured.flow(), flow_run)
            child = await self._fork(str(flow_run.id), environ, known)
        except BaseException:
            self._channel.unregister(flow_run.id)
            raise
        scope = create_isolated_termination_scope(child.pid)
        task_status.started(ProcessHandle(child, scope))  # type: ignore[arg-type]
        await self._measured.started()
        await child.ended.wait()
        self._measured.ended(child.peak, self._channel.get_conclusion(flow_run.id))


class _NoHooks:
    """Our flows have no hooks: nothing is run in the agent's own process."""

    async def run_cancellation_hooks(self, _flow_run: FlowRun, _state: "State[Any]") -> None:
        return

    async def run_crashed_hooks(self, _flow_run: FlowRun, _state: "State[Any]") -> None:
        return
