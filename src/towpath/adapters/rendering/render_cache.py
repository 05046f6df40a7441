"""What was rendered before: one file per result, found by the content of everything it was made of.

The key is a hash over the Git blob ids of all files that rendering reads, so it is to a render what a tree id
is to a folder, also for bases beside the app's folder and for folders that nobody has committed. A commit
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
_FORMAT = "1"


def blob_id(content: bytes) -> str:
    """The id Git gives a file of this content."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def cache_key(inputs: Iterable[str]) -> str:
    """A name for a result made of `inputs`, and of nothing else."""
    return hashlib.sha256("\0".join((_FORMAT, *inputs)).encode()).hexdigest()


class RenderCache:
    """A folder of results; any number of processes may use it at once, and it may be removed at any time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, key: str) -> list[ManifestDocument] | None:
        """The result, or None when there is none, or what is there is not what was written."""
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
        """Keep a result. A cache that cannot be written is no error: the result is there all the same."""
        path = self._path(key)
        body = json.dumps([[each.value, each.file, each.line] for each in documents]).encode()
        with contextlib.suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            # Rendered Secrets are among the results: mkstemp makes files that only we can read.
            number, name = tempfile.mkstemp(dir=path.parent, prefix=".new-")
            try:
                with os.fdopen(number, "wb") as file:
                    file.write(_digest(key, body).encode() + b"\n" + body)
                Path(name).replace(path)
            except OSError:
                Path(name).unlink(missing_ok=True)
                raise

    def trim(self) -> None:
        """Remove the results that were not used for longest, until the rest is within bounds."""
        results = []
        with contextlib.suppress(OSError):  # a folder that is not ours to read
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
