"""A small HTTP server for probes, metrics and notifications. Bound to loopback unless told otherwise."""

import hmac
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from towpath.errors import MissingPartError

TIMEOUT = 5.0
"""Seconds that a client has for its request."""
LARGEST = 1 << 20
"""Bytes of a body, which is read and not looked at: forges send their events."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a page says."""

    text: str
    status: int = 200
    content_type: str = "text/plain; charset=utf-8"


Page = Callable[[], Answer]


@dataclass(frozen=True, slots=True)
class Notice:
    """`POST path` calls `told`; only with `Authorization: Bearer TOKEN`, and not at all without a token."""

    path: str
    token: str
    told: Callable[[], None]


def serve(address: str, pages: Mapping[str, Page], notice: Notice | None = None) -> ThreadingHTTPServer:
    """Answer `GET`s of `pages` in threads of their own from now on; `address` is HOST:PORT.

    Raises MissingPartError when the address cannot be had.
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
    """`HOST:PORT` -> host (loopback where it is empty) and port; ValueError."""
    host, colon, port = text.rpartition(":")
    if not colon or not (port.isascii() and port.isdigit()) or int(port) > 65535:
        raise ValueError(f"{text!r} is not HOST:PORT with a port from 0 to 65535")
    return host.strip("[]") or "127.0.0.1", int(port)


class _Server(ThreadingHTTPServer):
    daemon_threads = True


class _Handler(BaseHTTPRequestHandler):
    pages: Mapping[str, Page]
    notice: Notice | None
    timeout = TIMEOUT
    server_version = "towpath"
    sys_version = ""

    def do_GET(self) -> None:
        page = self.pages.get(self.path.partition("?")[0])
        self._answer(page() if page else Answer("not found\n", 404))

    def do_POST(self) -> None:
        self.close_connection = True
        notice = self.notice
        if notice is None or self.path.partition("?")[0] != notice.path:
            self._answer(Answer("not found\n", 404))
            return
        given = self.headers.get("Authorization", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {notice.token}".encode()):
            self._answer(Answer("a token is needed: Authorization: Bearer TOKEN\n", 401))
            return
        if not self._skip_body():
            self._answer(Answer("too large\n", 413))
            return
        notice.told()
        self._answer(Answer("noticed\n", 202))

    def _skip_body(self) -> bool:
        try:
            length = int(self.headers.get("Content-Length") or 0)
        except ValueError:
            return False
        if not 0 <= length <= LARGEST:
            return False
        self.rfile.read(length)
        return True

    def _answer(self, answer: Answer) -> None:
        body = answer.text.encode()
        self.send_response(answer.status, HTTPStatus(answer.status).phrase)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Probes come every few seconds: no line for each."""
