"""Which URLs of Git repositories may be talked to."""

import base64
import os
import re
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit, urlunsplit

from towpath.adapters.hosts import is_metadata
from towpath.errors import RefusedError
from towpath.redact import redact, remember_secret

HOSTS_VARIABLE = "TOWPATH_GIT_HOSTS"
"""Comma-separated hosts that may be talked to; every host when it is not set."""

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_SCP = re.compile(
    # One letter before the colon and no user: a drive of Windows.
    r"(?:[A-Za-z0-9_.][A-Za-z0-9_.-]*@|(?![^:]:))(?P<host>[A-Za-z0-9][A-Za-z0-9.-]*):(?P<path>[^:].*)"
)
_HOST = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]*|[0-9a-f:]*:[0-9a-f:.]*")


@dataclass(frozen=True, slots=True)
class Remote:
    """A checked URL without its credentials, which travel in `options` only. Prints without them."""

    url: str
    protocols: str
    options: tuple[tuple[str, str], ...] = field(default=(), repr=False)

    def __str__(self) -> str:
        return redact(self.url)


def check_url(url: str, *, allow_file: bool) -> Remote:
    """The remote of `url`. RefusedError for other schemes than https and ssh, and other hosts.

    `http` is for this machine only, `file` and absolute paths are for local stacks and tests (`allow_file`).
    """
    if not url or url.startswith("-") or re.search(r"[\x00-\x20\x7f]", url):
        raise RefusedError(f"not a Git URL: {redact(url)[:200]!r}")
    if re.match(r"[A-Za-z0-9+.-]*::", url):
        raise _refused(url, "remote helpers are")
    if url.startswith("/"):
        return _file(url, url, allow_file=allow_file)
    if "://" not in url:
        scp = _SCP.fullmatch(url)
        if not scp or scp["path"].startswith("-"):
            raise _refused(url, "anything but https, ssh and [user@]host:path is")
        _check_host(url, scp["host"])
        return Remote(url, "ssh")
    return _check_absolute(url, allow_file=allow_file)


def _check_absolute(url: str, *, allow_file: bool) -> Remote:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise RefusedError(f"not a Git URL: {redact(url)[:200]!r}") from error
    scheme = parts.scheme.lower()
    if scheme == "file":
        if host not in ("", "localhost"):
            raise _refused(url, "a file URL with a host is")
        return _file(url, parts.path, allow_file=allow_file)
    if scheme not in ("https", "ssh", "http"):
        raise _refused(url, f"scheme {scheme} is")
    if scheme == "http" and host not in _LOOPBACK:
        raise _refused(url, "http without TLS is, except on this machine,")
    _check_host(url, host)
    if scheme == "ssh":
        if parts.password or (parts.username or "").startswith("-"):
            raise _refused(url, "a password in an ssh URL is")
        return Remote(url, "ssh")
    place = f"[{host}]" if ":" in host else host
    bare = urlunsplit((scheme, f"{place}:{port}" if port else place, parts.path, "", ""))
    options: tuple[tuple[str, str], ...] = ()
    if parts.username or parts.password:
        user, password = unquote(parts.username or ""), unquote(parts.password or "")
        is_owner = user in parts.path.split("/")  # as in https://ORG@dev.azure.com/ORG/…: it names an account
        remember_secret(password or ("" if is_owner else user))
        token = base64.b64encode(f"{user}:{password}".encode()).decode()
        remember_secret(token)
        options = ((f"http.{bare}.extraHeader", f"Authorization: Basic {token}"),)
    return Remote(bare, scheme, options)


def _file(url: str, path: str, *, allow_file: bool) -> Remote:
    if not allow_file:
        raise _refused(
            url,
            "a local repository is",
            "TOWPATH_GIT_ALLOW_FILE=1 allows local repositories (local stack, tests).",
        )
    if ".." in path.split("/"):
        raise _refused(url, "`..` is")
    return Remote(url, "file")


def _check_host(url: str, host: str) -> None:
    if not _HOST.fullmatch(host):
        raise _refused(url, "that host is")
    if is_metadata(host):
        raise _refused(url, "a link-local host is")
    allowed = [name.strip() for name in os.environ.get(HOSTS_VARIABLE, "").split(",") if name.strip()]
    if allowed and host.lower() not in {name.lower() for name in allowed}:
        raise _refused(url, f"host {host} is", f"{HOSTS_VARIABLE} allows {', '.join(allowed)}.")


def _refused(url: str, what: str, remedy: str | None = None) -> RefusedError:
    return RefusedError(f"Git URL {redact(url)[:200]}: {what} not allowed", remedy=remedy)
