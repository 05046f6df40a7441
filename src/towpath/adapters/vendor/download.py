"""Fetches files of one chart repository: from hosts that were named, by https, within limits."""

from collections.abc import Iterable
from typing import NoReturn
from urllib.parse import urlsplit

from towpath.adapters.hosts import is_metadata, is_private
from towpath.adapters.http import (
    CertificateError,
    HttpAnswer,
    HttpClient,
    HttpError,
    origin_of,
    read_body,
)
from towpath.adapters.vendor.logins import basic_login, variable_of
from towpath.errors import MissingPartError, RefusedError, TerminalError, TransientError
from towpath.redact import redact
from towpath.release.image_ref import is_loopback

TIMEOUT = (5.0, 30.0)
"""Seconds to connect, and to wait for the next bytes."""
SECONDS = 300.0
"""For one whole file."""
REDIRECTS = 5
_DEFAULT_PORTS = {"https": 443, "http": 80}

Origin = tuple[str, str, int | None]
"""Scheme, host and port, as `origin_of` has them: whoever answers at another port is somebody else."""


def place_of(origin: Origin) -> str:
    """An origin as `hosts` of vendor.yaml names it: HOST, or HOST:PORT if it is not the scheme's own port."""
    scheme, host, port = origin
    return host if port == _DEFAULT_PORTS.get(scheme) else f"{host}:{port}"


def names_origin(hosts: Iterable[str], origin: Origin) -> bool:
    """Whether `hosts` name an origin. One without a port means the scheme's own port alone."""
    _, host, port = origin
    return not {place_of(origin), f"{host}:{port}"}.isdisjoint(each.lower() for each in hosts)


class Downloads:
    """Files that one repository leads to. The login goes to the repository's own host and port alone."""

    def __init__(self, repository: str, hosts: Iterable[str] = ()) -> None:
        self.repository = repository
        self._origin = origin_of(repository)
        self._hosts = tuple(hosts)
        self._check_scheme(repository)
        self._http = HttpClient(proxies=not is_loopback(urlsplit(repository).netloc))

    def get(self, url: str, largest: int, what: str) -> bytes:
        """The content at an address; `what` is its name in errors.

        RefusedError for a host that was not named and for more than `largest` bytes, MissingPartError without
        the right, TransientError when there is no answer.
        """
        self._check(url)
        answer = self._ask(url, what)
        if answer.status >= 300:
            self._fail(answer, url, what)
        try:
            content = read_body(answer, largest, SECONDS)
        except HttpError as error:
            raise TransientError(f"{what} at {_shown(url)}: {redact(str(error))}") from error
        if content is None:
            raise RefusedError(f"{what} at {_shown(url)} is larger than {largest >> 20} MiB")
        return content

    def _ask(self, url: str, what: str) -> HttpAnswer:
        # What a server compresses for the way would be unpacked before its size is known.
        headers = {"Accept-Encoding": "identity"}
        if origin_of(url) == self._origin and (login := basic_login(self._origin[1])):
            headers["Authorization"] = login
        try:
            return self._http.follow(
                url, headers=headers, timeout=TIMEOUT, redirects=REDIRECTS, check=self._check
            )
        except CertificateError as error:
            raise TerminalError(
                f"{what} at {_shown(url)}: no certificate that this machine trusts: {error}",
                remedy="Add its authority to the system's, or name it in REQUESTS_CA_BUNDLE.",
            ) from error
        except HttpError as error:
            raise TransientError(
                f"{what} at {_shown(url)} cannot be fetched: {redact(str(error))}"
            ) from error

    def _check(self, url: str) -> None:
        """RefusedError for an address that this repository may not lead to."""
        try:
            origin = origin_of(url)
            login = urlsplit(url).username
        except ValueError:
            raise RefusedError(f"{_shown(self.repository)} leads to what is no URL; refused") from None
        self._check_scheme(url)
        if login is not None:
            raise RefusedError(f"{_shown(self.repository)} leads to a URL with credentials; refused")
        if origin == self._origin or names_origin(self._hosts, origin):
            return
        place = place_of(origin)[:100]
        remedy = f"If that is right, add {place} to `hosts` of the entry in vendor.yaml."
        if is_private(origin[1]):
            remedy = "It is an address of this machine or its network: ask who keeps the repository."
        raise RefusedError(
            f"{_shown(self.repository)} leads to another host, {place}; refused", remedy=remedy
        )

    def _check_scheme(self, url: str) -> None:
        parts = urlsplit(url)
        if (
            parts.scheme == "http"
            and is_loopback(parts.netloc)
            and is_loopback(urlsplit(self.repository).netloc)
        ):
            return
        if parts.scheme != "https":
            raise RefusedError(
                f"{_shown(self.repository)} leads to {parts.scheme[:20] or 'no scheme'}://; only https is"
                " allowed, and http on this machine"
            )
        if is_metadata(parts.hostname or "") or (parts.hostname or "").endswith(".internal"):
            raise RefusedError(f"{_shown(self.repository)}: a link-local host is not allowed")

    def _fail(self, answer: HttpAnswer, url: str, what: str) -> NoReturn:
        answer.close()
        message = f"{what} at {_shown(url)}: the server answered {answer.status}"
        if answer.status in (401, 403):
            host = self._origin[1]
            remedy = f"{variable_of(host)}=USER:PASSWORD gives it, or {host} in ~/.netrc."
            raise MissingPartError(f"{message}: no right to read it", remedy=remedy)
        if answer.status in (408, 425, 429) or answer.status >= 500:
            raise TransientError(message)
        raise TerminalError(message)


def _shown(url: str) -> str:
    """The URL for people: no credentials, no query."""
    parts = urlsplit(url)
    return redact(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}")[:200]
