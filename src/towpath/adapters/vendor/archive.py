"""Unpacks the archive of a chart, which anybody may have made, into memory and within limits."""

import gzip
import io
import tarfile
import zlib
from collections.abc import Iterator

from towpath.errors import RefusedError
from towpath.vendor.tree import MAX_BYTES, check_path, check_size, checked_tree

MAX_ARCHIVE = 16 << 20
"""Bytes of an archive."""
_MAX_UNPACKED = 4 * MAX_BYTES
"""Bytes that are unpacked at all, heads of files and files that are left out included."""
_MAX_MEMBERS = 20_000
_BROKEN = (tarfile.TarError, zlib.error, EOFError, OSError, ValueError, OverflowError, RecursionError)


class _Bounded(io.RawIOBase):
    """What a compressed stream holds, at most `_MAX_UNPACKED` bytes of it."""

    def __init__(self, stream: gzip.GzipFile, where: str) -> None:
        self._stream = stream
        self._where = where
        self._left = _MAX_UNPACKED

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        content = self._stream.read(min(size, 1 << 20) if size >= 0 else 1 << 20)
        self._left -= len(content)
        if self._left < 0:
            raise RefusedError(f"{self._where} unpacks to more than {_MAX_UNPACKED >> 20} MiB; refused")
        return content


def unpack(archive: bytes, where: str) -> dict[str, bytes]:
    """The files of a chart's archive, below the one folder that it holds; `where` is its name in errors.

    RefusedError for what is no such archive, links, devices, paths that lead elsewhere, and too much of it.
    """
    try:
        with (
            gzip.GzipFile(fileobj=io.BytesIO(archive)) as stream,
            tarfile.open(fileobj=_Bounded(stream, where), mode="r|") as members,
        ):
            return checked_tree(_files(members, where), where)
    except _BROKEN as error:
        raise RefusedError(f"{where} is not a whole tar archive that is compressed by gzip") from error


def _files(members: tarfile.TarFile, where: str) -> Iterator[tuple[str, bytes]]:
    top, total = "", 0
    for number, member in enumerate(members, 1):
        if number > _MAX_MEMBERS:
            raise RefusedError(f"{where} has more than {_MAX_MEMBERS:,} entries")
        name = member.name.removeprefix("./")
        if member.isdir():
            if name not in ("", "."):
                check_path(name.rstrip("/"), where)
            continue
        if not member.isreg() or member.issparse():
            raise RefusedError(
                f"{where}: {name[:200]!r} is a link, a device or another special file; refused"
            )
        folder, _, path = check_path(name, where).partition("/")
        top = top or folder
        if folder != top or not path:
            raise RefusedError(f"{where} is no chart: it has more than one folder at its top")
        check_size(1, member.size, total := total + member.size, path, where)
        content = members.extractfile(member)
        yield path, content.read(member.size) if content else b""
