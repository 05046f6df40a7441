"""A local stack for tests: reused when it is up, brought up and taken away otherwise."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.ports import free_port
from towpath.local.common.layout import Layout
from towpath.local.common.ports import DEFAULT_PORTS, is_busy
from towpath.local.common.stack import Options, Stack
from towpath.local.lifecycle.processes import marked_processes
from towpath.local.lifecycle.status import ComponentStatus, status
from towpath.local.lifecycle.supervisor import Supervisor
from towpath.local.lifecycle.up import wait_until_ready
from towpath.local.parts.components import components
from towpath.settings import Settings

TOWPATH = Path(sys.executable).with_name("towpath")
PERSONAL = ("DOCKER_HOST", "KUBECONFIG", "PREFECT_API_URL", "TOWPATH_ENVIRONMENTS", "TOWPATH_HOME")
"""Variables of the person who runs the tests that must not decide which parts are tested."""


@dataclass(frozen=True)
class RunningStack:
    """Handles on a stack in `home`. `settings` is what the command line sees there."""

    home: Path

    @property
    def environ(self) -> Mapping[str, str]:
        kept = {name: value for name, value in os.environ.items() if name not in PERSONAL}
        return {**kept, "TOWPATH_HOME": str(self.home)}

    @property
    def settings(self) -> Settings:
        return Settings.load(self.environ)

    @property
    def layout(self) -> Layout:
        return Layout(self.settings.local)

    @property
    def stack(self) -> Stack:
        options = Options.load(self.layout) or Options(subnet=self.layout.subnet)
        return Stack(self.layout, options, self.settings)

    @property
    def registry(self) -> str:
        return self.stack.registry

    def is_up(self) -> bool:
        return self.layout.settings.exists() and Supervisor(self.stack).is_up()

    def towpath(self, *args: str, timeout: float = 900) -> subprocess.CompletedProcess[str]:
        """Run `towpath local …` as a person would, and return whatever came of it."""
        return subprocess.run(
            [TOWPATH, "local", *args],
            env=dict(self.environ),
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def up(self, *args: str) -> str:
        done = self.towpath("up", *args)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def down(self, *args: str) -> str:
        done = self.towpath("down", *args)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def interrupted_up(self, *args: str, begun: str) -> set[int]:
        """Begin `up`, and kill its supervisor as soon as the component `begun` runs; the processes left."""
        with subprocess.Popen(
            [TOWPATH, "local", "up", *args],
            env=dict(self.environ),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as process:
            while not self._runs(begun):
                assert process.poll() is None, f"`up` ended before {begun} ran"
                time.sleep(0.05)
            left = self.kill_supervisor()
            assert process.wait(120) == 1
        return left

    def _runs(self, name: str) -> bool:
        supervisor = Supervisor(self.stack)
        processes = supervisor.processes() if supervisor.is_up() else {}
        # Its environment is that of the supervisor until it has become another program.
        return name in processes and processes[name].pid in marked_processes(self.layout)

    def kill_supervisor(self) -> set[int]:
        """Kill the supervisor as a machine without memory does; the processes that it leaves."""
        os.kill(int((self.layout.run / "supervisord.pid").read_text()), signal.SIGKILL)
        return marked_processes(self.layout)

    def component(self, name: str) -> ComponentStatus:
        return next(one for one in status(self.stack) if one.name == name)

    def stop(self, name: str) -> None:
        """Stop one component."""
        Supervisor(self.stack).stop_process(name)

    def start(self, name: str) -> None:
        """Start one component, and return when it is ready."""
        supervisor = Supervisor(self.stack)
        supervisor.start_process(name)
        component = next(one for one in components(self.stack) if one.name == name)
        wait_until_ready(self.stack, component, supervisor, lambda _: None, threading.Event())


def free_ports() -> list[str]:
    """`--port` options: the default of each port where it is free, another free one elsewhere."""
    ports: dict[str, int] = {}
    for name, default in DEFAULT_PORTS.items():
        if is_busy(default):
            ports[name] = free_port(ports.values())
    return [word for name, port in ports.items() for word in ("--port", f"{name}={port}")]
