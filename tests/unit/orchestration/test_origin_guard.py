"""Which requests reach the Prefect API: a page of another site, and another name for this machine, do not."""

import asyncio
from typing import Any

import pytest

from towpath.orchestration.origin_guard import OriginGuard

HERE = "http://127.0.0.1:4200"


def answer(kind: str, *headers: tuple[str, str]) -> list[dict[str, Any]]:
    """What is sent for a request with these headers; `reached` stands for the application."""
    sent: list[dict[str, Any]] = []

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "reached"})

    async def receive() -> dict[str, Any]:
        return {"type": "http.request"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    guard = OriginGuard(app, [HERE, "http://localhost:4200/", ""])
    scope = {"type": kind, "headers": [(name.encode(), value.encode()) for name, value in headers]}
    asyncio.run(guard(scope, receive, send))
    return sent


@pytest.mark.parametrize("kind", ["http", "websocket"])
@pytest.mark.parametrize(
    "headers",
    [
        [("host", "127.0.0.1:4200")],
        [("host", "localhost:4200")],
        [("Host", "LOCALHOST:4200"), ("Origin", "http://LocalHost:4200")],
        [("host", "127.0.0.1:4200"), ("origin", "http://localhost:4200")],
    ],
)
def test_programs_and_the_own_pages_reach_it(kind: str, headers: list[tuple[str, str]]) -> None:
    assert answer(kind, *headers) == [{"type": "reached"}]


@pytest.mark.parametrize("kind", ["http", "websocket"])
@pytest.mark.parametrize(
    "headers",
    [
        [("host", "127.0.0.1:4200"), ("origin", "https://attacker.example.com")],
        [("host", "127.0.0.1:4200"), ("origin", "null")],
        [("host", "127.0.0.1:4200"), ("origin", "http://127.0.0.1:8000")],
        [("host", "127.0.0.1:4200"), ("origin", "https://127.0.0.1:4200")],
        [("host", "127.0.0.1:4200"), ("origin", HERE), ("origin", "https://attacker.example.com")],
        [("host", "attacker.example.com:4200")],
        [("host", "127.0.0.1.attacker.example.com:4200")],
        [("host", "127.0.0.1")],
        [("host", "127.0.0.1:4200"), ("host", "attacker.example.com")],
        [],
    ],
)
def test_pages_of_others_and_other_names_do_not(kind: str, headers: list[tuple[str, str]]) -> None:
    sent = answer(kind, *headers)
    assert {"type": "reached"} not in sent
    assert sent[0] == {"type": "websocket.close", "code": 1008} or sent[0]["status"] == 403


def test_what_is_no_request_passes() -> None:
    assert answer("lifespan") == [{"type": "reached"}]
