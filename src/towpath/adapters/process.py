"""Runs programs: argument lists only, bounded in time and output, ended with their whole process group."""

import contextlib
import os
import re
import shlex
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from towpath.errors import MissingPartError, TerminalError
from towpath.redact import redact

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

TAIL_LINES = 20
MAX_OUTPUT = 64 * 1024 * 1024
"""Bytes kept of each stream; a program that writes more is ended."""
_REDACTED = 64 * 1024
"""Characters at the end of a failed program's output of which its last lines are taken."""
_GRACE = 2.0
_SLICE = 0.1
_SEGV = signal.SIGSEGV
_KILL = getattr(signal, "SIGKILL", signal.SIGTERM)  # Windows has none
_OUT_OF_MEMORY = re.compile(r"out of memory|cannot allocate memory|stack exceeds", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Completed:
    """What a program that exited with an allowed code wrote."""

    stdout: str
    stderr: str
    code: int


class CommandError(TerminalError):
    """A program failed. `code` is None when Towpath ended it; `output` holds the last lines, redacted."""

    def __init__(
        self, args: Sequence[str], code: int | None, output: str, *, reason: str, timed_out: bool = False
    ) -> None:
        self.command = redact(shlex.join(args))
        self.code = code
        self.output = tail(redact(_end(output)))
        self.timed_out = timed_out
        super().__init__(f"`{self.command}` {reason}" + (f":\n{self.output}" if self.output else ""))


def _end(output: str) -> str:
    """The last whole words of the output: redacting megabytes could take too long."""
    if len(output) <= _REDACTED:
        return output
    if "Secret" in output[:-_REDACTED]:
        return "(too long to be shown: it may be the rest of a Secret)"  # only its head, cut off, would tell
    return output[-_REDACTED:].split(maxsplit=1)[-1]


def tail(text: str, lines: int = TAIL_LINES) -> str:
    """The last `lines` lines that are not blank."""
    return "\n".join([line.rstrip() for line in text.splitlines() if line.strip()][-lines:])


def run(  # noqa: PLR0913
    args: Sequence[str | os.PathLike[str]],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    timeout: float = 60.0,
    input: str | bytes | None = None,  # noqa: A002
    codes: Sequence[int] = (0,),
    on_line: Callable[[str], None] | None = None,
    memory: int | None = None,
    cpu: int | None = None,
    max_output: int = MAX_OUTPUT,
    stop: threading.Event | None = None,
) -> Completed:
    """Run a program to its end and return its output as UTF-8 text.

    `env` is the program's whole environment (None: this process's own); `timeout` is in seconds of wall time.
    `on_line` gets each line of both streams, redacted, as it appears, from another thread. `memory` (bytes of
    data) and `cpu` (seconds of processor time) are limits that the operating system enforces; each stream
    keeps at most `max_output` bytes. Once `stop` is set, the program is killed without a grace period.
    Raises CommandError for an exit code outside of `codes` or a limit reached, MissingPartError when the
    program does not exist, TerminalError when `cwd` does not.
    """
    command = [os.fspath(arg) for arg in args]
    deadline = time.monotonic() + timeout
    process = _start(command, cwd, env, with_input=input is not None)
    _limit(process.pid, "RLIMIT_DATA", memory)
    _limit(process.pid, "RLIMIT_CPU", cpu)
    _limit(process.pid, "RLIMIT_CORE", 0 if memory else None)
    stdout = _Reader(process.stdout, process.pid, on_line, max_output)
    stderr = _Reader(process.stderr, process.pid, on_line, max_output)
    threads: list[threading.Thread] = [stdout, stderr]
    if input is not None:
        data = input.encode() if isinstance(input, str) else input
        threads.append(threading.Thread(target=_feed, args=(process.stdin, data), daemon=True))
    timed_out = not _finish(process, threads, deadline, stop)
    output = stderr.text() if stderr.data else stdout.text()
    if stdout.overflow or stderr.overflow:
        reason = f"wrote more than {max_output} bytes and was ended"
        raise CommandError(command, None, output, reason=reason)
    if timed_out:
        reason = f"did not end within {timeout:g} s and was ended"
        raise CommandError(command, None, output, reason=reason, timed_out=True)
    code = process.returncode
    _raise_if_limited(command, code, output, memory, cpu, failed=code not in codes)
    if code not in codes:
        raise CommandError(command, code, output, reason=f"failed with exit code {code}")
    return Completed(stdout.text(), stderr.text(), code)


def _finish(
    process: subprocess.Popen[bytes],
    threads: Sequence[threading.Thread],
    deadline: float,
    stop: threading.Event | None,
) -> bool:
    """Run the threads until the program and its streams have ended; False when it had to be ended."""
    for thread in threads:
        thread.start()
    in_time = True
    try:
        _wait(process, deadline, stop)
        for thread in threads:
            # A grandchild may hold the pipe open after the program itself has gone.
            thread.join(timeout=max(0.0, deadline - time.monotonic()))
            in_time = in_time and not thread.is_alive()
    except subprocess.TimeoutExpired:
        in_time = False
    finally:
        if not in_time or process.poll() is None:
            _end_group(process, gently=stop is None or not stop.is_set())
        for thread in threads:
            thread.join(timeout=_GRACE)
    return in_time


def _raise_if_limited(  # noqa: PLR0913
    command: Sequence[str], code: int, output: str, memory: int | None, cpu: int | None, *, failed: bool
) -> None:
    """CommandError when the program ended because it reached its limit of memory or processor time."""
    # Without memory for its own first page a program says nothing and ends by a signal.
    if memory is not None and failed and (_OUT_OF_MEMORY.search(output) or code == -_SEGV):
        reason = f"needed more than {memory >> 20} MiB of memory and was ended"
        raise CommandError(command, None, "", reason=reason)
    if cpu is not None and code == -_KILL:
        reason = f"took more than {cpu} s of processor time and was ended"
        raise CommandError(command, None, "", reason=reason, timed_out=True)


def _start(
    command: list[str], cwd: Path | None, env: Mapping[str, str] | None, *, with_input: bool
) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            command,
            cwd=cwd,
            env=None if env is None else dict(env),
            stdin=subprocess.PIPE if with_input else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except (FileNotFoundError, PermissionError) as error:
        if cwd is not None and not cwd.is_dir():
            raise TerminalError(f"cannot run {command[0]}: folder {cwd} does not exist") from error
        raise MissingPartError(
            f"cannot run {command[0]}: {error.strerror}",
            remedy="Run `towpath doctor`: it says what is missing and how to get it.",
        ) from error


def _wait(process: subprocess.Popen[bytes], deadline: float, stop: threading.Event | None) -> None:
    """Wait for the end of the program; subprocess.TimeoutExpired after `deadline` or once `stop` is set."""
    while stop is not None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=min(_SLICE, max(0.0, deadline - time.monotonic())))
            return
        if stop.is_set() or time.monotonic() >= deadline:
            raise subprocess.TimeoutExpired(process.args, 0)
    process.wait(timeout=max(0.0, deadline - time.monotonic()))


