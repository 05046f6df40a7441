"""Runs programs: argument lists only, bounded in time and output, ended with their whole process group."""

import contextlib
import os
import re
import shlex
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from towpath.adapters.memory_watch import MemoryWatch
from towpath.adapters.process_end import (
    GRACE,
    KILL,
    end_group,
    end_of,
    end_of_thread,
    signal_group,
    wait_until,
)
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
_OUT_OF_MEMORY = re.compile(
    r"^(fatal error|runtime): .*(out of memory|cannot allocate|stack exceeds)", re.MULTILINE
)
"""How a Go program ends that gets no more memory."""
_RESERVED = 256 << 20
"""Bytes that a program may reserve, beside twice what it may use; the operating system refuses more."""


@dataclass(frozen=True, slots=True)
class Completed:
    """What a program that exited with an allowed code wrote. `data` are the bytes of `stdout`."""

    stdout: str
    stderr: str
    code: int
    data: bytearray = field(default_factory=bytearray, repr=False, compare=False)


class CommandError(TerminalError):
    """A program failed. `code` is None when Towpath ended it; `output` holds the last lines, redacted."""

    def __init__(  # noqa: PLR0913
        self,
        args: Sequence[str],
        code: int | None,
        output: str,
        *,
        reason: str,
        timed_out: bool = False,
        out_of_memory: bool = False,
    ) -> None:
        self.command = redact(shlex.join(args))
        self.code = code
        self.output = tail(redact(_end(output)))
        self.timed_out = timed_out
        self.out_of_memory = out_of_memory
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
    max_file: int | None = None,
    stop: threading.Event | None = None,
) -> Completed:
    """Run a program to its end and return its output as UTF-8 text.

    `env` is the program's whole environment (None: this process's own); `timeout` is in seconds of wall time.
    `on_line` gets each line of both streams, redacted, as it appears, from another thread. `memory` limits
    the bytes in use by the program and all that it starts, and by a multiple what each of them reserves
    (Linux only; see `MemoryWatch`). `cpu` limits the seconds of processor time, `max_file` the bytes of each
    file that it writes (Linux only). Each stream keeps at most `max_output` bytes. Once `stop` is set, the
    program is killed without a grace period.
    Raises CommandError for an exit code outside of `codes` or a limit reached, MissingPartError when the
    program does not exist, TerminalError when `cwd` does not.
    """
    command = [os.fspath(arg) for arg in args]
    deadline = time.monotonic() + timeout
    process = _start(command, cwd, env, with_input=input is not None)
    watch = MemoryWatch(process.pid, memory) if memory else None
    _set_limits(process.pid, memory, cpu)
    _limit(process.pid, "RLIMIT_FSIZE", max_file)
    stdout = _Reader(process.stdout, process.pid, on_line, max_output)
    stderr = _Reader(process.stderr, process.pid, on_line, max_output)
    threads = [stdout, stderr, *([] if input is None else [_feeder(process.stdin, input)])]
    timed_out = not _finish(process, threads, deadline, stop, watch)
    output = stderr.text() if stderr.data else stdout.text()
    if stdout.overflow or stderr.overflow:
        reason = f"wrote more than {max_output} bytes and was ended"
        raise CommandError(command, None, output, reason=reason)
    code, failed = process.returncode, process.returncode not in codes
    if watch and (how := _out_of_memory(watch, code, output, failed=failed)):
        reason = f"needed more than {watch.limit >> 20} MiB of memory ({how}) and was ended"
        raise CommandError(command, None, "", reason=reason, out_of_memory=True)
    if timed_out:
        reason = f"did not end within {timeout:g} s and was ended"
        raise CommandError(command, None, output, reason=reason, timed_out=True)
    if cpu is not None and code == -KILL:
        reason = f"took more than {cpu} s of processor time and was ended"
        raise CommandError(command, None, "", reason=reason, timed_out=True)
    if failed:
        raise CommandError(command, code, output, reason=f"failed with exit code {code}")
    return Completed(stdout.text(), stderr.text(), code, stdout.data)


def _finish(
    process: subprocess.Popen[bytes],
    threads: Sequence[threading.Thread],
    deadline: float,
    stop: threading.Event | None,
    watch: MemoryWatch | None,
) -> bool:
    """Run the threads until the program and its streams have ended; False when it had to be ended."""
    for thread in threads:
        thread.start()
    in_time = False
    try:
        with end_of(process) as ended:
            in_time = wait_until(ended, deadline, stop, watch)
        # A grandchild may hold a pipe open after the program itself has gone.
        in_time = in_time and all(wait_until(end_of_thread(each), deadline, None, watch) for each in threads)
    finally:
        if not in_time or process.poll() is None:
            end_group(process, gently=stop is None or not stop.is_set())
        for thread in threads:
            thread.join(timeout=GRACE)
    return in_time


def _out_of_memory(watch: MemoryWatch, code: int, output: str, *, failed: bool) -> str:
    """How the program needed more memory than its limit; empty when it did not."""
    if watch.exceeded:
        return f"it used {-(-watch.peak >> 20)} MiB"
    if failed and code > 0 and _OUT_OF_MEMORY.search(output):
        return f"it asked for more than {_reserve(watch.limit) >> 20} MiB"
    return ""


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
        on_path = isinstance(error, PermissionError) or "/" in command[0]
        raise MissingPartError(
            f"cannot run {command[0]}: {error.strerror if on_path else 'it is not on PATH'}",
            remedy="Run `towpath doctor`: it says what is missing and how to get it.",
        ) from error


def _reserve(memory: int) -> int:
    """Bytes of data that a program may reserve that may use `memory`."""
    return 2 * memory + _RESERVED


def _set_limits(pid: int, memory: int | None, cpu: int | None) -> None:
    _limit(pid, "RLIMIT_DATA", _reserve(memory) if memory else None)
    _limit(pid, "RLIMIT_CPU", cpu)
    _limit(pid, "RLIMIT_CORE", 0 if memory else None)


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
                    signal_group(self.group, KILL)
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


def _feeder(stream: IO[bytes] | None, text: str | bytes) -> threading.Thread:
    data = text.encode() if isinstance(text, str) else text
    return threading.Thread(target=_feed, args=(stream, data), daemon=True)


def _feed(stream: IO[bytes] | None, data: bytes) -> None:
    if stream is None:
        return
    try:
        with stream:
            stream.write(data)
    except BrokenPipeError:
        pass  # the program did not read all of its input; its exit code says whether that was an error
