"""A request that SQLite refused is sent again by the server itself; what the client sees is one answer."""

import asyncio
import contextlib
from typing import Any

import pytest

from towpath.orchestration import busy_database
from towpath.orchestration.busy_database import RetryBusy

Message = dict[str, Any]


class Server:
    """Answers with these statuses, one after the other, and notes the bodies that reach it."""

    def __init__(self, *statuses: int) -> None:
        self.statuses = list(statuses)
        self.bodies: list[bytes] = []

    async def __call__(self, _scope: Any, receive: Any, send: Any) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        self.bodies.append(body)
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": str(status).encode()})
        if status == 503:  # as Starlette does after its answer
            raise OSError("database is locked")


def asked(
    server: Server, *parts: bytes, method: str = "POST", kind: str = "http", patience: float = 5.0
) -> list[Message]:
    """What is sent for a request whose body comes in these parts."""
    sent: list[Message] = []
    left = [
        {"type": "http.request", "body": part, "more_body": number < len(parts)}
        for number, part in enumerate(parts, start=1)
    ]

    async def receive() -> Message:
        return left.pop(0) if left else {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    with contextlib.suppress(OSError):
        asyncio.run(RetryBusy(server, patience)({"type": kind, "method": method}, receive, send))
    return sent


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("parts", [(b"",), (b"whole",), (b"a", b"b", b"c"), (b"a", b"")])
def test_a_write_is_repeated_with_its_whole_body(method: str, parts: tuple[bytes, ...]) -> None:
    server = Server(503, 503, 201)
    sent = asked(server, *parts, method=method)
    assert server.bodies == [b"".join(parts)] * 3
    assert [message.get("status") for message in sent] == [201, None]
    assert sent[1]["body"] == b"201"


@pytest.mark.parametrize("status", [200, 201, 204, 404, 409, 422, 500, 502])
def test_every_other_answer_is_the_client_s_at_once(status: int) -> None:
    server = Server(status)
    assert asked(server, b"x")[0]["status"] == status
    assert len(server.bodies) == 1


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_what_only_reads_is_not_repeated(method: str) -> None:
    server = Server(503, 200)
    assert asked(server, b"", method=method)[0]["status"] == 503
    assert len(server.bodies) == 1


def test_a_server_that_stays_busy_says_so_in_the_end() -> None:
    server = Server(503)
    assert [message.get("status") for message in asked(server, b"x", patience=0.1)] == [503, None]
    assert len(server.bodies) > 2


def test_a_body_that_is_too_large_to_keep_is_sent_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(busy_database, "LARGEST", 3)
    server = Server(503, 200)
    assert asked(server, b"abcd", b"ef")[0]["status"] == 503
    assert server.bodies == [b"abcdef"]


def test_an_application_that_fails_is_not_hidden() -> None:
    async def broken(_scope: Any, _receive: Any, _send: Any) -> None:
        raise ValueError("broken")

    async def receive() -> Message:
        return {"type": "http.request", "body": b""}

    with pytest.raises(ValueError, match="broken"):
        asyncio.run(RetryBusy(broken)({"type": "http", "method": "POST"}, receive, None))


def test_a_web_socket_passes() -> None:
    reached: list[Any] = []

    async def app(scope: Any, _receive: Any, _send: Any) -> None:
        reached.append(scope["type"])

    asyncio.run(RetryBusy(app)({"type": "websocket"}, None, None))
    assert reached == ["websocket"]
