"""Requests and answers: one connection pool, 429 and 503 waited for, errors translated."""

import json
import random
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import urlencode

import urllib3

from towpath.adapters.kubernetes.errors import (
    RETRIED,
    TooDeepError,
    retry_after,
    silent,
    translate,
    unreachable,
)
from towpath.errors import TowpathError, TransientError
from towpath.redact import remember_objects

ATTEMPTS = 6
LONGEST_PAUSE = 10.0
CONNECT_TIMEOUT = 5.0
READ_TIMEOUT = 60.0
APPLY = "application/apply-patch+yaml"
_ESCAPED = re.compile("[\x7f-\uffff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request. `what` says in words what it is for.

    `timeout` is in seconds, for each read; None: the wire's own.
    """

    method: str
    path: str
    what: str
    query: Mapping[str, str] = field(default_factory=dict)
    content: Any = None
    content_type: str = "application/json"
    accept: str = "application/json"
    timeout: float | None = None
    stream: bool = False

    @property
    def repeatable(self) -> bool:
        """Sent twice, it does the same as once, and answers the same."""
        return self.method in ("GET", "DELETE") or self.content_type == APPLY


def json_body(content: Any) -> bytes:
    """JSON that is YAML too, as which a server reads an apply.

    YAML has no pairs of surrogates: what is beyond U+FFFF is not escaped. What is below is: it may end a line
    in YAML, or be refused there (U+0085, U+2028, U+FFFE).
    """
    text = json.dumps(content, ensure_ascii=False)
    return _ESCAPED.sub(lambda match: f"\\u{ord(match[0]):04x}", text).encode()


class Sender(Protocol):
    """Sends one request, as urllib3's PoolManager does."""

    def request(
        self, method: str, url: str, *, headers: Mapping[str, str], **options: Any
    ) -> urllib3.BaseHTTPResponse: ...


class Wire:
    """Sends requests to the API server at the URL `server`; may be used from several threads."""

    def __init__(self, server: str, sender: Sender, *, read_timeout: float = READ_TIMEOUT) -> None:
        self.server = server.rstrip("/")
        self._sender = sender
        self._read_timeout = read_timeout
        self._connect_timeout = min(CONNECT_TIMEOUT, read_timeout)

    def json(self, request: Request) -> dict[str, Any]:
        """The answer's JSON object."""
        return self.read(self.send(request), request.what)

    def read(self, response: urllib3.BaseHTTPResponse, what: str) -> dict[str, Any]:
        """The JSON object of an answer to `what`."""
        try:
            answer: dict[str, Any] = json.loads(response.data)
        except ValueError as error:
            raise TransientError(f"{what}: {self.server} did not answer with JSON") from error
        except RecursionError as error:
            raise TooDeepError(
                f"{what}: an object is nested too deeply to be read",
                remedy="Its kind takes what its definition does not know. Delete what is in it.",
            ) from error
        remember_objects([answer])
        return answer

    def send(self, request: Request) -> urllib3.BaseHTTPResponse:
        """The answer, below 400. 429 and 503 are asked again after the time the server names, a few times."""
        for attempt in range(1, ATTEMPTS + 1):
            response = self.ask(request)
            if response.status < 400:
                return response
            error: TowpathError = translate(
                response.status, response.headers, response.data, what=request.what, server=self.server
            )
            pause = retry_after(response.headers, {}) or 0.2 * 2**attempt
            # The caller's own retry may wait for longer; a thread of ours should not.
            if response.status not in RETRIED or attempt == ATTEMPTS or pause > LONGEST_PAUSE:
                raise error
            time.sleep(pause * random.uniform(1.0, 1.25))  # noqa: S311 # jitter
        raise AssertionError

    def ask(self, request: Request) -> urllib3.BaseHTTPResponse:
        """The answer, whatever its status."""
        body = None if request.content is None else json_body(request.content)
        headers = {"Accept": request.accept, "User-Agent": "towpath"}
        headers |= {"Content-Type": request.content_type} if body is not None else {}
        query = f"?{urlencode(request.query)}" if request.query else ""
        seconds = request.timeout or self._read_timeout
        started = time.monotonic()
        for repeat in (request.repeatable, False):
            try:
                return self._sender.request(
                    request.method,
                    self.server + request.path + query,
                    body=body,
                    headers=headers,
                    timeout=urllib3.Timeout(connect=self._connect_timeout, read=seconds),
                    preload_content=not request.stream,
                    retries=False,
                )
            except urllib3.exceptions.ReadTimeoutError as error:
                raise silent(self.server, request.what, time.monotonic() - started) from error
            except urllib3.exceptions.HTTPError as error:
                # Once more on a kept-alive connection that the server had closed meanwhile.
                if not (repeat and isinstance(error, urllib3.exceptions.ProtocolError)):
                    raise unreachable(self.server, error) from error
        raise AssertionError
