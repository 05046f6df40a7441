"""Access control lists of folders, read and written as the extended attribute that Linux keeps them in.

A folder that only its owner may enter gets an entry for each user of the stack that must pass through it: the
right to search it, not to list it. Removing the entries leaves the folder as it was before.
"""

import errno
import os
import stat
import struct
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ATTRIBUTE = "system.posix_acl_access"
SEARCH = 0o1
_VERSION = 2
_OWNER, _USER, _GROUP, _NAMED_GROUP, _MASK, _OTHERS = 0x01, 0x02, 0x04, 0x08, 0x10, 0x20
_NOBODY = 0xFFFFFFFF
"""In the place of an id where an entry has none."""


@dataclass(frozen=True, slots=True, order=True)
class Entry:
    """One entry. Their natural order is the one that the kernel wants."""

    tag: int
    id: int
    rights: int


def allow_search(folder: Path, users: Collection[int]) -> None:
    """Let these users pass through the folder. OSError where the file system has no such lists."""
    with _locked(folder) as descriptor:
        kept = [entry for entry in read(descriptor) if not (entry.tag == _USER and entry.id in users)]
        _write(descriptor, [*kept, *(Entry(_USER, user, SEARCH) for user in users)])


def forget(folder: Path, users: Collection[int]) -> None:
    """Remove the entries of these users."""
    with _locked(folder) as descriptor:
        entries = read(descriptor)
        kept = [entry for entry in entries if not (entry.tag == _USER and entry.id in users)]
        if kept != entries:
            _write(descriptor, kept)


def read(descriptor: int) -> list[Entry]:
    """The entries of an open file; those of its mode when it has no list."""
    try:
        data = os.getxattr(descriptor, ATTRIBUTE)
    except OSError as error:
        if error.errno != errno.ENODATA:
            raise
        mode = stat.S_IMODE(os.fstat(descriptor).st_mode)
        return [
            Entry(tag, _NOBODY, mode >> shift & 0o7)
            for tag, shift in ((_OWNER, 6), (_GROUP, 3), (_OTHERS, 0))
        ]
    return [Entry(tag, id_, rights) for tag, rights, id_ in struct.iter_unpack("<HHI", data[4:])]


def _write(descriptor: int, entries: list[Entry]) -> None:
    entries = [entry for entry in entries if entry.tag != _MASK]
    named = [entry for entry in entries if entry.tag in (_USER, _NAMED_GROUP)]
    if named:  # the mask limits them and the owning group: it is what they have together
        rights = 0
        for entry in (*named, *(entry for entry in entries if entry.tag == _GROUP)):
            rights |= entry.rights
        entries.append(Entry(_MASK, _NOBODY, rights))
    data = struct.pack("<I", _VERSION)
    for entry in sorted(entries):
        data += struct.pack("<HHI", entry.tag, entry.rights, entry.id)
    # Without named entries the kernel keeps the mode alone.
    os.setxattr(descriptor, ATTRIBUTE, data)


@contextmanager
def _locked(folder: Path) -> Iterator[int]:
    """The open folder, locked against another stack that changes its list."""
    import fcntl  # not on Windows, where there is no local stack

    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)
