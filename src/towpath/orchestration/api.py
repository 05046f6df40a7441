"""Requests to the Prefect API over HTTP, without Prefect: importing that takes longer than most verbs.

Credentials, headers, retries and time limits are those of Prefect's own client.
"""

import base64
import itertools
import json
import random
import ssl
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from towpath.adapters.authorities import default_certificates
from towpath.adapters.http import (
    CertificateError,
    HttpAnswer,
    HttpClient,
    HttpError,
    asked_pause,
    read_body,
)
from towpath.errors import TerminalError, TransientError
from towpath.fence import require_leadership
from towpath.orchestration.execution import server_clock
from towpath.orchestration.profile import prefect_setting
from towpath.redact import remember_secret

API_VERSION = "0.8.4"
"""Version of the API that Towpath speaks: the header that Prefect 3.8's and 3.9's clients send."""
CONNECT_TIMEOUT = 10.0
RETRIES = 5
RETRIED = (408, 429, 502, 503)
BUSY = {429: 2, 503: 2}
"""Status -> how many times as often it is asked again: it is there, and will get round to it."""
LONGEST_PAUSE = 10.0
"""Seconds between two requests, if the server wishes no other."""
JITTER = 0.2
LARGEST = 64 * 1024 * 1024
"""Bytes of an answer: a page of 200 runs with their parameters has less."""
_UNSAFE = ("POST", "PATCH")


class NotFoundError(TerminalError):
    """404: the server has nothing by that id, name or key."""


class HeldError(TransientError):
    """423: others have the slot."""


class BusyError(TransientError):
    """503: the server answers, and cannot do it now."""


@dataclass(frozen=True, slots=True)
class ApiAnswer:
    """An answer below 400: its status and the JSON in it (None when it is empty)."""

    status: int
    content: Any


