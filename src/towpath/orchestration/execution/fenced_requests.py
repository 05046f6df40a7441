"""Prefect's clients in an agent's processes write to the server only while the agent leads.

They send again what the server was too busy for, after seconds: each of these asks anew, and once more before
its body, when connection and head are through.
"""

from collections.abc import AsyncIterator, Callable, Iterator
from functools import lru_cache, wraps
from typing import Any

import httpx

from towpath.fence import require_leadership


@lru_cache(maxsize=1)
def fence_requests() -> None:
    """In this process, and those forked from it. What only reads is sent as before."""
    httpx.HTTPTransport.handle_request = _fenced(httpx.HTTPTransport.handle_request)  # type: ignore[method-assign]
    httpx.AsyncHTTPTransport.handle_async_request = _fenced(  # type: ignore[method-assign]
        httpx.AsyncHTTPTransport.handle_async_request
    )


def _fenced(send: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(send)
    def fenced(self: Any, request: httpx.Request) -> Any:
        if request.method != "GET":
            what = f"{request.method} {request.url.path} at the Prefect server"
            require_leadership(what)
            if not isinstance(request.stream, _WhileLeading):  # it is sent again
                request.stream = _WhileLeading(request.stream, what)
        return send(self, request)

    return fenced


class _WhileLeading(httpx.SyncByteStream, httpx.AsyncByteStream):
    """The body of a request."""

    def __init__(self, body: Any, what: str) -> None:
        self._body, self._what = body, what

    def __iter__(self) -> Iterator[bytes]:
        require_leadership(self._what)
        yield from self._body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        require_leadership(self._what)
        async for part in self._body:
            yield part
