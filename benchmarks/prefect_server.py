"""A Prefect server of its own for measurements that need no cluster, with a work pool of an agent."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from towpath.orchestration import keys

ROOT = Path(__file__).parents[1]
PATIENCE = 900.0
"""Seconds that the server may take to start: ten where nothing else runs."""
DATABASE = "server.db"
"""In the server's folder: made by its start, or there already."""
_PROGRAM = "towpath.orchestration.local_server"


def variables(folder: Path) -> dict[str, str]:
    """Those of a process that knows nothing of this machine's stack and settings."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "LANG": "C.UTF-8",
        "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]),
        "PREFECT_HOME": str(folder / "prefect"),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_LOGGING_LEVEL": "WARNING",
        "PREFECT_CLIENT_CSRF_SUPPORT_ENABLED": "false",
        "TOWPATH_HOME": str(folder / "home"),
        "TOWPATH_CACHE": str(folder / "cache"),
        "GIT_TERMINAL_PROMPT": "0",
        "DO_NOT_TRACK": "1",
    }


@contextmanager
def prefect_server(folder: Path) -> Iterator[httpx.Client]:
    """The local stack's server on a free port and on SQLite; a client of its API."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
    environ = {
        **variables(folder),
        "PREFECT_UI_ENABLED": "0",
        "PREFECT_HOME": str(folder / "server"),
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": f"sqlite+aiosqlite:///{folder / DATABASE}",
        "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect.server.concurrency.lease_storage.filesystem",
    }
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", _PROGRAM, str(port)],
            env=environ,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}/api", timeout=60) as api:
            _wait(api, process, folder / "server.log")
            yield api
    finally:
        process.terminate()
        process.wait(30)


def _wait(api: httpx.Client, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            if api.get("/health").status_code == 200:
                return
        except httpx.TransportError:
            pass
        if process.poll() is not None or time.monotonic() > deadline:
            raise SystemExit(f"the Prefect server did not start:\n{log.read_text()[-3000:]}")
        time.sleep(0.1)


def ask(api: httpx.Client, method: str, path: str, body: object = None) -> Any:
    """The JSON that answers; SQLite answers 503 when many write at once."""
    while True:
        answer = api.request(method, path, json=body)
        if answer.status_code != 503:
            return answer.raise_for_status().json() if answer.content else None
        time.sleep(0.2)


def deploy(api: httpx.Client, flow: str, environment: str | None) -> str:
    """The pool of an environment's agent, its lock, and a deployment of a flow in it; the deployment's id."""
    pool = keys.pool(environment)
    if api.get(f"/work_pools/{pool}").status_code == 404:
        template = dict(keys.POOL_TEMPLATE)
        ask(
            api, "POST", "/work_pools/", {"name": pool, "type": keys.POOL_TYPE, "base_job_template": template}
        )
        if environment:
            ask(api, "POST", "/v2/concurrency_limits/", {"name": keys.lock_name(environment), "limit": 1})
    body = {
        "name": keys.deployment_name(flow, environment or ""),
        "flow_id": ask(api, "POST", "/flows/", {"name": flow})["id"],
        "work_pool_name": pool,
    }
    return str(ask(api, "POST", "/deployments/", body)["id"])