def _limit(pid: int, kind: str, value: int | None) -> None:
    """Set a limit of another process: only Linux can; elsewhere time and output are limited by us alone."""
    if value is None or resource is None or not hasattr(resource, "prlimit"):
        return
    with contextlib.suppress(ProcessLookupError, PermissionError):  # the program has ended already
        resource.prlimit(pid, getattr(resource, kind), (value, value))


class _Reader(threading.Thread):
    """Keeps what a stream says; a program that writes more than `max_bytes` is killed."""

    def __init__(
        self, stream: IO[bytes] | None, group: int, on_line: Callable[[str], None] | None, max_bytes: int
    ) -> None:
        super().__init__(daemon=True)
        self.max_bytes = max_bytes
        self.on_line = on_line
        self.stream = stream
        self.group = group
        self.data = bytearray()
        self.overflow = False

    def run(self) -> None:
        if self.stream is None:
            return
        reported = 0
        with self.stream as stream:
            while chunk := stream.read1(65536):  # type: ignore[attr-defined]
                self.data += chunk
                reported = self._report(reported)
                if len(self.data) > self.max_bytes:
                    self.overflow = True
                    _signal(self.group, _KILL)
                    return
        if self.on_line is not None and reported < len(self.data):
            self.on_line(redact(self.data[reported:].decode(errors="replace")))

    def _report(self, reported: int) -> int:
        """Give the whole lines after byte `reported` to `on_line`; returns where the next line starts."""
        if self.on_line is None:
            return reported
        end = self.data.rfind(b"\n") + 1
        if end > reported:
            for line in self.data[reported:end].decode(errors="replace").splitlines():
                self.on_line(redact(line))
        return max(reported, end)

    def text(self) -> str:
        return self.data.decode(errors="replace")


def _feed(stream: IO[bytes] | None, data: bytes) -> None:
    if stream is None:
        return
    try:
        with stream:
            stream.write(data)
    except BrokenPipeError:
        pass  # the program did not read all of its input; its exit code says whether that was an error


def _end_group(process: subprocess.Popen[bytes], *, gently: bool = True) -> None:
    """Send SIGTERM to the whole group, then SIGKILL; the group lives as long as any grandchild does."""
    if not gently:
        _signal(process.pid, _KILL)
        process.wait()
        return
    _signal(process.pid, signal.SIGTERM)
    deadline = time.monotonic() + _GRACE
    while time.monotonic() < deadline:
        process.poll()
        if not _signal(process.pid, 0):
            return
        time.sleep(0.02)
    _signal(process.pid, _KILL)
    process.wait()


def _signal(group: int, number: int) -> bool:
    """Send a signal to a process group; False when there is no such group."""
    if not hasattr(os, "killpg"):  # Windows: the program alone, and at once
        if number:
            with contextlib.suppress(OSError):
                os.kill(group, signal.SIGTERM)
        return False
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True
