"""What the guards before the Prefect server's application share: ASGI's types, and how to refuse."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
App = Callable[[Scope, Any, Any], Awaitable[None]]
LARGEST = 1024 * 1024
"""Bytes of a refused request that are read, and forgotten."""


async def refuse(scope: Scope, receive: Any, send: Any, *, body: bytes, content_type: str) -> None:
    """Answer 403 to an HTTP request, 1008 (policy) to a WebSocket.

    The request is read first: a proxy in front that is still sending it when the answer comes takes the
    connection for broken, and its client gets half of the answer.
    """
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})
        return
    await _read(receive)
    headers = [(b"content-type", content_type.encode()), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 403, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _read(receive: Any) -> None:
    size, more = 0, True
    while more and size <= LARGEST:
        message = await receive()
        size += len(message.get("body", b""))
        more = message["type"] == "http.request" and message.get("more_body", False)
