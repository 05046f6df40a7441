"""The Prefect server of one machine: a child prepares its database, and ends before the server answers."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks.prefect_server import DATABASE, variables
from benchmarks.process_costs import children
from tests.flows.server_database import migrated_server
from tests.ports import free_port

COMMAND = (sys.executable, "-m", "towpath.orchestration.local_server")


def environ(folder: Path) -> dict[str, str]:
    url = f"sqlite+aiosqlite:///{folder / DATABASE}"
    return {**variables(folder), "PREFECT_SERVER_DATABASE_CONNECTION_URL": url}


def test_it_has_prefect_s_blocks_and_no_child_is_left(tmp_path: Path) -> None:
    with migrated_server(tmp_path) as api:
        found = api.post("/block_types/filter", json={}).raise_for_status().json()
        assert {"Secret", "Webhook"} <= {each["name"] for each in found}
        (server,) = [pid for pid in children(os.getpid()) if b"local_server" in command(pid)]
        assert children(server) == []


def test_a_database_that_is_none_is_told_and_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / DATABASE).write_bytes(b"no database" * 1000)
    port = free_port()
    ended = subprocess.run(
        [*COMMAND, str(port)], env=environ(tmp_path), capture_output=True, text=True, timeout=300, check=False
    )
    assert ended.returncode == 1
    assert "the database could not be brought to this version of Prefect" in ended.stderr
    assert (tmp_path / DATABASE).read_bytes() == b"no database" * 1000


@pytest.mark.timeout(180)
def test_the_child_ends_with_a_server_that_is_killed(tmp_path: Path) -> None:
    log = (tmp_path / "log").open("wb")
    process = subprocess.Popen([*COMMAND, str(free_port())], env=environ(tmp_path), stdout=log, stderr=log)
    try:
        while not (found := children(process.pid)):
            assert process.poll() is None
            time.sleep(0.05)
    finally:
        process.kill()
        process.wait(60)
        log.close()
    while any(map(command, found)):
        time.sleep(0.05)


def command(pid: int) -> bytes:
    """Empty when it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""
