"""Follows a run, and the runs it starts, telling each step as it happens; ends where a person is needed."""

import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import click

from towpath.errors import TowpathError
from towpath.orchestration import keys
from towpath.orchestration.delivery.path import successors
from towpath.orchestration.runs import Run, TaskState
from towpath.orchestration.server import Server
from towpath.printable import headline

BEAT = 0.5
"""Seconds between two looks: Prefect's server has no call that waits for one run's next change."""
HANDOVER = 10.0
"""Seconds within which a run that is over must have started its successor: it does so before it ends."""

_MARKS = {
    "COMPLETED": ("✓", "green"),
    "FAILED": ("✗", "red"),
    "CRASHED": ("✗", "red"),
    "CANCELLED": ("✗", "red"),
}


Told = dict[str, tuple[str, int]]
"""Task run -> state and attempt that were told last."""


class RunFailedError(TowpathError):
    """The followed run failed, crashed or was cancelled; the message is its own."""


@dataclass(slots=True)
class Followed:
    """The runs that were followed. Where the way forks, one that failed matters first."""

    runs: list[Run] = field(default_factory=list)

    @property
    def last(self) -> Run:
        failed = next((run for run in self.runs if run.over and not run.succeeded), None)
        return failed or next((run for run in self.runs if run.waiting or run.soaks), self.runs[-1])

    def to_json(self, server: Server) -> dict[str, Any]:
        """For `--output json`."""
        waits = self.last.waiting or self.last.soaks
        outcome = "succeeded" if self.last.succeeded else "waiting" if waits else "failed"
        runs = [{**run.to_json(), "url": server.url(run)} for run in self.runs]
        return {"outcome": outcome, "runs": runs}


class Narrator:
    """Tells what happens, one line per change; on a terminal also what runs right now."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._begin = time.monotonic()
        self._quiet = quiet
        self.run_id = ""
        """The run that is followed now; empty where something else is told."""
        self._status: Any = None
        if sys.stderr.isatty() and not quiet:
            from rich.console import Console

            self._status = Console(stderr=True).status("")

    def __enter__(self) -> "Narrator":
        if self._status is not None:
            self._status.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._status is not None:
            self._status.stop()
        if kind is KeyboardInterrupt and self.run_id:
            again = f"`towpath runs --follow {self.run_id[:8]}` follows it again."
            click.echo(f"Not followed any more. The run itself goes on; {again}", err=True)

    def line(self, text: str, *, mark: str = " ", colour: str | None = None) -> None:
        """One line that stays, with the seconds since the beginning."""
        if not self._quiet:
            elapsed = f"{time.monotonic() - self._begin:6.1f} s"
            self._write(f"{elapsed} {click.style(mark, fg=colour)} {text}")

    def _write(self, line: str) -> None:
        if self._status is None:
            click.echo(line, err=True)
        else:  # only who draws the last line can put another above it
            from rich.text import Text

            self._status.console.print(Text.from_ansi(line), soft_wrap=True)

    def now(self, text: str) -> None:
        """What is going on, on the terminal's last line."""
        if self._status is not None:
            from rich.markup import escape

            self._status.update(escape(text))


def follow(
    server: Server, run: Run, narrator: Narrator, *, path: bool = True, known: Iterable[TaskState] = ()
) -> Followed:
    """Follow `run` to its end or until it waits; with `path` also each promotion that it leads to.

    `known` are steps of an earlier attempt, which are not told again.
    """
    followed = Followed()
    told = {task.id: (task.kind, task.attempt) for task in known}
    pending, seen = [run], {run.id}
    while pending:
        last = _follow_one(server, pending.pop(0), narrator, told)
        followed.runs.append(last)
        later = successors(server, last) if path and last.succeeded else []
        pending += [each for each in later if each.id not in seen]
        seen |= {each.id for each in later}
    return followed


