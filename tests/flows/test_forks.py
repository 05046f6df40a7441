"""Forked runs with SIGKILL at random among them, on a real server and a real agent (benchmarks/forks.py)."""

import sys

import pytest

from benchmarks.forks import measure
from tests.flows.server_database import migrated_server

pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.skipif(sys.platform != "linux", reason="agents run on Linux"),
]

RUNS = 50
GROWTH = 16 * 1024
"""KiB (PSS). Most of the growth of so few runs is what the agent uses for the first time."""

FILES = (3, 10)
"""Of the preloaded process, and of the agent: it keeps connections to the server."""

LATE = 3
"""Runs. Rarely there is one."""


def test_no_run_process_or_file_is_left_and_each_end_is_counted() -> None:
    done = measure(RUNS, 0.3, 6, 1, migrated_server)
    killed, samples = len(done.agent.killed), done.agent.samples
    assert killed > 5
    assert set(done.states) <= {"COMPLETED", "CRASHED"}
    # A process that was killed when its run had ended already leaves it as it is.
    assert 0 < done.states["CRASHED"] <= killed
    assert set(done.counted) <= {"completed", "crashed"}
    assert sum(done.counted.values()) == sum(done.states.values()) == RUNS
    # The last request of a process that was killed may reach the server when its run has been counted.
    assert 0 <= done.counted["crashed"] - done.states["CRASHED"] <= LATE
    assert samples[-1].zombies == 0
    for place in range(2):
        assert samples[-1].files[place] <= samples[0].files[place] + FILES[place]
        assert samples[-1].memory[place] <= samples[0].memory[place] + GROWTH
