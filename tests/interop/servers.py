"""A Prefect server as a pod of the chart runs it, on the test's own stores."""

import http.client
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.interop.stores import Stores, until
from towpath.objects import Manifest

PREPARE = [sys.executable, "-m", "towpath.orchestration.server_database"]
"""What its init container does."""


@contextmanager
def running_server(stores: Stores, database: str, pod: Manifest, port: int, log: Path) -> Iterator[None]:
    """It answers at the port of this machine until the end of the block."""
    if stores.sql(f"SELECT count(*) FROM pg_database WHERE datname = '{database}'", "postgres") == "0":
        stores.sql(f"CREATE DATABASE {database}", "postgres")
    (container,) = pod["containers"]
    variables = stores.variables(pod, database)
    subprocess.run(PREPARE, env=variables, check=True, capture_output=True, timeout=900)
    program, *own = (
        each.replace("4200", str(port)).replace("0.0.0.0", "127.0.0.1") for each in container["command"]
    )
    command = [str(Path(sys.executable).parent / program), *own]
    with log.open("w") as out:
        process = subprocess.Popen(command, env=variables, stdout=out, stderr=out)
    try:
        until(lambda: _answers(port, container["readinessProbe"]["httpGet"]["path"]), 300)
        yield
    finally:
        process.terminate()
        process.wait(timeout=60)


def _answers(port: int, path: str) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    finally:
        connection.close()
