"""One `git` command: which URLs it may talk to, what it may read, and what its failures mean."""

import base64
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

from towpath.adapters.process import MAX_OUTPUT, CommandError, Completed, run
from towpath.errors import (
    MissingPartError,
    RefusedError,
    TowpathError,
    TransientError,
    UnknownNameError,
)
from towpath.redact import redact, remember_secret
from towpath.settings import GIT_CONFIG

HOSTS_VARIABLE = "TOWPATH_GIT_HOSTS"
"""Comma-separated hosts that may be talked to; every host when it is not set."""

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_SCP = re.compile(
    r"(?P<user>[A-Za-z0-9_.][A-Za-z0-9_.-]*)@(?P<host>[A-Za-z0-9][A-Za-z0-9.-]*):(?P<path>[^:].*)"
)
_HOST = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]*|[0-9a-f:]*:[0-9a-f:.]*")
_PASSED = (
    "PATH",
    "HOME",
    "USER",
    "TMPDIR",
    "SSH_AUTH_SOCK",
    "GIT_SSH_COMMAND",
    "GIT_SSL_CAINFO",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "http_proxy",
    "https_proxy",
    "HTTPS_PROXY",
    "no_proxy",
    "NO_PROXY",
)
_OPTIONS = {
    "core.hooksPath": os.devnull,
    "core.fsmonitor": "false",
    "core.symlinks": "true",
    "core.protectHFS": "true",
    "core.protectNTFS": "true",
    "credential.helper": "",
    "fetch.recurseSubmodules": "false",
    "gc.auto": "0",
    "http.followRedirects": "false",
    "maintenance.auto": "false",
    "push.followTags": "false",
    "push.gpgSign": "false",
    "submodule.recurse": "false",
}
_MISSING = re.compile(
    r"repository .*not found|does not appear to be a git repository|does not exist|returned error: 404", re.I
)
_TOO_LARGE = re.compile(
    r"^(fatal|error): .*(File too large|died of signal 25|invalid index-pack output)", re.M
)
"""What Git says when it may not write a file as large."""
_NO_RIGHT = re.compile(
    r"authentication failed|could not read (username|password)|permission denied|access denied|"
    r"host key verification failed|returned error: 40[13]|redirect",
    re.I,
)


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
            raise _refused(url, "anything but https, ssh and user@host:path is")
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
        remember_secret(password or user)
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
    # Metadata services of clouds hand out credentials to whoever asks from inside.
    if host.startswith("169.254.") or host == "metadata.google.internal":
        raise _refused(url, "a link-local host is")
    allowed = [name.strip() for name in os.environ.get(HOSTS_VARIABLE, "").split(",") if name.strip()]
    if allowed and host not in allowed:
        raise _refused(url, f"host {host} is", f"{HOSTS_VARIABLE} allows {', '.join(allowed)}.")


def _refused(url: str, what: str, remedy: str | None = None) -> RefusedError:
    return RefusedError(f"Git URL {redact(url)[:200]}: {what} not allowed", remedy=remedy)


def environment(remote: Remote | None = None) -> dict[str, str]:
    """The whole environment of a `git` process: nothing of the user's or the system's configuration."""
    options = {**_OPTIONS, **dict(remote.options if remote else ())}
    env = {name: os.environ[name] for name in _PASSED if name in os.environ}
    env |= {
        "LC_ALL": "C.UTF-8",
        "LANGUAGE": "C",
        "GIT_ALLOW_PROTOCOL": remote.protocols if remote else "none",
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_CONFIG_COUNT": str(len(options)),
        # A file of the machine: Git asks no other place whether the repository of another user is safe.
        "GIT_CONFIG_GLOBAL": os.environ.get(GIT_CONFIG) or os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_LITERAL_PATHSPECS": "1",
    }
    env.setdefault(
        "GIT_SSH_COMMAND",
        "ssh -oBatchMode=yes -oConnectTimeout=15 -oStrictHostKeyChecking=yes -oClearAllForwardings=yes",
    )
    for index, (name, value) in enumerate(options.items()):
        env[f"GIT_CONFIG_KEY_{index}"] = name
        env[f"GIT_CONFIG_VALUE_{index}"] = value
    return env


def git(  # noqa: PLR0913
    folder: Path,
    *args: str,
    remote: Remote | None = None,
    timeout: float = 60.0,
    input: str | None = None,  # noqa: A002
    codes: Sequence[int] = (0,),
    env: dict[str, str] | None = None,
    max_output: int = MAX_OUTPUT,
    max_file: int | None = None,
) -> Completed:
    """Run `git --git-dir FOLDER ARGS`; with `remote`, a failure is translated as one of that URL's.

    `max_output` and `max_file` are limits in bytes, of each stream and of each file that it writes.
    """
    command = ["git", "--git-dir", str(folder), *args]
    try:
        return run(
            command,
            env=environment(remote) | (env or {}),
            timeout=timeout,
            input=input,
            codes=codes,
            max_output=max_output,
            max_file=max_file,
        )
    except CommandError as error:
        if remote is None:
            raise
        if max_file and _TOO_LARGE.search(error.output):
            raise RefusedError(f"Git repository {remote} sends more than may be fetched of it") from error
        raise translate(remote, error, timeout) from error


def translate(remote: Remote, error: CommandError, timeout: float) -> TowpathError:
    """What a failed fetch or push means; everything that is not known to be final may go away by itself."""
    if error.timed_out:
        return TransientError(f"Git repository {remote} did not answer within {timeout:g} s")
    said = [line for line in error.output.splitlines() if line.strip()]
    reason = next((line for line in said if line.startswith(("fatal:", "error:"))), said[-1] if said else "")
    if _NO_RIGHT.search(error.output):
        return MissingPartError(
            f"Git repository {remote} refused us: {reason}",
            remedy="Give this machine the right to it: a key for ssh, ~/.netrc for https.",
        )
    if _MISSING.search(error.output):
        return UnknownNameError("Git repository", str(remote))
    return TransientError(f"Git repository {remote} cannot be reached: {reason}")