def conclude(server: Server, followed: Followed, *, output: str = "text") -> None:
    """Say how it ended. A wait for people or time is no failure; a failed run raises its own message."""
    last = followed.last
    if output == "json":
        import json

        click.echo(json.dumps(followed.to_json(server), indent=2))
    elif last.waiting:
        click.echo(how_to_approve(server, last))
    elif last.soaks:
        click.echo(f"{last.name}: {last.message}\n  {server.url(last)}")
    elif last.succeeded:
        click.echo(last.message or f"{last.name}: done")
    if last.over and not last.succeeded:
        message = plain_message(last.message) or f"state {last.state}"
        raise RunFailedError(f"{last.name}: {message}", remedy=f"See {server.url(last)}")


def how_to_approve(server: Server, run: Run) -> str:
    """The command and the page with which a person lets a waiting run go on."""
    app, environment = run.parameters.get("app"), run.parameters.get("environment")
    until = f" (until {run.pause_until:%Y-%m-%d %H:%M %Z})" if run.pause_until else ""
    return "\n".join(
        [
            f"{run.name} waits for approval{until}.",
            f"  towpath approve {app} --environment {environment} --as NAME",
            f"  {server.url(run)}",
        ]
    )


def plain_message(message: str) -> str:
    """A state's message without Prefect's words around it."""
    for prefix in ("Flow run encountered an exception: ", "Task run encountered an exception "):
        if message.startswith(prefix):
            return message.removeprefix(prefix).partition(": ")[2] or message
    return message


def _follow_one(server: Server, run: Run, narrator: Narrator, told: Told) -> Run:
    narrator.run_id = run.id
    narrator.line(f"{run.name}  {server.url(run)}", mark="▸", colour="cyan")
    state = ""
    while True:
        current = server.run(run.id)
        tasks = server.tasks(run)
        for task in tasks:
            _tell(task, told, narrator)
        if current.state != state and current.kind in ("SCHEDULED", "PENDING") and not current.soaks:
            narrator.line(f"{current.name}: {_waits_for(current)}")
        state = current.state
        if current.over or current.waiting or current.soaks:
            _tell_end(current, narrator)
            return current
        narrator.now(doing(current, tasks))
        time.sleep(BEAT)


def doing(run: Run, tasks: Iterable[TaskState]) -> str:
    """The steps that run right now, by name; the state of the run itself between two of them."""
    return ", ".join(task.name for task in tasks if task.kind == "RUNNING") or f"{run.name}: {run.state}"


def _waits_for(run: Run) -> str:
    if run.state == keys.WAITS:
        return run.message
    return {
        "Scheduled": "waits for a worker",
        "Late": "still waits for a worker: is one running for its work pool?",
        "Pending": "a worker takes it",
        "Submitting": "a worker starts it",
        "Resuming": "goes on",
        "AwaitingConcurrencySlot": "waits for another run of its kind",
    }.get(run.state, run.state.lower())


def _tell(task: TaskState, told: Told, narrator: Narrator) -> None:
    """A step's begin, each retry, and its end: once each."""
    if told.get(task.id) == (task.kind, task.attempt):
        return
    told[task.id] = (task.kind, task.attempt)
    if task.kind in _MARKS:
        mark, colour = _MARKS[task.kind]
        because = f": {headline(plain_message(task.message))}" if task.kind != "COMPLETED" else ""
        narrator.line(f"{task.name}{because}", mark=mark, colour=colour)
    elif task.state == "AwaitingRetry":
        narrator.line(f"{task.name}: failed for now, tried again", mark="↻", colour="yellow")


def _tell_end(run: Run, narrator: Narrator) -> None:
    if run.waiting:
        narrator.line(f"{run.name}: waits for approval", mark="⏸", colour="yellow")
    elif run.soaks:
        narrator.line(f"{run.name}: {run.message}", mark="⏸", colour="yellow")
    else:
        mark, colour = _MARKS[run.kind]
        narrator.line(
            f"{run.name}: {headline(plain_message(run.message)) or run.state}", mark=mark, colour=colour
        )
