"""The status of every component: process, uptime, memory, readiness."""

import re
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass

from towpath.errors import TransientError
from towpath.local.common.layout import Layout
from towpath.local.common.stack import Stack
from towpath.local.lifecycle import logs
from towpath.local.lifecycle.processes import children_by_parent, forked_agents, memory
from towpath.local.lifecycle.supervisor import Process, Supervisor
from towpath.local.parts.component import Component
from towpath.local.parts.components import components
from towpath.local.parts.delivery import FORK_SERVER

RECENT = 600.0
"""Seconds during which a component's death is reported."""
_EXIT = re.compile(r"^(\S+ \S+),\d+ \w+ exited: (\S+) \((.*)\)$")


@dataclass(frozen=True, slots=True)
class Death:
    """A component ended by itself at Unix time `at`; `how` is supervisord's text."""

    component: str
    at: float
    how: str


@dataclass(frozen=True, slots=True)
class ComponentStatus:
    """`state` is supervisord's word, `memory` is in bytes (PSS) with all descendants, `uptime` in seconds.

    `problem` says why the component is not ready; `died` counts how often it ended by itself in this boot.
    """

    name: str
    what: str
    state: str
    pid: int | None
    ports: tuple[int, ...]
    memory: int | None
    uptime: float | None
    ready: bool
    problem: str
    died: int
    last_death: Death | None

    def to_json(self) -> dict[str, object]:
        """For `--output json`."""
        return asdict(self)


def status(stack: Stack) -> tuple[ComponentStatus, ...]:
    """The status of every component, queried in parallel."""
    try:
        processes = Supervisor(stack).processes()
    except TransientError:
        processes = {}
    ended, family = deaths(stack.layout), children_by_parent()
    with ThreadPoolExecutor(max_workers=16) as pool:
        return tuple(
            pool.map(
                lambda component: _status(stack, component, processes, ended, family),
                components(stack),
            )
        )


def _status(
    stack: Stack,
    component: Component,
    processes: Mapping[str, Process],
    ended: tuple[Death, ...],
    family: Mapping[int, Sequence[int]],
) -> ComponentStatus:
    process = processes.get(component.name)
    component_deaths = [death for death in ended if death.component == component.name]
    pid = process.pid if process and process.pid else None
    problem = ""
    if pid is None:
        problem = "does not run"
    else:
        try:
            component.ready(stack)
        except TransientError as error:
            problem = error.message
    return ComponentStatus(
        name=component.name,
        what=component.purpose,
        state=process.state if process else "STOPPED",
        pid=pid,
        ports=tuple(stack.port(name) for name in component.ports),
        memory=_memory(component.name, pid, processes, family) if pid else None,
        uptime=time.time() - process.since if process and pid else None,
        ready=not problem,
        problem=problem,
        died=len(component_deaths),
        last_death=component_deaths[-1] if component_deaths else None,
    )


def _memory(
    name: str, pid: int, processes: Mapping[str, Process], family: Mapping[int, Sequence[int]]
) -> int:
    """An agent's memory is that of its launcher and of what the fork server has forked for it."""
    server = processes.get(FORK_SERVER)
    agents = forked_agents(server.pid, family) if server and server.pid else {}
    if name == FORK_SERVER:
        return memory([pid], {})
    return memory([pid, *([agents[name]] if name in agents else [])], family)


def deaths(layout: Layout) -> tuple[Death, ...]:
    """Components that ended by themselves since the supervisor started, from its log."""
    log = layout.log / "supervisord.log"
    ended: list[Death] = []
    for line in logs.last_lines(log, 2000) if log.exists() else ():
        if "supervisord started with pid" in line:
            ended = []
        if match := _EXIT.match(line):
            at = time.mktime(time.strptime(match[1], "%Y-%m-%d %H:%M:%S"))
            ended.append(Death(match[2], at, match[3].removesuffix("; not expected")))
    return tuple(ended)


def recent_deaths(statuses: tuple[ComponentStatus, ...], now: float) -> tuple[ComponentStatus, ...]:
    """Components that are not ready, or ended by themselves within RECENT seconds before `now`."""
    return tuple(
        component
        for component in statuses
        if not component.ready
        or (component.last_death is not None and now - component.last_death.at < RECENT)
    )
