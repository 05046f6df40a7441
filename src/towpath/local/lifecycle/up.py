"""`towpath local up`: starts missing parts in order of dependency, and waits until each is ready."""

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

from towpath.errors import MissingPartError, TerminalError, TowpathError, TransientError
from towpath.local.common.files import read_json, write_json
from towpath.local.common.ports import refuse_busy
from towpath.local.common.stack import NODE, Stack
from towpath.local.lifecycle import down, logs
from towpath.local.lifecycle.processes import container_processes, marked_processes
from towpath.local.lifecycle.steps import SetupStep, setup_steps
from towpath.local.lifecycle.supervisor import GONE, Supervisor
from towpath.local.parts import agent_keys, certificates, configuration
from towpath.local.parts.component import Component
from towpath.local.parts.components import components
from towpath.local.users import ownership
from towpath.progress import Progress

_THREADS = 24


@dataclass(frozen=True, slots=True)
class Started:
    """Seconds that each component or step took; empty when everything was running already."""

    seconds: Mapping[str, float]


def up(stack: Stack, progress: Progress) -> Started:
    """Start the stack. The caller holds the lock; options are complete and programs are installed."""
    supervisor = Supervisor(stack)
    stack.layout.create()
    if not supervisor.is_up():
        # Processes that a killed supervisor left would hold the ports without supervision.
        if marked_processes(stack.layout) or container_processes(stack.layout):
            with progress.step("end what an earlier stack left behind"):
                down.sweep(stack.layout)
        refuse_busy({name: stack.port(name) for component in components(stack) for name in component.ports})
    stack.options.save(stack.layout)
    if stack.own_cluster:
        service = stack.service_range.replace(".0/24", ".1")
        pki = stack.layout.credentials / "pki"
        certificates.ensure_certificates(pki, certificates.subjects(NODE, stack.gateway, service))
    agent_keys.ensure_keys(stack)
    configuration.write_configuration(stack)
    table = components(stack)
    for component in table:
        for key in ("HOME", "PREFECT_HOME"):
            if key in component.environment:
                _folder(component.environment[key])
    ownership.hand_over(stack)
    supervisor.start(table)
    seconds = _run_graph(stack, table, setup_steps(stack), progress)
    write_json(stack.layout.settings, stack.variables())
    return Started(seconds)


def _folder(path: str) -> None:
    from pathlib import Path

    Path(path).mkdir(parents=True, exist_ok=True, mode=0o700)


def _run_graph(
    stack: Stack, table: tuple[Component, ...], steps: tuple[SetupStep, ...], progress: Progress
) -> dict[str, float]:
    """Start each component and step as soon as its needs are ready; independent ones run in parallel."""
    done_file = stack.layout.run / "steps.json"
    done: dict[str, str] = read_json(done_file) or {}
    seconds: dict[str, float] = {}
    waiting: dict[str, tuple[tuple[str, ...], Callable[[], bool]]] = {}
    stopped = threading.Event()  # set when one has failed: the others stop waiting
    for component in table:
        waiting[component.name] = (component.needs, _start_action(stack, component, progress, stopped))
    for step in steps:
        waiting[step.name] = (step.needs, _step_action(stack, step, done, progress, stopped))
    names = set(waiting)
    ready: set[str] = set()
    running: dict[Future[bool], tuple[str, float]] = {}
    pool = ThreadPoolExecutor(max_workers=_THREADS)
    try:
        while waiting or running:
            for name, (needs, action) in list(waiting.items()):
                if all(need in ready or need not in names for need in needs):
                    del waiting[name]
                    running[pool.submit(action)] = (name, time.monotonic())
            finished, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in finished:
                name, begin = running.pop(future)
                if future.result():
                    seconds[name] = time.monotonic() - begin
                    write_json(done_file, done)
                ready.add(name)
    finally:
        stopped.set()
        pool.shutdown(cancel_futures=True)
    return seconds


def _step_action(
    stack: Stack, setup_step: SetupStep, done: dict[str, str], progress: Progress, stopped: threading.Event
) -> Callable[[], bool]:
    def act() -> bool:
        key = setup_step.key(stack)
        if done.get(setup_step.name) == key:
            return False
        with progress.step(setup_step.name):
            _retry(lambda: setup_step.do(stack), stopped)
        done[setup_step.name] = key
        return True

    return act


def _retry(action: Callable[[], None], stopped: threading.Event, within: float = 30.0) -> None:
    """Repeat after a TransientError, for `within` seconds: a server just started may still refuse."""
    deadline = time.monotonic() + within
    while True:
        try:
            return action()
        except TransientError:
            if time.monotonic() > deadline or stopped.wait(0.3):
                raise


def _start_action(
    stack: Stack, component: Component, progress: Progress, stopped: threading.Event
) -> Callable[[], bool]:
    def act() -> bool:
        supervisor = Supervisor(stack)
        process = supervisor.processes().get(component.name)
        if process and process.pid:
            try:
                component.ready(stack)
            except TransientError:
                pass
            else:
                return False
        with progress.step(component.name) as step:
            if process is None or process.state in GONE:
                supervisor.start_process(component.name)
            wait_until_ready(stack, component, supervisor, step.note, stopped)
        return True

    return act


def wait_until_ready(
    stack: Stack,
    component: Component,
    supervisor: Supervisor,
    note: Callable[[str], None],
    stopped: threading.Event,
) -> None:
    """Check until the component is ready or `stopped` is set.

    Raises TerminalError with the end of its log when the component dies or is late, and TransientError once
    `stopped` is set.
    """
    deadline = time.monotonic() + component.ready_within
    pause = 0.05
    while True:
        process = supervisor.processes().get(component.name)
        if process is None or process.state in GONE:
            raise _start_failure(stack, component, "ended again and again" if process else "is not known")
        try:
            if process.pid:
                component.ready(stack)
                return
            note("waiting for its start")
        except TransientError as error:
            note(error.message)
            if time.monotonic() > deadline:
                reason = f"is not ready after {component.ready_within:g} s: {error.message}"
                raise _start_failure(stack, component, reason) from error
        if stopped.wait(pause):
            raise TransientError("another part failed")
        pause = min(pause * 1.3, 0.4)


def _start_failure(stack: Stack, component: Component, reason: str) -> TowpathError:
    ending = logs.tail(stack.layout, component.name, 20)
    shown = f". The last lines of its log:\n{ending}" if ending else " and wrote no log"
    return TerminalError(
        f"{component.name} {reason}{shown}",
        remedy=f"`towpath local logs {component.name}` shows all of it; `towpath local up` tries again.",
    )


def refuse_impossible(stack: Stack, system: str, uid: int) -> None:
    """Raise MissingPartError when this machine cannot run the parts that are not used from outside."""
    parts = [
        name
        for name, own in (("a one-node Kubernetes", stack.own_cluster), ("a Docker Engine", stack.own_engine))
        if own
    ]
    reason = f"needs Linux, not {system}" if system != "Linux" else "needs root" if uid != 0 else None
    if parts and reason:
        raise MissingPartError(
            f"running {' and '.join(parts)} {reason}",
            remedy=("Run it as root, or bring" if system == "Linux" else "Bring")
            + " your own: a cluster by KUBECONFIG, a Docker Engine by DOCKER_HOST.",
        )
