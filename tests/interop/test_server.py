"""Prefect servers on a real PostgreSQL and Redis, with the variables that the chart gives their pods."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.chart import example, needs_helm, pods, rendered

pytestmark = [needs_helm, pytest.mark.timeout(900)]

SECRET = "admin:a-password-of-the-test"
PREPARE = [sys.executable, "-m", "towpath.orchestration.server_database"]
POSTGRES = sorted(Path("/usr/lib/postgresql").glob("*/bin"))


@dataclass(frozen=True)
class Stores:
    """A PostgreSQL and a Redis of the test's own."""

    folder: Path
    database: int
    redis: int

    def variables(self) -> dict[str, str]:
        """Those of the chart's server, with the test's values in the place of what its Secrets hold."""
        (container,) = pods(rendered(example("gitops")))["towpath-server"]["containers"]
        given = {each["name"]: each.get("value", "") for each in container["env"]}
        address = f"redis://127.0.0.1:{self.redis}/0"
        given |= {name: address for name in given if name.endswith("_URL")}
        given |= {
            "HOME": str(self.folder),
            "PATH": os.environ["PATH"],
            "PREFECT_HOME": str(self.folder / "prefect"),
            "PREFECT_SERVER_API_AUTH_STRING": SECRET,
            "PREFECT_SERVER_DATABASE_HOST": "127.0.0.1",
            "PREFECT_SERVER_DATABASE_PASSWORD": "not-asked-for",
            "PREFECT_SERVER_DATABASE_PORT": str(self.database),
            "PREFECT_SERVER_UI_STATIC_DIRECTORY": str(self.folder / "ui"),
        }
        return given

    def sql(self, statement: str, database: str = "prefect") -> str:
        """The rows as text."""
        command = [
            POSTGRES[-1] / "psql",
            "-h",
            "127.0.0.1",
            "-p",
            str(self.database),
            "-U",
            "prefect",
            "-Atqc",
        ]
        done = subprocess.run(
            [*command, statement, database], capture_output=True, text=True, check=True, timeout=60
        )
        return done.stdout.strip()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stores]:
    folder = Path(f"/tmp/towpath-stores-{os.getpid()}")  # a user of its own has to reach it
    folder.mkdir(mode=0o755)
    (folder / "data").mkdir()
    user: dict[str, str] = {}
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        shutil.chown(folder / "data", "postgres", "postgres")
        user = {"user": "postgres"}
    made = Stores(folder, free_port(), free_port())
    data = str(folder / "data")
    subprocess.run(
        [POSTGRES[-1] / "initdb", "-D", data, "-U", "prefect", "--auth=trust", "--no-sync"],
        check=True, capture_output=True, cwd="/", **user,  # type: ignore[call-overload]
    )  # fmt: skip
    options = ("-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "fsync=off")
    database = subprocess.Popen(
        [POSTGRES[-1] / "postgres", "-D", data, "-p", str(made.database), *options],
        stderr=subprocess.DEVNULL, cwd="/", **user,  # type: ignore[call-overload]
    )  # fmt: skip
    redis = subprocess.Popen(
        [
            "redis-server",
            "--port",
            str(made.redis),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--dir",
            str(folder),
        ],
        stdout=subprocess.DEVNULL,
    )
    try:
        until(lambda: made.sql("SELECT 1", "postgres") == "1", 60)
        yield made
    finally:
        database.send_signal(signal.SIGINT)  # SIGTERM waits for whoever is still connected
        redis.terminate()
        for process in (database, redis):
            process.wait(timeout=60)
        shutil.rmtree(folder)


def until(holds: Callable[[], bool], seconds: float) -> None:
    end = time.monotonic() + seconds
    while True:
        try:
            if holds():
                return
        except (OSError, subprocess.CalledProcessError):
            pass
        assert time.monotonic() < end
        time.sleep(0.5)


def test_servers_that_start_at_once_migrate_one_after_the_other(stores: Stores) -> None:
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
