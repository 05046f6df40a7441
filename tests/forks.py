"""Programs of tests, forked from a process that has imported what they need: a start is mostly imports.

Each is a process of its own with its own variables, folder, streams, signals and exit code, as on the local
stack, whose fork server makes them.
"""

import atexit
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import towpath
from towpath.adapters.kernel import end_with

ROOT = Path(__file__).parents[1]
LAUNCH = Path(towpath.__file__).with_name("agent") / "launch.py"
PATIENCE = 240.0
"""Seconds that such a process may take to start: four where nothing else runs."""
OWN = ("HOME", "KUBECONFIG", "TOWPATH_CACHE", "TOWPATH_ENVIRONMENTS", "TOWPATH_HOME")
"""Variables that each program has for itself."""


class Forks:
    """Forks what `module` serves; its process starts with the first of them. One for each worker of pytest.

    `before` is a command that starts the process in a way of its own.
    """

    def __init__(self, module: str, *before: str) -> None:
        self._program = (*before, sys.executable, "-m", module)
        self._held = contextlib.ExitStack()
        self._process: subprocess.Popen[bytes] | None = None
        self._socket = Path()

    def command(self, variables: Mapping[str, str]) -> tuple[str, ...]:
        """What is run in place of `towpath`, with the variables of the program."""
        if self._process is None or self._process.poll() is not None:
            self._start(variables)
        return sys.executable, "-I", "-S", str(LAUNCH), str(self._socket)

    def end(self) -> None:
        """End the process, and what it has forked."""
        self._held.close()
        self._process = None

    def _start(self, variables: Mapping[str, str]) -> None:
        self.end()
        atexit.unregister(self.end)
        atexit.register(self.end)
        folder = Path(self._held.enter_context(tempfile.TemporaryDirectory(prefix="towpath-forks-")))
        self._socket = folder / "socket"
        environ = {name: value for name, value in variables.items() if name not in OWN}
        command = (*self._program, str(self._socket), str(os.geteuid()))
        with (folder / "log").open("wb") as log:
            self._process = self._held.enter_context(
                _ending(command, {**environ, "HOME": str(folder), "TOWPATH_HOME": str(folder)}, log.fileno())
            )
        end = time.monotonic() + PATIENCE
        while not self._socket.exists():  # a test's own patience begins when it listens
            said = (folder / "log").read_text(errors="replace")
            assert self._process.poll() is None, f"{command} ended:\n{said}"
            assert time.monotonic() < end, f"{command} did not start in {PATIENCE:g} s:\n{said}"
            time.sleep(0.05)


@contextlib.contextmanager
def _ending(
    command: tuple[str, ...], environ: Mapping[str, str], log: int
) -> Iterator["subprocess.Popen[bytes]"]:
    parent = os.getpid()

    def end_with_worker() -> None:
        end_with(parent, signal.SIGTERM)

    with subprocess.Popen(
        command,
        env=environ,
        cwd=ROOT,
        stdout=log,
        stderr=log,
        preexec_fn=end_with_worker,  # noqa: PLW1509 - also when pytest is killed, which calls nothing then
    ) as process:
        try:
            yield process
        finally:
            process.terminate()


AGENTS = Forks("towpath.cli.fork_server")
VERB_SERVER = "tests.verb_server"
_VERBS = Forks(VERB_SERVER)


def towpath_command() -> tuple[str, ...]:
    """What is run in place of `towpath`, for every verb but `agent`, `door`, `local` and `demo`."""
    return _VERBS.command(os.environ)
