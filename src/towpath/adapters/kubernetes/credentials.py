"""Who we are to an API server, now: tokens and certificates, from texts, files or a program."""

import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from towpath.adapters.kubernetes.fields import KubeconfigError
from towpath.adapters.kubernetes.kubeconfig import UserEntry
from towpath.adapters.kubernetes.tls import KeyPair, WatchedFiles, read_file
from towpath.redact import forget_secret, remember_secret

READ_AGAIN = 50.0
"""Seconds after which a token file is read again, as by client-go: the kubelet replaces projected tokens."""
_TOKEN = re.compile(r"[\x21-\x7e]+")
_KEPT = 64
_rotated: dict[str, None] = {}
_rotated_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class Identity:
    """What a request is sent with. Without either part it would be anonymous, which is refused before."""

    token: str = field(default="", repr=False)
    pair: KeyPair | None = None


class Source(Protocol):
    """Gives the identity of the moment; may be asked from several threads."""

    def current(self) -> Identity:
        """The one to use now. Raises TerminalError when there is none."""

    def renewed(self, refused: Identity) -> Identity | None:
        """Another one after the server has answered 401 to `refused`, or None."""


class Nobody:
    """No credentials: for a proxy on this machine that adds its own."""

    def current(self) -> Identity:
        return Identity()

    def renewed(self, refused: Identity) -> None:  # noqa: ARG002
        return None


class Given:
    """What the user entry itself holds or names by files."""

    def __init__(self, user: UserEntry, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._token = _TokenFile(user, clock) if user.token_file else None
        self._fixed = "" if user.token_file else checked_token(user.token, "`token`") if user.token else ""
        self._user = user
        files = [file for file in (user.certificate_file, user.key_file) if file]
        self._files = WatchedFiles(*files) if user.has_certificate and files else None

    def current(self) -> Identity:
        return Identity(self._token.read() if self._token else self._fixed, self._key_pair())

    def renewed(self, refused: Identity) -> Identity | None:
        if self._token:
            self._token.expire(refused.token)
        found = self.current()
        return found if found != refused else None

    def _key_pair(self) -> KeyPair | None:
        user = self._user
        if not user.has_certificate:
            return None
        contents = iter(self._files.contents() if self._files else ())
        certificate = user.certificate or next(contents)
        return KeyPair(certificate, user.key or next(contents))


class _TokenFile:
    """A token that may change. What was read last stays while the file is missing or empty."""

    def __init__(self, user: UserEntry, clock: Callable[[], float]) -> None:
        self._file, self._clock = user.token_file, clock
        self._lock = threading.Lock()
        self._due = clock()
        self._token = checked_token(user.token, "`token`") if user.token else ""
        if not self._token:
            self._token = self._from_file()
            self._due = clock() + READ_AGAIN

    def read(self) -> str:
        with self._lock:
            if self._clock() >= self._due:
                self._due = self._clock() + READ_AGAIN
                try:
                    self._token = self._from_file()
                except KubeconfigError:
                    self._due = self._clock()  # it is being written: at the next request again
            return self._token

    def expire(self, refused: str) -> None:
        """Read it again, unless that has been done since `refused` was taken from it."""
        with self._lock:
            if self._token == refused:
                self._due = self._clock()

    def _from_file(self) -> str:
        try:
            text = read_file(self._file).decode("utf-8").strip()
        except UnicodeDecodeError:
            raise KubeconfigError(f"token file {self._file} holds no token") from None
        if not text:
            raise KubeconfigError(f"token file {self._file} is empty")
        return checked_token(text, f"token file {self._file}")


def checked_token(token: str, where: str) -> str:
    """The token, from now on masked wherever it might be shown.

    With white space in it, the server would read another one, or none, and take us for anonymous.
    """
    if not _TOKEN.fullmatch(token):
        raise KubeconfigError(f"{where} holds white space or characters that no token has")
    _mask(token)
    return token


def _mask(token: str) -> None:
    with _rotated_lock:
        _rotated.pop(token, None)
        _rotated[token] = None
        remember_secret(token)
        # A process that runs for months sees thousands, and each costs time at every line that is masked.
        if len(_rotated) > _KEPT:
            oldest = next(iter(_rotated))
            del _rotated[oldest]
            forget_secret(oldest)
