"""A refusal comes after the request: a proxy that is still sending loses half of an earlier one."""

import asyncio
from typing import Any

import pytest

from towpath.orchestration.asgi import LARGEST, refuse

MiB = b"x" * 1024 * 1024


def part(body: bytes, *, more: bool = False) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more}


def refused(kind: str, *parts: dict[str, Any]) -> tuple[int, list[dict[str, Any]]]:
    """How many parts of the request were read before the first word of the answer, and the answer."""
    left = list(parts)
    read_before: list[int] = []
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return left.pop(0)

    async def send(message: dict[str, Any]) -> None:
        read_before.append(len(parts) - len(left))
        sent.append(message)

    asyncio.run(refuse({"type": kind}, receive, send, body=b"no\n", content_type="text/plain"))
    return read_before[0], sent


@pytest.mark.parametrize(
    ("parts", "read"),
    [
        ([part(b"")], 1),
        ([part(b"{}")], 1),
        ([part(b"{", more=True), part(b"}")], 2),
        ([part(b"", more=True), part(b"", more=True), part(b"{}")], 3),
        ([{"type": "http.request"}], 1),
        ([part(b"{", more=True), {"type": "http.disconnect"}, part(b"never")], 2),
        ([part(MiB, more=True) for _ in range(9)], LARGEST // len(MiB) + 1),
    ],
    ids=["none", "one", "two", "three", "nothing said", "left", "endless"],
)
def test_the_request_is_read_before_it_is_refused(parts: list[dict[str, Any]], read: int) -> None:
    before, (start, body) = refused("http", *parts)
    assert before == read
    assert (start["status"], body["body"]) == (403, b"no\n")
    assert dict(start["headers"])[b"content-length"] == b"3", "half of an answer is seen to be half"


def test_a_web_socket_is_closed_at_once() -> None:
    assert refused("websocket", part(b"x")) == (0, [{"type": "websocket.close", "code": 1008}])
