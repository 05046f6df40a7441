"""Both of Prefect's clients, and ours, write to the server only while the agent leads."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from tests.unit.adapters.answering import Answer, answering
from towpath.errors import NotLeadingError
from towpath.fence import Fence, boot_time, put_up
from towpath.orchestration.api import PrefectApi

PROGRAM = """
import asyncio, socket, sys, time
from prefect.client.base import PrefectHttpxAsyncClient, PrefectHttpxSyncClient
from towpath.errors import NotLeadingError
from towpath.fence import Fence, boot_time, put_up
from towpath.orchestration.execution.fenced_requests import fence_requests

fence_requests()
fence, url = Fence(), sys.argv[1]
put_up(fence)

def body_of(method):
    return {"json": {}} if method in ("POST", "PATCH") else {}

async def ask(method):
    async with PrefectHttpxAsyncClient(enable_csrf_support=False) as client:
        return (await client.request(method, url, **body_of(method))).status_code

def ask_now(method):
    with PrefectHttpxSyncClient(enable_csrf_support=False) as client:
        return client.request(method, url, **body_of(method)).status_code

def tried(ask):
    try:
        return ask()
    except NotLeadingError as error:
        return error.message.partition(":")[0]

exec(sys.argv[2])
"""
EACH_METHOD = """
for _ in range(2):
    for method in ("GET", "POST", "PATCH", "DELETE"):
        print(tried(lambda: asyncio.run(ask(method))), "|", tried(lambda: ask_now(method)), flush=True)
    fence.open(boot_time() + 600, time.time() + 600)
"""


def run(url: str, rest: str) -> list[str]:
    """The lines that a process says whose clients of Prefect are fenced."""
    command = [sys.executable, "-c", PROGRAM, url, rest]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


def test_prefect_s_clients_ask_before_they_write() -> None:
    with answering([Answer(200, b"{}")]) as server:
        said = run(f"{server.url}/x", EACH_METHOD)
    refused = [f"{method} /x at the Prefect server" for method in ("POST", "PATCH", "DELETE")]
    assert said == [
        "200 | 200",
        *(f"{each} | {each}" for each in refused),
        *["200 | 200"] * 4,
    ]
    assert server.asked[:2] == ["GET /x"] * 2
    assert server.asked[2:] == [f"{each} /x" for each in ("GET", "POST", "PATCH", "DELETE") for _ in range(2)]


AGAIN = """
for one in (lambda: asyncio.run(ask("POST")), lambda: ask_now("POST")):
    looks = iter([0, 0, 100])  # head, body; and once more, long after
    fence = Fence(lambda: next(looks), lambda: 0)
    fence.open(10, 1000)
    put_up(fence)
    print(tried(one))
"""


CUT = """
for one in (lambda: asyncio.run(ask("POST")), lambda: ask_now("POST")):
    looks = iter([0, 100])
    fence = Fence(lambda: next(looks), lambda: 0)
    fence.open(10, 1000)
    put_up(fence)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/x"
        print(tried(one))
        connection, _ = listening.accept()
        came = b""
        while more := connection.recv(4096):
            came += more
        connection.close()
    print(came.startswith(b"POST /x"), came.endswith(b"\\r\\n\\r\\n"))
"""


def test_each_try_and_each_body_is_sent_only_while_it_still_leads() -> None:
    """The server was too busy for the first try; and then the time is over once the head is sent."""
    refused = "POST /x at the Prefect server"
    with answering([Answer(503, b"{}", {"Retry-After": "0.1"})]) as server:
        assert run(f"{server.url}/x", AGAIN + CUT) == [refused, refused, *[refused, "True True"] * 2]
    assert server.asked == ["POST /x"] * 2


@pytest.fixture
def fence() -> Iterator[Fence]:
    made = Fence()
    put_up(made)
    yield made
    put_up(None)


def test_our_client_asks_before_it_writes(fence: Fence) -> None:
    with answering([Answer(200, json.dumps({}).encode())]) as server:
        api = PrefectApi(f"{server.url}/api")
        assert api.get("/a") == {}
        with pytest.raises(NotLeadingError, match="POST /a at the Prefect server"):
            api.post("/a", {})
        fence.open(boot_time() + 600, time.time() + 600)
        assert api.post("/a", {}) == {}
        api.close()
    assert server.asked == ["GET /api/a", "POST /api/a"]
