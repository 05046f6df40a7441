"""TLS to an API server: verified as Go verifies it, keys never on disk, files read again when they change."""

import os
import re
import ssl
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from towpath.adapters.authorities import file_mark
from towpath.adapters.kubernetes.fields import KubeconfigError

_CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----\s.*?-----END CERTIFICATE-----", re.DOTALL)


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A client certificate, with the chain it came with, and its key: both PEM."""

    certificate: bytes
    key: bytes = field(repr=False)


class WatchedFiles:
    """The contents of files that belong together, read again once one of them has changed.

    While they cannot be read, their last contents stay.
    """

    def __init__(self, *files: str) -> None:
        self._files = files
        self._lock = threading.Lock()
        self._marks = self._now()
        self._contents = self._read()

    def contents(self) -> Sequence[bytes]:
        """What is in them now."""
        with self._lock, suppress(KubeconfigError):
            marks = self._now()
            if marks != self._marks:
                self._contents, self._marks = self._read(), marks
        return self._contents

    def _read(self) -> Sequence[bytes]:
        return tuple(read_file(file) for file in self._files)

    def _now(self) -> Sequence[object]:
        return tuple(file_mark(file) for file in self._files)


def read_file(file: str) -> bytes:
    """Its bytes, or KubeconfigError."""
    try:
        return Path(file).read_bytes()
    except (OSError, ValueError) as error:
        raise KubeconfigError(f"{file} cannot be read: {getattr(error, 'strerror', None) or error}") from None


def client_context(authority: bytes, pair: KeyPair | None) -> ssl.SSLContext:
    """Trusts the certificates in `authority`, or those of the system where it is empty.

    As for Go, any of them is an anchor, root or not, and none needs the identifiers that newer Pythons ask
    for. Raises KubeconfigError when the material is no good.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if authority:
        _trust(context, authority)
    else:
        context.load_default_certs()
    if pair is not None:
        _identify(context, pair)
    return context


def _trust(context: ssl.SSLContext, authority: bytes) -> None:
    trusted = 0
    for found in _CERTIFICATE.finditer(authority):
        # One that cannot be parsed is not trusted; the others are.
        with suppress(ssl.SSLError, ValueError):
            context.load_verify_locations(cadata=found[0].decode("ascii") + "\n")
            trusted += 1
    if not trusted:
        raise KubeconfigError("the certificate authority holds no certificate")


def _identify(context: ssl.SSLContext, pair: KeyPair) -> None:
    def encrypted() -> str:
        raise KubeconfigError("the client key is encrypted, and nobody is there to type its password")

    try:
        _with_path(pair.certificate, lambda certificate: _with_path(
            pair.key, lambda key: context.load_cert_chain(certificate, key, encrypted)
        ))  # fmt: skip
    except ssl.SSLError as error:
        why = (error.reason or "not understood").replace("_", " ").lower()
        raise KubeconfigError(f"client certificate and key cannot be used together: {why}") from None


def _with_path(content: bytes, use: Callable[[str], None]) -> None:
    """OpenSSL reads files only: this one is in memory, and gone afterwards."""
    descriptor = os.memfd_create("towpath-credential", os.MFD_CLOEXEC)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        use(f"/proc/self/fd/{descriptor}")
