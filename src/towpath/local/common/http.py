"""Small requests over TCP, TLS or a Unix socket, by the standard library alone: `status` must start fast."""

import http.client
import json
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from towpath.errors import TransientError

APPLY = "application/apply-patch+yaml"


@dataclass(frozen=True, slots=True)
class Reply:
    """What the other side answered."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Is it a success?"""
        return 200 <= self.status < 300

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


def request(  # noqa: PLR0913
    method: str,
    url: str,
    body: object | None = None,
    *,
    tls: ssl.SSLContext | None = None,
    content_type: str = "application/json",
    timeout: float = 10.0,
) -> Reply:
    """Send one request; `unix:///path.sock:/api` reaches a Unix socket.

    Bytes are sent as they are, anything else as JSON.
    `timeout` is in seconds. TransientError when nobody answers.
    """
    connection, path = _connect(url, tls, timeout)
    data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    headers = {} if data is None else {"Content-Type": content_type}
    try:
        connection.request(method, path, data, headers)
        reply = connection.getresponse()
        return Reply(reply.status, reply.read(), {name.lower(): value for name, value in reply.getheaders()})
    except (OSError, http.client.HTTPException) as error:
        raise TransientError(f"{method} {url}: {error or type(error).__name__}") from error
    finally:
        connection.close()


def _connect(url: str, tls: ssl.SSLContext | None, timeout: float) -> tuple[http.client.HTTPConnection, str]:
    if url.startswith("unix://"):
        socket_path, _, path = url.removeprefix("unix://").partition(":")
        return _UnixConnection(socket_path, timeout), path
    parts = urlsplit(url)
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    host, port = parts.hostname or "", parts.port
    if parts.scheme == "https":
        return http.client.HTTPSConnection(host, port, timeout=timeout, context=tls), path
    return http.client.HTTPConnection(host, port, timeout=timeout), path


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)
