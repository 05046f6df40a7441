"""An image in a file: a tar with an OCI layout, as BuildKit writes it; and its way into a registry.

What the file's index names is verified by digest as it is read: the manifest and the configuration here, the
layers by the registry.
"""

import json
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, Any

from towpath.adapters.registries.oci import Repository, digest_of
from towpath.errors import BuildError, TerminalError
from towpath.release.image_ref import ImageReference, check_digest

MAX_JSON = 4 * 1024 * 1024
"""Bytes of an index, a manifest or a configuration."""


class ImageArchive:
    """The one image of an archive that is open."""

    def __init__(self, tar: tarfile.TarFile) -> None:
        self._tar = tar
        index = _object(self._read("index.json"))
        [entry] = index["manifests"]
        self.media_type = str(entry["mediaType"])
        self.manifest = self._verified(str(entry["digest"]))
        described = _object(self.manifest)
        self._config: dict[str, Any] = described["config"]
        self._layers: list[dict[str, Any]] = described["layers"]
        self._verified(self.id)

    @property
    def id(self) -> str:
        """The digest of its configuration, `sha256:…`."""
        return check_digest(str(self._config["digest"]))

    def push(self, reference: ImageReference) -> str:
        """Upload what the registry lacks, and tag it; the manifest's digest."""
        repository = Repository(reference, push=True)
        for each in (*self._layers, self._config):
            digest = check_digest(str(each["digest"]))
            repository.put(digest, int(each["size"]), partial(self._blob, digest))
        repository.put_manifest(str(reference.tag), self.manifest, self.media_type)
        return digest_of(self.manifest)

    def _verified(self, digest: str) -> bytes:
        content = self._blob(check_digest(digest)).read(MAX_JSON)
        if digest_of(content) != digest:
            raise ValueError(f"{digest} is damaged")
        return content

    def _read(self, name: str) -> bytes:
        return self._file(name).read(MAX_JSON)

    def _blob(self, digest: str) -> IO[bytes]:
        return self._file(f"blobs/{digest.replace(':', '/')}")

    def _file(self, name: str) -> IO[bytes]:
        file = self._tar.extractfile(name)
        if file is None:
            raise ValueError(f"{name} is no file")
        return file


@contextmanager
def opened(path: Path) -> Iterator[ImageArchive]:
    """Open an archive. BuildError for one that is not of one image, TerminalError when there is none."""
    try:
        with tarfile.open(path) as tar:
            try:
                image = ImageArchive(tar)
            except (ValueError, KeyError, TypeError, tarfile.TarError) as error:
                raise BuildError(f"BuildKit wrote no archive of one image: {error}") from error
            yield image
    except OSError as error:
        raise TerminalError(f"cannot read {path.name}: {error.strerror or error}") from error


def _object(text: bytes) -> dict[str, Any]:
    found = json.loads(text)
    if not isinstance(found, dict):
        raise TypeError("no JSON object")
    return found
