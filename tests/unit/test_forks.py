"""Processes from which programs of tests are forked end with the worker of pytest that started them."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

WORKER = """
import os, time
from tests.forks import VERB_SERVER, Forks
forks = Forks(VERB_SERVER)
forks.command(os.environ)
print(forks._process.pid, flush=True)
time.sleep(600)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel of Linux ends them")
def test_they_end_with_a_worker_that_is_killed() -> None:
    with tempfile.TemporaryDirectory() as folder:
        command, environ = [sys.executable, "-c", WORKER], {**os.environ, "TMPDIR": folder}
        with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True) as worker:
            assert worker.stdout
            server = int(worker.stdout.readline())
            worker.kill()
        end = time.monotonic() + 60
        while state(server) not in ("", "Z"):
            assert time.monotonic() < end
            time.sleep(0.05)


def state(pid: int) -> str:
    """Of a process; empty when there is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""
