"""Agents of tests, forked from a preloaded process as on the local stack: most of a start are imports."""

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import towpath

LAUNCH = Path(towpath.__file__).with_name("agent") / "launch.py"
OWN = ("HOME", "KUBECONFIG", "TOWPATH_CACHE", "TOWPATH_ENVIRONMENTS", "TOWPATH_HOME")
"""Variables that each agent has for itself."""


class AgentForks:
    """Forks agents; its preloaded process starts with the first of them. One for each worker of pytest."""

    def __init__(self) -> None:
        self._held = contextlib.ExitStack()
        self._process: subprocess.Popen[bytes] | None = None
        self._socket = Path()

    def command(self, variables: Mapping[str, str]) -> tuple[str, ...]:
        """What is run in place of `towpath`, with the variables of the agent."""
        if self._process is None or self._process.poll() is not None:
            self._start(variables)
        return sys.executable, "-I", "-S", str(LAUNCH), str(self._socket)

    def end(self) -> None:
        """End the process, and what it has forked."""
        self._held.close()
        self._process = None

    def _start(self, variables: Mapping[str, str]) -> None:
        self.end()
        folder = Path(self._held.enter_context(tempfile.TemporaryDirectory(prefix="towpath-forks-")))
        self._socket = folder / "socket"
        environ = {name: value for name, value in variables.items() if name not in OWN}
        command = (sys.executable, "-m", "towpath.cli.fork_server", str(self._socket), str(os.geteuid()))
        with (folder / "log").open("wb") as log:
            self._process = self._held.enter_context(
                _ending(command, {**environ, "HOME": str(folder), "TOWPATH_HOME": str(folder)}, log.fileno())
            )


@contextlib.contextmanager
def _ending(
    command: tuple[str, ...], environ: Mapping[str, str], log: int
) -> Iterator["subprocess.Popen[bytes]"]:
    with subprocess.Popen(command, env=environ, stdout=log, stderr=log) as process:
        try:
            yield process
        finally:
            process.terminate()


FORKS = AgentForks()
