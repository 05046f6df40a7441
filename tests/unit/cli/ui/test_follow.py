"""What a terminal shows while a run is followed."""

import os
import pty
import re
import subprocess
import sys

import pytest

from towpath.cli.ui.follow import Narrator, doing
from towpath.orchestration.runs import Run, TaskState

RUN = Run(
    id="6f0c7f5e-6d2b-4f0e-9f6e-3a1b2c3d4e5f",
    name="promote hello 1234567 to prod",
    flow="promote",
    kind="RUNNING",
    state="Running",
    message="",
    tags=(),
    parameters={},
    pause_key=None,
    pause_until=None,
    at=None,
    created=None,
)


def step(name: str, kind: str) -> TaskState:
    return TaskState(f"id of {name}", name, kind, kind.title(), "", 1, None)


def test_it_names_the_steps_that_run_right_now() -> None:
    steps = [step("fetch", "COMPLETED"), step("sync hello", "RUNNING"), step("verify hello", "RUNNING")]
    assert doing(RUN, steps) == "sync hello, verify hello"


def test_between_two_steps_it_names_the_run() -> None:
    assert doing(RUN, [step("fetch", "COMPLETED")]) == "promote hello 1234567 to prod: Running"


def test_a_line_that_stays_is_not_written_behind_the_one_that_moves() -> None:
    code = """
import time
from towpath.cli.ui.follow import Narrator
with Narrator() as narrator:
    narrator.now("building hello")
    time.sleep(0.3)
    narrator.line("build hello", mark="✓", colour="green")
    time.sleep(0.3)
    narrator.line("[scan] hello", mark="✓", colour="green")
"""
    assert [line[9:] for line in screen(code) if line] == ["✓ build hello", "✓ [scan] hello"]


def test_who_interrupts_is_told_how_to_follow_again_and_only_where_a_run_is_followed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for run, says in (("1a2b3c4d-0000", "`towpath runs --follow 1a2b3c4d` follows it again."), ("", "")):
        with pytest.raises(KeyboardInterrupt), Narrator() as narrator:
            narrator.run_id = run
            raise KeyboardInterrupt
        said = capsys.readouterr().err
        assert says in said
        assert bool(said) is bool(run)


def screen(code: str) -> list[str]:
    """What a terminal shows in the end when Python runs `code` on it."""
    ours, theirs = pty.openpty()
    environ = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "100"}
    with subprocess.Popen([sys.executable, "-c", code], stderr=theirs, stdout=theirs, env=environ):
        os.close(theirs)
        written = b""
        try:
            while part := os.read(ours, 65_536):
                written += part
        except OSError:  # how Linux tells that nobody has it open any more
            os.close(ours)
    lines, row, column = [""], 0, 0
    for token in re.findall(r"\x1b\[[0-9;?]*[a-zA-Z]|[\r\n]|[^\x1b\r\n]+", written.decode()):
        if token == "\r":
            column = 0
        elif token == "\n":
            row, column = row + 1, 0
            lines += [""] * (row + 1 - len(lines))
        elif token == "\x1b[2K":
            lines[row] = ""
        elif token == "\x1b[1A":
            row -= 1
        elif not token.startswith("\x1b"):
            lines[row] = lines[row][:column].ljust(column) + token + lines[row][column + len(token) :]
            column += len(token)
    return lines
