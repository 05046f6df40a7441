"""Certificate authorities that this machine trusts, as their files are now: they rotate under an agent."""

import os
import ssl
from collections.abc import Callable
from pathlib import Path

BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
"""Variables that name a file or folder of certificate authorities to trust instead of the usual ones."""
_NAMING = (*BUNDLES, "SSL_CERT_FILE", "SSL_CERT_DIR", "PREFECT_API_SSL_CERT_FILE")


def file_mark(file: str) -> object:
    """Another one once the file, or what its symbolic links lead to, is another. None: it is not there."""
    try:
        found = Path(file).stat()
    except (OSError, ValueError):
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def default_certificates() -> ssl.SSLContext:
    """Those that REQUESTS_CA_BUNDLE names; else the system's and those that browsers trust."""
    named = next((os.environ[name] for name in BUNDLES if os.environ.get(name)), None)
    if named:
        folder = os.path.isdir(named)  # noqa: PTH112 - a name that cannot be a path is no folder
        return ssl.create_default_context(cafile=None if folder else named, capath=named if folder else None)
    import certifi

    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context


class Trust:
    """The TLS context that `make` gives, and another one once a file of authorities was written anew.

    While that cannot be read, the last one stays.
    """

    def __init__(self, make: Callable[[], ssl.SSLContext]) -> None:
        self._make = make
        self._marks: object = None
        self._context: ssl.SSLContext | None = None

    def context(self) -> ssl.SSLContext:
        """The one to use now. Raises as `make` where there is none yet."""
        marks = tuple(file_mark(os.environ[name]) for name in _NAMING if os.environ.get(name))
        if self._context is None or marks != self._marks:
            try:
                self._context = self._make()
            except (OSError, ValueError):
                if self._context is None:
                    raise
            self._marks = marks
        return self._context
