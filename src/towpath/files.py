"""Reads the files of a checkout: only inside of it, bounded in size, UTF-8."""

import errno
import os
import stat
from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

from towpath.errors import ConfigError

MAX_BYTES = 1024 * 1024
_OPEN = os.O_RDONLY
for _name in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_BINARY"):  # Windows has only the last
    _OPEN |= getattr(os, _name, 0)
Edits = Mapping[str, str | None]
"""What a commit would change: path in the repository -> its new text; None deletes the file."""
NO_EDITS: Edits = MappingProxyType({})


def read_text(
    root: Path, relative: str, *, max_bytes: int = MAX_BYTES, encoding: str = "utf-8-sig"
) -> str | None:
    """The text of `root/relative`, or None when there is no such file.

    Raises ConfigError, which never quotes the content, when the path or a symbolic link leaves `root`, when
    the file is larger than `max_bytes`, and when it is not UTF-8. A byte order mark is left out, but for
    `encoding="utf-8"`.
    """
    path = resolve_inside(root, relative)
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            # Reading a named pipe would block for ever, reading a device would never end.
            raise ConfigError("is not a regular file", file=relative)
        raw = read_regular(path, max_bytes)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", file=relative) from error
    if len(raw) > max_bytes:
        raise ConfigError(f"has more than {max_bytes} bytes", file=relative)
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError as error:
        raise ConfigError(f"is not UTF-8 (byte {error.start})", file=relative) from error


def read_regular(path: Path, at_most: int) -> bytes:
    """The bytes of a resolved path; of a file that is longer than `at_most`, one more than that.

    Raises OSError when it has become a link, a pipe or a device meanwhile.
    """
    number = os.open(path, _OPEN)
    with os.fdopen(number, "rb") as file:
        found = os.fstat(number)
        if not stat.S_ISREG(found.st_mode):
            raise OSError(errno.EINVAL, "not a regular file", str(path))
        # As many bytes as are asked for are made room for, however few there are.
        content = file.read(min(found.st_size, at_most) + 1)
        return content if len(content) <= found.st_size else content + file.read(at_most + 1 - len(content))


def resolve_inside(root: Path, relative: str) -> Path:
    """The real path of `root/relative`. Raises ConfigError when it is outside of `root`."""
    if "\0" in relative:
        raise ConfigError("has a zero byte in its path", file=relative.replace("\0", "?"))
    try:
        top = _real_root(root.absolute())
    except (OSError, RuntimeError) as error:
        raise ConfigError("is a symbolic link to itself", file=relative) from error
    if (plain := _without_links(top, relative)) is not None:
        return plain
    path = Path(os.path.realpath(top / relative))
    with suppress(OSError):  # what may not be looked at is told when it is opened
        if path.is_symlink():
            raise ConfigError("is a symbolic link to itself", file=relative)
    if not path.is_relative_to(top):
        raise ConfigError("leads out of the repository; refused", file=relative)
    return path


def _without_links(top: Path, relative: str) -> Path | None:
    """`top/relative` where nothing below `top`, a real path, is a link, which is nearly always; else None.

    `realpath` asks for each folder above `top`, too, and a sync reads some files of each app.
    """
    given = Path(relative)
    if os.name != "posix" or given.is_absolute() or ".." in given.parts:
        return None
    path = os.fspath(top)
    for part in given.parts:
        path = f"{path}/{part}"
        try:
            mode = os.lstat(path).st_mode
        except OSError:  # nothing can be below it
            return top / given
        if stat.S_ISLNK(mode):
            return None
    return top / given


@lru_cache(maxsize=16)
def _real_root(root: Path) -> Path:
    """Asked for with every file; whoever exchanges a link on the way gets what it led to before."""
    return root.resolve()
