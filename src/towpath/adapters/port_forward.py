"""Reaches a Service from this machine through the API server, by `kubectl port-forward`."""

import queue
import re
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from towpath.adapters.process import tail
from towpath.adapters.rendering.renderers import find_program
from towpath.errors import MissingPartError, TransientError
from towpath.redact import redact

READY_SECONDS = 15.0
END_SECONDS = 5.0
_READY = re.compile(r"^Forwarding from (127\.0\.0\.1:\d+) ")


def kubectl_of(tools: Path | None) -> str | None:
    """The program; None where it is not installed."""
    try:
        return find_program("kubectl", tools)
    except MissingPartError:
        return None


@contextmanager
def forwarded(kubectl: Sequence[str], namespace: str, service: str, port: int) -> Iterator[str]:
    """`127.0.0.1:PORT` that leads to a ready pod of the Service, as long as the context lasts.

    `kubectl` is the command with the options that name the cluster. Raises TransientError where no pod is
    ready, or the account may not.
    """
    command = [*kubectl, "--namespace", namespace, "port-forward", f"service/{service}", f":{port}"]
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        yield _address(process, f"{namespace}/{service}")
    finally:
        process.terminate()
        try:
            process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _address(process: "subprocess.Popen[str]", service: str) -> str:
    lines: queue.Queue[str | None] = queue.Queue()
    assert process.stdout  # noqa: S101 - a pipe was asked for
    threading.Thread(target=_read, args=(process.stdout, lines), daemon=True).start()
    said: list[str] = []
    while True:
        try:
            line = lines.get(timeout=READY_SECONDS)
        except queue.Empty:
            line = None
        if line is None:
            reason = tail(redact("".join(said))) or "kubectl says nothing"
            raise TransientError(f"Service {service} cannot be reached through the API server: {reason}")
        if found := _READY.match(line):
            return found[1]
        said.append(line)


def _read(stream: IO[str], lines: "queue.Queue[str | None]") -> None:
    """Every line, so that kubectl never waits for a reader; None at the end."""
    with stream:
        for line in stream:
            lines.put(line)
    lines.put(None)
