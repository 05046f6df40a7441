"""A cache of render results: one file per result, keyed by the content of everything it was rendered from.

The key is a hash over the Git blob ids of all files that rendering reads. Unlike a Git tree id it also covers
bases beside the app's folder and folders that are not committed. A commit
that touches one app changes the keys of that app only.
"""

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from towpath.yamltext.manifest_reader import ManifestDocument

MAX_ENTRIES = 4_000
MAX_BYTES = 256 << 20
_FORMAT = "2"


def blob_id(content: bytes) -> str:
    """The id Git gives a file of this content."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def cache_key(inputs: Iterable[str]) -> str:
    """The key of a result that depends on `inputs` and nothing else: 64 hex digits."""
    return hashlib.sha256("\0".join((_FORMAT, *inputs)).encode()).hexdigest()


class RenderCache:
    """A folder of results. Several processes may use it at once, and it may be removed at any time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, key: str) -> list[ManifestDocument] | None:
        """The result; None when there is none, or its file is damaged."""
        path = self._path(key)
        try:
            content = path.read_bytes()
            os.utime(path)
        except OSError:
            return None
        digest, _, body = content.partition(b"\n")
        if digest.decode(errors="replace") != _digest(key, body):
            path.unlink(missing_ok=True)
            return None
        return [ManifestDocument(value, file, line) for value, file, line in json.loads(body)]

    def put(self, key: str, documents: Iterable[ManifestDocument]) -> None:
        """Store a result. A cache that cannot be written is not an error."""
        path = self._path(key)
        body = json.dumps([[each.value, each.file, each.line] for each in documents]).encode()
        with contextlib.suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            # Results contain rendered Secrets: mkstemp makes files that only their owner can read.
            number, name = tempfile.mkstemp(dir=path.parent, prefix=".new-")
            try:
                with os.fdopen(number, "wb") as file:
                    file.write(_digest(key, body).encode() + b"\n" + body)
                Path(name).replace(path)
            except OSError:
                Path(name).unlink(missing_ok=True)
                raise

    def trim(self) -> None:
        """Remove the least recently used results until MAX_ENTRIES and MAX_BYTES are kept."""
        results = []
        with contextlib.suppress(OSError):  # the folder may be unreadable
            for path in self._folder.glob("*/*"):
                with contextlib.suppress(OSError):
                    status = path.stat()
                    results.append((status.st_mtime, status.st_size, path))
        results.sort(reverse=True)
        total = 0
        for index, (_, size, path) in enumerate(results):
            total += size
            if index >= MAX_ENTRIES or total > MAX_BYTES:
                path.unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        return self._folder / key[:2] / key[2:]


def _digest(key: str, body: bytes) -> str:
    return hashlib.sha256(key.encode() + body).hexdigest()
