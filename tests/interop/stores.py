"""A real PostgreSQL and Redis, and what the chart's server is told about them."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.chart import example, pods, rendered
from tests.ports import free_port
from towpath.objects import Manifest

SECRET = "admin:a-password-of-the-test"
"""The credential of the Prefect servers."""
POSTGRES = sorted(Path("/usr/lib/postgresql").glob("*/bin"))


@dataclass(frozen=True)
class Stores:
    """A PostgreSQL and a Redis of the test's own."""

    folder: Path
    database: int
    redis: int

    def variables(self, pod: Manifest | None = None, database: str = "prefect") -> dict[str, str]:
        """Those of the chart's server, with the test's values in the place of what its Secrets hold."""
        (container,) = (pod or pods(rendered(example("gitops")))["towpath-server"])["containers"]
        given = {each["name"]: each.get("value", "") for each in container["env"]}
        address = f"redis://127.0.0.1:{self.redis}/0"
        given |= {name: address for name in given if name.endswith("_URL") and "_UI_" not in name}
        given |= {
            "HOME": str(self.folder),
            "PATH": os.environ["PATH"],
            "PREFECT_HOME": str(self.folder / database),
            "PREFECT_SERVER_API_AUTH_STRING": SECRET,
            "PREFECT_SERVER_DATABASE_HOST": "127.0.0.1",
            "PREFECT_SERVER_DATABASE_NAME": database,
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


@contextmanager
def running_stores(*, durable: bool = False) -> Iterator[Stores]:
    """Both, until the end of the block. `durable`: what is written is synced to disk, as in production."""
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
    options = ("-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=")
    options += () if durable else ("-c", "fsync=off")
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
