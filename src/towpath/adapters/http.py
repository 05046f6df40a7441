"""HTTP requests that Towpath sends itself: verified TLS, the machine's proxies, bounded time and size.

The API server of Kubernetes has a transport of its own. Why urllib3: docs/decisions/0008-http-clients.md.
"""

import ssl
import time
import urllib.request
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from typing import IO, Any, TypeAlias
from urllib.parse import unquote, urljoin, urlsplit

import urllib3

from towpath.adapters.authorities import Trust, default_certificates

_REDIRECTS = (301, 302, 303, 307, 308)
_OWN_HEADERS = ("authorization", "cookie")
IDLE = 3.0
"""Seconds after which a kept connection is not used again: many servers, Prefect's among them, close one that
was idle for 5, and what is sent at that moment is lost, as if the server were away.
"""
HttpAnswer: TypeAlias = urllib3.BaseHTTPResponse
"""An answer whose body is not read yet: `status`, `headers`."""


class HttpError(Exception):
    """No answer, or only part of one; its text is the reason."""


class CertificateError(HttpError):
    """The other side has no certificate that this machine trusts."""


class HttpClient:
    """Sends requests over kept connections. Not for several threads at a time.

    `proxies` says whether the machine's proxies are used; `certificates` is a function that makes the TLS
    context, called when the first https address is asked, and again when the machine's authorities change.
    """

    def __init__(
        self, *, proxies: bool = True, certificates: Callable[[], ssl.SSLContext] | None = None
    ) -> None:
        self._proxies = urllib.request.getproxies() if proxies else {}
        self._trust = Trust(certificates or default_certificates)
        self._managers: dict[tuple[str, ssl.SSLContext | None], urllib3.PoolManager] = {}
        self._sent: dict[tuple[str, str, int | None], float] = {}

    def send(  # noqa: PLR0913
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | IO[bytes] | None = None,
        timeout: tuple[float, float],
        redirects: int = 0,
    ) -> HttpAnswer:
        """The answer, whatever its status, its body not read yet. HttpError when there is none.

        `timeout` is in seconds: to connect, and to wait for the next bytes. Of a `body` that is a file, the
        header Content-Length says how much is sent. Credentials are not sent along to
        another host by a redirect.
        """
        retries = urllib3.Retry(
            redirects,
            connect=0,
            read=0,
            status=0,
            other=0,
            redirect=redirects,
            raise_on_redirect=False,
            respect_retry_after_header=False,
        )
        try:
            self._close_idle(url)
            return self._manager(url).request(
                method,
                url,
                headers={"User-Agent": "towpath", **(headers or {})},
                body=body,
                timeout=urllib3.Timeout(connect=timeout[0], read=timeout[1]),
                retries=retries,
                redirect=redirects > 0,
                preload_content=False,
            )
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            reason = getattr(error, "reason", None) or error
            if isinstance(reason, urllib3.exceptions.SSLError | ssl.SSLError):
                raise CertificateError(str(reason)) from error
            raise HttpError(str(reason)) from error

    def follow(  # noqa: PLR0913
        self,
        url: str,
        *,
        headers: Mapping[str, str],
        timeout: tuple[float, float],
        redirects: int,
        check: Callable[[str], None],
        method: str = "GET",
    ) -> HttpAnswer:
        """As `send`, over redirects of which `check` raises for each address that may not be asked.

        The headers Authorization and Cookie go to the scheme, host and port of `url` alone. HttpError when
        there are more redirects.
        """
        first = origin_of(url)
        for _ in range(redirects + 1):
            sent = dict(headers)
            if origin_of(url) != first:
                sent = {name: each for name, each in sent.items() if name.lower() not in _OWN_HEADERS}
            answer = self.send(method, url, headers=sent, timeout=timeout)
            place = answer.headers.get("Location") if answer.status in _REDIRECTS else None
            if not place:
                return answer
            answer.close()
            try:
                url = urljoin(url, place)
                origin_of(url)
            except ValueError as error:
                raise HttpError("a redirect to what is no URL") from error
            check(url)
        raise HttpError(f"more than {redirects} redirects")

    def close(self) -> None:
        """Close every connection."""
        for manager in self._managers.values():
            manager.clear()

    def _manager(self, url: str) -> urllib3.PoolManager:
        parts = urlsplit(url)
        proxy = "" if urllib.request.proxy_bypass(parts.netloc) else self._proxies.get(parts.scheme, "")
        key = (proxy, self._trust.context() if parts.scheme == "https" else None)
        if key not in self._managers:
            self._forget_former(key[1])
            options: dict[str, Any] = {"ssl_context": key[1]} if key[1] else {}
            self._managers[key] = _through(proxy, options) if proxy else urllib3.PoolManager(**options)
        return self._managers[key]

    def _close_idle(self, url: str) -> None:
        origin, now = origin_of(url), time.monotonic()
        if now - self._sent.get(origin, now) > IDLE:
            self.close()
            self._sent.clear()
        self._sent[origin] = now

    def _forget_former(self, context: ssl.SSLContext | None) -> None:
        for key in [each for each in self._managers if context and each[1] not in (None, context)]:
            self._managers.pop(key).clear()


def origin_of(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port of a URL. Raises ValueError for one that cannot be read."""
    parts = urlsplit(url)
    scheme = parts.scheme.lower()
    return scheme, (parts.hostname or "").lower(), parts.port or {"https": 443, "http": 80}.get(scheme)


def asked_pause(answer: HttpAnswer) -> float | None:
    """Seconds that the server asks to wait, by its own clock where it tells that; None: it does not ask."""
    value, now = answer.headers.get("Retry-After", ""), answer.headers.get("Date")
    if value.isdecimal():
        return float(value[:9])
    try:
        begin = parsedate_to_datetime(now).timestamp() if now else time.time()
        return max(0.0, parsedate_to_datetime(value).timestamp() - begin)
    except (TypeError, ValueError, OverflowError):
        return None


def read_body(answer: HttpAnswer, largest: int, seconds: float | None = None) -> bytes | None:
    """The answer's body; None when it has more than `largest` bytes.

    HttpError when it breaks off, or takes longer than `seconds`.
    """
    content = bytearray()
    deadline = None if seconds is None else time.monotonic() + seconds
    try:
        for chunk in answer.stream(65536):
            content += chunk
            if deadline is not None and time.monotonic() > deadline:
                answer.close()
                raise HttpError(f"sent only {len(content)} bytes in {seconds:g} s")
            if len(content) > largest:
                answer.close()
                return None
    except (urllib3.exceptions.HTTPError, OSError) as error:
        answer.close()
        raise HttpError(f"broke off after {len(content)} bytes: {error}") from error
    answer.release_conn()
    return bytes(content)


def read_start(answer: HttpAnswer, largest: int) -> bytes:
    """The first bytes of the answer's body, at most `largest`. HttpError when it breaks off before them."""
    try:
        return answer.read(largest)
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise HttpError(f"the answer broke off: {error}") from error
    finally:
        answer.close()


def _through(proxy: str, options: dict[str, Any]) -> urllib3.PoolManager:
    parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
    login = f"{unquote(parts.username)}:{unquote(parts.password or '')}" if parts.username else None
    headers = urllib3.make_headers(proxy_basic_auth=login)
    host = parts.netloc.rpartition("@")[2]
    return urllib3.ProxyManager(f"{parts.scheme}://{host}", proxy_headers=headers, **options)
