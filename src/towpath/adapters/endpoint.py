"""A small HTTP server for probes, metrics and notifications. It binds to loopback by default."""

import hmac
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from towpath.errors import MissingPartError

TIMEOUT = 5.0
"""Seconds within which a client must send its request."""
MAX_BODY = 1 << 20
"""Bytes of a request body. The body is read and discarded: Git forges send their events in it."""


@dataclass(frozen=True, slots=True)
class Response:
    """Text, HTTP status and content type of one response."""

    text: str
    status: int = 200
    content_type: str = "text/plain; charset=utf-8"


Page = Callable[[], Response]


@dataclass(frozen=True, slots=True)
class Notice:
    """`POST path` with `Authorization: Bearer TOKEN` calls `on_notice`; other requests are refused.

    `unavailable` says why nothing is noticed now, if so: the caller shall try again.
    """

    path: str
    token: str
    on_notice: Callable[[], None]
    unavailable: Callable[[], str] = lambda: ""


def serve(address: str, pages: Mapping[str, Page], notice: Notice | None = None) -> ThreadingHTTPServer:
    """Start a server in a thread that answers `GET` requests for `pages` (path -> function); returns it.

    `address` is HOST:PORT. Raises MissingPartError when the server cannot listen there.
    """
    handler = type("Handler", (_Handler,), {"pages": pages, "notice": notice})
    try:
        server = _Server(parse_address(address), handler)
    except (OSError, ValueError) as error:
        raise MissingPartError(
            f"cannot listen on {address}: {getattr(error, 'strerror', None) or error}",
            remedy="Name another address as HOST:PORT; port 0 takes any that is free.",
        ) from error
    threading.Thread(target=server.serve_forever, name="http", daemon=True).start()
    return server


def parse_address(text: str) -> tuple[str, int]:
    """Split `HOST:PORT` into host (loopback when empty) and port; ValueError for anything else."""
    host, colon, port = text.rpartition(":")
    if not colon or not (port.isascii() and port.isdigit()) or int(port) > 65535:
        raise ValueError(f"{text!r} is not HOST:PORT with a port from 0 to 65535")
    return host.strip("[]") or "127.0.0.1", int(port)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of who asked and did not wait for the answer, as probes of a busy node do."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    pages: Mapping[str, Page]
    notice: Notice | None
    timeout = TIMEOUT
    server_version = "towpath"
    sys_version = ""

    def do_GET(self) -> None:
        page = self.pages.get(self.path.partition("?")[0])
        self._respond(page() if page else Response("not found\n", 404))

    def do_POST(self) -> None:
        self.close_connection = True
        notice = self.notice
        if notice is None or self.path.partition("?")[0] != notice.path:
            self._respond(Response("not found\n", 404))
            return
        authorization = self.headers.get("Authorization", "")
        if not hmac.compare_digest(authorization.encode(), f"Bearer {notice.token}".encode()):
            self._respond(Response("a token is needed: Authorization: Bearer TOKEN\n", 401))
            return
        if not self._skip_body():
            self._respond(Response("too large\n", 413))
            return
        if why := notice.unavailable():
            self._respond(Response(f"{why}\n", 503))
            return
        notice.on_notice()
        self._respond(Response("noticed\n", 202))

    def _skip_body(self) -> bool:
        try:
            length = int(self.headers.get("Content-Length") or 0)
        except ValueError:
            return False
        if not 0 <= length <= MAX_BODY:
            return False
        self.rfile.read(length)
        return True

    def _respond(self, response: Response) -> None:
        body = response.text.encode()
        self.send_response(response.status, HTTPStatus(response.status).phrase)
        self.send_header("Content-Type", response.content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Write no log line: probes come every few seconds."""
