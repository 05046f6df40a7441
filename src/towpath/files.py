"""Reads files of a checkout: inside of it only, bounded in size, UTF-8."""

import stat
from pathlib import Path

from towpath.errors import ConfigError

MAX_BYTES = 1024 * 1024


def read_text(root: Path, relative: str, *, max_bytes: int = MAX_BYTES) -> str | None:
    """The text of `root/relative`, or None when there is no such file.

    Raises ConfigError, which never shows the content, when the path or a symbolic link leaves `root`, when
    the file has more than `max_bytes` bytes, and when it is not UTF-8.
    """
    path = resolve_inside(root, relative)
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            # A named pipe would keep us waiting for ever, a device would never end.
            raise ConfigError("is not a regular file", file=relative)
        with path.open("rb") as file:
            raw = file.read(max_bytes + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", file=relative) from error
    if len(raw) > max_bytes:
        raise ConfigError(f"has more than {max_bytes} bytes", file=relative)
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(f"is not UTF-8 (byte {error.start})", file=relative) from error


def resolve_inside(root: Path, relative: str) -> Path:
    """The real path of `root/relative`; ConfigError when it is outside of `root`."""
    if "\0" in relative:
        raise ConfigError("has a zero byte in its path", file=relative.replace("\0", "?"))
    try:
        top = root.resolve()
        path = (top / relative).resolve()
    except (OSError, RuntimeError) as error:
        raise ConfigError("is a symbolic link to itself", file=relative) from error
    if not path.is_relative_to(top):
        raise ConfigError("leads out of the repository; refused", file=relative)
    return path
