"""Prefect servers on a real PostgreSQL and Redis, with the variables that the chart gives their pods."""

import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.chart import example, needs_helm, pods, rendered
from tests.interop.servers import PREPARE
from tests.interop.stores import Stores, until
from tests.ports import free_port

pytestmark = [needs_helm, pytest.mark.timeout(900)]


def test_servers_that_start_at_once_migrate_one_after_the_other(stores: Stores) -> None:
    stores.sql("DROP DATABASE IF EXISTS prefect", "postgres")
    stores.sql("CREATE DATABASE prefect", "postgres")
    begun = [
        subprocess.Popen(PREPARE, env=stores.variables(), stdout=-1, stderr=-1, text=True) for _ in range(3)
    ]
    said = [each.communicate(timeout=600) for each in begun]
    assert [each.returncode for each in begun] == [0, 0, 0], said
    sentences = sorted(out.split("(")[0] + out.split(")")[1] for out, _ in said)
    assert sentences == ["The database is of this version  already.\n"] * 2 + [
        "The database is of this version .\n"
    ]
    assert int(stores.sql("SELECT count(*) FROM block_type")) > 3


def test_api_and_services_start_and_probes_need_no_credential(stores: Stores, tmp_path: Path) -> None:
    port = free_port()
    objects = pods(rendered(example("gitops")))
    (api,), (services,) = (objects[f"towpath-{name}"]["containers"] for name in ("server", "services"))
    log = (tmp_path / "log").open("w+")
    processes = []
    for command in (api["command"], services["command"]):
        own = [each.replace("4200", str(port)).replace("0.0.0.0", "127.0.0.1") for each in command]
        program = Path(sys.executable).parent / own[0]
        processes.append(
            subprocess.Popen([program, *own[1:]], env=stores.variables(), stdout=log, stderr=log)
        )
    try:
        until(lambda: answer(port, api["readinessProbe"]["httpGet"]["path"]) == 200, 300)
        assert answer(port, "/api/flows/count", b"{}") == 401
        assert [each.poll() for each in processes] == [None, None], (tmp_path / "log").read_text()
    finally:
        for each in processes:
            each.terminate()
        for each in processes:
            each.wait(timeout=60)
    said = (tmp_path / "log").read_text()
    assert "Traceback" not in said, said


def answer(port: int, path: str, body: bytes | None = None) -> int:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", body, timeout=10) as reply:
            status: int = reply.status
            return status
    except urllib.error.HTTPError as error:
        return error.code


def test_a_database_of_a_newer_version_is_left_as_it_is(stores: Stores) -> None:
    own = stores.sql("SELECT version_num FROM alembic_version")
    stores.sql("UPDATE alembic_version SET version_num = 'of-tomorrow'")
    try:
        done = subprocess.run(
            PREPARE, env=stores.variables(), capture_output=True, text=True, check=False, timeout=300
        )
        assert (done.returncode, done.stdout) == (
            0,
            "The database is of a newer version (of-tomorrow); it is left as it is.\n",
        )
        assert stores.sql("SELECT version_num FROM alembic_version") == "of-tomorrow"
    finally:
        stores.sql(f"UPDATE alembic_version SET version_num = '{own}'")
