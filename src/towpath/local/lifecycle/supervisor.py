"""Controls supervisord (the `supervisor` package), which starts, restarts and stops the components."""

import resource
import shlex
import time
import xmlrpc.client
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from towpath.adapters.process import run
from towpath.errors import TransientError
from towpath.local.common.files import write_private
from towpath.local.common.http import request
from towpath.local.common.stack import SYSTEM_PATH, Stack
from towpath.local.lifecycle.processes import MARK
from towpath.local.parts.component import Component

LOG_BYTES = 10 * 1024 * 1024
"""Size at which a component's log is rotated; two rotated logs are kept."""
RETRIES = 3
"""How often a component that ends within STEADY seconds is started again."""
STEADY = 5
_FREE_PORTS = 1024
_ANSWER = 60.0
"""Seconds; stopping a component waits for its end."""
GONE = ("FATAL", "EXITED", "STOPPED", "UNKNOWN")
"""States in which supervisord will not start a component by itself."""


@dataclass(frozen=True, slots=True)
class Process:
    """A component's process. `state` is supervisord's word; `since` is the Unix time of the last start."""

    name: str
    state: str
    pid: int
    since: float
    message: str


def render(stack: Stack, components: Iterable[Component]) -> str:
    """supervisord's configuration file. Nothing starts automatically: `up` starts components in order."""
    run_, log = stack.layout.run, stack.layout.log
    sections = [
        "[unix_http_server]",
        f"file = {_text(str(stack.layout.socket('supervisor')))}",
        "chmod = 0600",
        "[supervisord]",
        f"logfile = {_text(str(log / 'supervisord.log'))}",
        f"logfile_maxbytes = {LOG_BYTES}",
        "logfile_backups = 1",
        f"pidfile = {_text(str(run_ / 'supervisord.pid'))}",
        f"directory = {_text(str(stack.layout.root))}",
        f"minfds = {_open_files()}",
        "identifier = towpath",
        "nocleanup = true",
        "[rpcinterface:supervisor]",
        "supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface",
    ]
    for component in components:
        path = log / f"{component.name}.log"
        sections += [
            f"[program:{component.name}]",
            f"command = {_text(shlex.join(component.command))}",
            f"environment = {_environment(component)}",
            *([f"directory = {_text(component.directory)}"] if component.directory else []),
            *([f"user = {user}"] if (user := user_of(stack, component)) else []),
            "autostart = false",
            "autorestart = true",
            f"startretries = {RETRIES}",
            f"startsecs = {STEADY}",
            f"stopwaitsecs = {component.stop_within}",
            "stopasgroup = true",
            "killasgroup = true",
            "redirect_stderr = true",
            f"stdout_logfile = {_text(str(path))}",
            f"stdout_logfile_maxbytes = {LOG_BYTES}",
            "stdout_logfile_backups = 2",
        ]
    return "\n".join(sections) + "\n"


def user_of(stack: Stack, component: Component) -> str | None:
    """The user that it runs as; None: the one that starts the stack. Only root may take a port below 1024."""
    if component.role is None or any(stack.port(name) < _FREE_PORTS for name in component.ports):
        return None
    return stack.user(component.role)


def _environment(component: Component) -> str:
    pairs = sorted(component.environment.items())
    for name, value in pairs:
        if '"' in value or "\n" in value:
            raise ValueError(f"{component.name}: variable {name} cannot be handed on: {value!r}")
    return ",".join(f'{name}="{_text(value)}"' for name, value in pairs)


def _text(value: str) -> str:
    """Escape a value: supervisord expands `%(…)s` and reads ` ;` as the start of a comment."""
    return value.replace("%", "%%").replace(" ;", " \\;")


def _open_files() -> int:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 65536 if hard == resource.RLIM_INFINITY else min(hard, 65536)


class Supervisor:
    """One stack's supervisord, asked by XML-RPC over its Unix socket."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._configuration = stack.layout.run / "supervisord.conf"
        self._url = f"unix://{stack.layout.socket('supervisor')}:/RPC2"

    def is_up(self) -> bool:
        """Whether supervisord answers."""
        try:
            self._call("getState")
        except TransientError:
            return False
        return True

    def start(self, components: Iterable[Component]) -> None:
        """Start supervisord with these components, or update a running one. Raises TransientError."""
        text = render(self._stack, components)
        if self.is_up():
            if not self._configuration.exists() or self._configuration.read_text() != text:
                write_private(self._configuration, text)
                self._update()
            return
        write_private(self._configuration, text)
        run(
            [self._stack.python, "-m", "supervisor.supervisord", "-c", self._configuration],
            env={
                "PATH": f"{self._stack.settings.tools}:{SYSTEM_PATH}",
                "HOME": str(self._stack.layout.data / "home"),
                "LANG": "C.UTF-8",
                MARK: str(self._stack.layout.root),
            },
            timeout=30.0,
        )
        deadline = time.monotonic() + 10.0
        while not self.is_up():
            if time.monotonic() > deadline:
                raise TransientError(
                    "supervisord does not answer",
                    remedy=f"Its log: {self._stack.layout.log / 'supervisord.log'}.",
                )
            time.sleep(0.02)

    def _update(self) -> None:
        """Replace the components that changed, as `supervisorctl update` does."""
        [[added, changed, removed]] = self._call("reloadConfig")
        for name in (*changed, *removed):
            self._call("stopProcessGroup", name)
            self._call("removeProcessGroup", name)
        for name in (*added, *changed):
            self._call("addProcessGroup", name)

    def processes(self) -> dict[str, Process]:
        """Every component that supervisord knows, by name."""
        return {
            info["name"]: Process(
                info["name"],
                info["statename"],
                info["pid"],
                float(info["start"]),
                info["spawnerr"] or info["description"],
            )
            for info in self._call("getAllProcessInfo")
        }

    def start_process(self, name: str) -> None:
        """Start one component, without waiting for it."""
        try:
            self._call("startProcess", name, False)
        except xmlrpc.client.Fault as fault:
            if "ALREADY_STARTED" not in fault.faultString:
                raise

    def stop_process(self, name: str) -> None:
        """Stop one component and wait for its end; supervisord kills it after its `stop_within` seconds."""
        try:
            self._call("stopProcess", name, True)
        except xmlrpc.client.Fault as fault:
            if not any(word in fault.faultString for word in ("NOT_RUNNING", "BAD_NAME")):
                raise

    def shutdown(self) -> None:
        """End supervisord and all that it runs; returns at once."""
        self._call("shutdown")

    def _call(self, method: str, *arguments: Any) -> Any:
        """TransientError when it does not answer; xmlrpc.client.Fault when it refuses."""
        body = xmlrpc.client.dumps(arguments, f"supervisor.{method}").encode()
        reply = request("POST", self._url, body, content_type="text/xml", timeout=_ANSWER)
        if not reply.ok:
            raise TransientError(f"supervisord answered {method} with {reply.status}")
        (result,), _ = xmlrpc.client.loads(reply.body.decode())
        return result