@dataclass(slots=True)
class PrefectApi:
    """One server's API; `url` ends with `/api`. Its connections are kept open until `close`."""

    url: str
    read_timeout: float = 60.0
    retries: int = RETRIES
    login: str = field(default="", repr=False)
    """`USER:PASSWORD`; left out: as Prefect's settings say."""
    fenced: bool = True
    """Whether this process has to lead to write. Not so for what is no work of an environment."""
    _http: HttpClient = field(init=False)
    _headers: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.url = self.url.rstrip("/")
        self._http = HttpClient(certificates=_certificates)
        self._headers = _headers(self.login)

    def get(self, path: str) -> Any:
        """The JSON at `path`; NotFoundError when there is nothing."""
        return self.request("GET", path).content

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """The JSON that answers `body`."""
        return self.request("POST", path, body).content

    def request(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> ApiAnswer:
        """Send a request, again while the server is overloaded. TransientError when it stays away.

        One that answers that it is busy is asked for longer than one that does not answer.
        """
        data = None if body is None else json.dumps(body).encode()
        for attempt in itertools.count():
            last = attempt >= self.retries
            try:
                answer, content = self._send(method, path, data)
            except CertificateError as error:
                raise TransientError(
                    f"the Prefect server at {self.url} has no certificate that this machine trusts: {error}",
                    remedy="PREFECT_API_SSL_CERT_FILE can name its authority.",
                ) from error
            except HttpError as error:
                if last:
                    raise self._stopped(error) from error
                pause = 2.0**attempt / 2
            else:
                if answer.status == 403 and b"CSRF" in content and method in _UNSAFE and not last:
                    self._fetch_csrf_token()
                    continue
                most = self.retries * BUSY.get(answer.status, 1)
                if answer.status not in RETRIED or attempt >= most:
                    return self._judge(answer.status, content, method, path)
                pause = asked_pause(answer) or min(2.0**attempt / 2, LONGEST_PAUSE)
            time.sleep(pause * random.uniform(1.0, 1.0 + JITTER))  # noqa: S311 - jitter
        raise AssertionError

    def close(self) -> None:
        """Close every connection."""
        self._http.close()

    def strange(self, path: str, why: BaseException | str) -> TransientError:
        """The error for an answer that is no answer of a Prefect server: a proxy's page, say."""
        return TransientError(f"the Prefect server at {self.url} did not answer {path} as expected: {why}")

    def _send(self, method: str, path: str, data: bytes | None) -> tuple[HttpAnswer, bytes]:
        if method != "GET" and self.fenced:
            require_leadership(f"{method} {path} at the Prefect server")
        headers = self._headers | ({} if data is None else {"Content-Type": "application/json"})
        sent = time.monotonic()
        answer = self._http.send(
            method,
            self.url + path,
            headers=headers,
            body=data,
            timeout=(CONNECT_TIMEOUT, self.read_timeout),
            redirects=0,
        )
        server_clock.note(answer.headers.get("Date"), time.monotonic() - sent)
        content = read_body(answer, LARGEST)
        if content is None:
            raise self.strange(path, f"more than {LARGEST} bytes")
        return answer, content

    def _judge(self, status: int, content: bytes, method: str, path: str) -> ApiAnswer:
        if status == 404:
            raise NotFoundError(f"the Prefect server at {self.url} has nothing for {method} {path}")
        if status == 423:
            raise HeldError(f"the Prefect server at {self.url} has given the slot to others")
        if status == 503:
            raise BusyError(f"the Prefect server at {self.url} answered {status}")
        if not 200 <= status < 300:
            remedy = "PREFECT_API_AUTH_STRING must hold its credentials." if status in (401, 403) else None
            raise TransientError(f"the Prefect server at {self.url} answered {status}", remedy=remedy)
        try:
            return ApiAnswer(status, json.loads(content) if content else None)
        except (ValueError, RecursionError) as error:
            raise self.strange(path, "no JSON") from error

    def _stopped(self, error: HttpError) -> TransientError:
        return TransientError(
            f"the Prefect server at {self.url} stopped answering: {error}",
            remedy="The run goes on where it was. `towpath local status` shows the local stack.",
        )

    def _fetch_csrf_token(self) -> None:
        """Servers with PREFECT_SERVER_CSRF_PROTECTION_ENABLED want a token beside what changes something."""
        client = str(uuid.uuid4())
        answer, content = self._send("GET", f"/csrf-token?client={client}", None)
        token = self._judge(answer.status, content, "GET", "/csrf-token").content
        self._headers |= {"Prefect-Csrf-Token": str(token["token"]), "Prefect-Csrf-Client": client}


def _headers(given: str) -> dict[str, str]:
    """What every request carries."""
    headers = {"Accept": "application/json", "X-PREFECT-API-VERSION": API_VERSION}
    try:
        named = json.loads(prefect_setting("PREFECT_CLIENT_CUSTOM_HEADERS") or "{}")
        headers |= {str(name): str(value) for name, value in named.items()}
    except (ValueError, AttributeError) as error:
        raise TerminalError(
            "PREFECT_CLIENT_CUSTOM_HEADERS is no JSON object", remedy='It reads like {"X-Team": "shop"}.'
        ) from error
    if login := given or prefect_setting("PREFECT_API_AUTH_STRING"):
        headers["Authorization"] = f"Basic {base64.b64encode(login.encode()).decode()}"
    elif token := prefect_setting("PREFECT_API_KEY"):
        headers["Authorization"] = f"Bearer {token}"
    if secret := login or prefect_setting("PREFECT_API_KEY"):
        remember_secret(secret)
    return headers


def _certificates() -> ssl.SSLContext:
    if (prefect_setting("PREFECT_API_TLS_INSECURE_SKIP_VERIFY") or "").lower() in ("1", "true", "yes"):
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return context
    named = prefect_setting("PREFECT_API_SSL_CERT_FILE")
    return ssl.create_default_context(cafile=named) if named else default_certificates()
