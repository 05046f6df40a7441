"""Prefect servers on a PostgreSQL and a Redis of their own, run as the chart's pods run them.

Needs Debian's packages `postgresql` and `redis-server` (`make interop` installs them) and helm.
"""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx

from tests.chart import example, pods, rendered
from tests.interop.servers import running_server
from tests.interop.stores import SECRET, Stores, running_stores
from tests.ports import free_port

DATABASE = "prefect"


@contextmanager
def prefect_servers(count: int) -> Iterator[tuple[Stores, list[httpx.Client]]]:
    """So many APIs and one process of services; the stores, and a client of each API with the credential."""
    chart = pods(rendered(example("gitops")))
    user, _, password = SECRET.partition(":")
    with ExitStack() as stack:
        made = stack.enter_context(running_stores(durable=True))
        clients = []
        for _ in range(count):
            port = free_port()
            log = made.folder / f"server-{port}.log"
            stack.enter_context(running_server(made, DATABASE, chart["towpath-server"], port, log))
            client = httpx.Client(base_url=f"http://127.0.0.1:{port}/api", auth=(user, password), timeout=60)
            clients.append(stack.enter_context(client))
        (services,) = chart["towpath-services"]["containers"]
        stack.enter_context(_running(services["command"], made))
        yield made, clients


def size(made: Stores) -> int:
    """Bytes of the database."""
    return int(made.sql(f"SELECT pg_database_size('{DATABASE}')"))


@contextmanager
def _running(command: list[str], made: Stores) -> Iterator[None]:
    program = Path(sys.executable).parent / command[0]
    with (made.folder / "services.log").open("wb") as log:
        process = subprocess.Popen([program, *command[1:]], env=made.variables(), stdout=log, stderr=log)
    try:
        yield
    finally:
        process.terminate()
        process.wait(60)
