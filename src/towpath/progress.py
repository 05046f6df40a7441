"""Shows the steps of long work, one line each, with their time.

On a terminal the lines of running steps tick; elsewhere (CI, a pipe) a step writes a line when it starts, one
every 15 s while it runs, and one when it ends. rich is imported only on a terminal.
"""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol, TextIO

from towpath.printable import printable
from towpath.redact import redact

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

HEARTBEAT = 15.0
"""Seconds between two lines about a running step where there is no terminal."""
_QUICK = 0.05
_NOTE_WIDTH = 100


class Step(Protocol):
    """One running step."""

    def note(self, text: str) -> None:
        """Show what the step does now. The last line of a failed step ends with its last note."""

    def result(self, text: str) -> None:
        """Set the result, which the last line of the step shows (`found`, `built`, `already running` …)."""


class Progress(Protocol):
    """Receives the steps of long work. Steps may run at the same time, in any thread."""

    def step(self, name: str) -> AbstractContextManager[Step]:
        """A step that lasts as long as the `with` block; an exception marks it as failed and is raised on."""


def format_seconds(seconds: float) -> str:
    """`0.3 s`, `12 s`, `6 m 02 s`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if round(seconds) < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} m {rest:02} s"


def progress_on(stream: TextIO | None = None) -> Progress:
    """The Progress for `stream`: TerminalProgress or LineProgress. Default: stderr; stdout is for results."""
    stream = sys.stderr if stream is None else stream
    return TerminalProgress(stream) if stream.isatty() else LineProgress(stream)


class SilentProgress:
    """Shows nothing."""

    @contextmanager
    def step(self, name: str) -> Iterator[Step]:  # noqa: ARG002
        yield _Step()


class _Step:
    def __init__(self) -> None:
        self.last_note = ""
        self.outcome = ""

    def note(self, text: str) -> None:
        lines = text.strip().splitlines()
        self.last_note = lines[-1].strip()[:_NOTE_WIDTH] if lines else ""

    def result(self, text: str) -> None:
        self.outcome = text


class LineProgress:
    """Writes lines to a stream that is no terminal."""

    def __init__(self, stream: TextIO, *, heartbeat: float = HEARTBEAT) -> None:
        self._stream = stream
        self._heartbeat = heartbeat
        self._lock = threading.Lock()

    @contextmanager
    def step(self, name: str) -> Iterator[Step]:
        step = _Step()
        begin = time.monotonic()
        ended = threading.Event()
        heartbeats = threading.Thread(
            target=self._write_heartbeats, args=(name, step, begin, ended), daemon=True
        )
        self._write(f"· {name} ...")
        heartbeats.start()
        mark = "✗"
        try:
            yield step
            mark = "✓"
        finally:
            ended.set()
            heartbeats.join()
            self._write(_last_line(mark, name, step, time.monotonic() - begin))

    def _write_heartbeats(self, name: str, step: _Step, begin: float, ended: threading.Event) -> None:
        while not ended.wait(self._heartbeat):
            note = f": {step.last_note}" if step.last_note else ""
            self._write(f"  {name} ... {format_seconds(time.monotonic() - begin)}{note}")

    def _write(self, line: str) -> None:
        with self._lock:
            print(line, file=self._stream, flush=True)


class TerminalProgress:
    """Writes to a terminal: running steps count their time at the bottom, ended steps keep one line each."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()
        self._bars: Bars | None = None
        self._running = 0

    @contextmanager
    def step(self, name: str) -> Iterator[Step]:
        step = _TerminalStep()
        begin = time.monotonic()
        with self._lock:
            bars = self._bars = self._bars or self._new_bars()
            if self._running == 0:
                bars.start()
            self._running += 1
            task = bars.add_task(name, total=None, note="")
        step.follow(bars, task)
        mark = "✗"
        try:
            yield step
            mark = "✓"
        finally:
            with self._lock:
                bars.remove_task(task)
                line = _last_line(mark, name, step, time.monotonic() - begin)
                bars.console.print(line, style="red" if mark == "✗" else None, markup=False, highlight=False)
                self._running -= 1
                if self._running == 0:
                    bars.stop()
                    self._bars = None

    def _new_bars(self) -> "Bars":
        from rich.console import Console
        from rich.progress import Progress as Bars
        from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn
        from rich.table import Column

        note = TextColumn(
            "[dim]{task.fields[note]}",
            markup=True,
            table_column=Column(no_wrap=True, overflow="ellipsis", ratio=1),
        )
        return Bars(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            TimeElapsedColumn(),
            note,
            console=Console(file=self._stream),
            transient=True,
            expand=True,
        )


class _TerminalStep(_Step):
    _bars: "Bars | None" = None
    _task: "TaskID | None" = None

    def follow(self, bars: "Bars", task: "TaskID") -> None:
        self._bars, self._task = bars, task

    def note(self, text: str) -> None:
        super().note(text)
        if self._bars is not None and self._task is not None:
            self._bars.update(self._task, note=self.last_note.replace("[", "\\["))


def _last_line(mark: str, name: str, step: _Step, seconds: float) -> str:
    result = step.outcome or (step.last_note if mark == "✗" else "")
    duration = format_seconds(seconds) if seconds >= _QUICK else ""
    return "  ".join(part for part in (f"{mark} {name}", duration, result) if part)


def say(line: str) -> None:
    """One line of the log of a program that goes on, with the time, without secrets."""
    sys.stdout.write(f"{datetime.now(UTC):%H:%M:%S} {printable(redact(line))}\n")
    sys.stdout.flush()
