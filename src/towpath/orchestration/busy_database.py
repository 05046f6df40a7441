"""Asks the Prefect server again, in its own process, when SQLite was busy.

A transaction that begins by reading and then wants to write is refused at once while another one writes. The
server answers 503 then, and every client waits two seconds and more before it sends the same request again.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from typing import Any

from towpath.orchestration.asgi import App, Message, Scope

PATIENCE = 10.0
"""Seconds after which the client is told."""
PAUSE = 0.02
LONGEST_PAUSE = 0.25
"""Seconds between two tries: they double from the first to the second."""
LARGEST = 4 * 1024 * 1024
"""Bytes of a request that is kept for another try."""
_WRITES = ("POST", "PUT", "PATCH", "DELETE")
_BUSY = 503


class RetryBusy:
    """An ASGI application before another one. What reads only is never refused by SQLite, and passes."""

    def __init__(self, app: App, patience: float = PATIENCE) -> None:
        self._app, self._patience = app, patience

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or scope["method"] not in _WRITES:
            await self._app(scope, receive, send)
            return
        request = await _read(receive)
        until, pause = time.monotonic() + self._patience, PAUSE
        while True:
            last = request.truncated or time.monotonic() >= until
            answer = _Answer(send, keep_busy=not last)
            try:
                await self._app(dict(scope), request.replay(receive), answer.send)
            except Exception:
                if not answer.busy:  # Starlette raises what it has answered by 503
                    raise
            if not answer.busy:
                return
            await asyncio.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 - jitter
            pause = min(2 * pause, LONGEST_PAUSE)


class _Request:
    """The messages of a request's body. `truncated`: more follow, which cannot be sent again."""

    def __init__(self, messages: list[Message], *, truncated: bool) -> None:
        self._messages, self.truncated = messages, truncated

    def replay(self, receive: Any) -> Callable[[], Awaitable[Message]]:
        """`receive` from the beginning."""
        left = iter(self._messages)

        async def from_the_beginning() -> Message:
            message = next(left, None)
            return message if message is not None else await receive()

        return from_the_beginning


async def _read(receive: Any) -> _Request:
    messages: list[Message] = []
    size, more = 0, True
    while more and size <= LARGEST:
        message = await receive()
        messages.append(message)
        size += len(message.get("body", b""))
        more = message["type"] == "http.request" and message.get("more_body", False)
    return _Request(messages, truncated=more)


class _Answer:
    """Passes an answer on, but for one that says busy when another try follows."""

    def __init__(self, send: Any, *, keep_busy: bool) -> None:
        self._send, self._keep_busy = send, keep_busy
        self.busy = False

    async def send(self, message: Message) -> None:
        """As of ASGI."""
        if message["type"] == "http.response.start" and message["status"] == _BUSY:
            self.busy = self._keep_busy
        if not self.busy:
            await self._send(message)
