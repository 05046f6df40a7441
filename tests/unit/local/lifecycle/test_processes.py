"""Processes are found by their mark, whoever their parent is, and end for certain."""

import os
import subprocess
import sys
import time
from pathlib import Path

from towpath.local.common.layout import Layout
from towpath.local.lifecycle.processes import (
    MARK,
    children_by_parent,
    end_processes,
    is_alive,
    marked_processes,
    memory,
)

STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("ready", flush=True)
time.sleep(99)
"""


def start(layout: Layout, code: str) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        [sys.executable, "-c", code], env={MARK: str(layout.root)}, stdout=subprocess.PIPE
    )
    assert process.stdout
    process.stdout.readline()
    return process


def test_a_marked_process_is_found_and_another_stack_s_is_not(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "a")
    process = start(layout, STUBBORN)
    try:
        assert marked_processes(layout) == {process.pid}
        assert marked_processes(Layout(tmp_path / "b")) == set()
    finally:
        process.kill()
        process.wait()


def test_who_minds_no_signal_is_ended_by_force_in_time(tmp_path: Path) -> None:
    process = start(Layout(tmp_path), STUBBORN)
    begin = time.monotonic()
    end_processes([process.pid], within=0.2)
    assert time.monotonic() - begin < 30
    assert not is_alive(process.pid)
    process.wait()


def test_ending_who_is_gone_is_no_error() -> None:
    end_processes([2**22 - 7], within=0.1)


def test_memory_counts_the_whole_family(tmp_path: Path) -> None:
    process = start(Layout(tmp_path), STUBBORN)
    try:
        family = children_by_parent()
        assert process.pid in family[os.getpid()]
        assert memory([os.getpid()], family) > memory([process.pid], family) > 2**20
        both = memory([os.getpid(), process.pid], {})
        assert both > memory([os.getpid()], {})
    finally:
        process.kill()
        process.wait()
