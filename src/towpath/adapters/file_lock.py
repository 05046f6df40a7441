"""A lock on an open file between processes, on every system; it ends when its holder does."""

import time
from typing import IO, Any

try:
    import fcntl as _fcntl
except ImportError:  # Windows
    _fcntl = None  # type: ignore[assignment]
fcntl: Any = _fcntl

PAUSE = 0.05
"""Seconds between two attempts where the system cannot wait itself."""


def try_lock(file: IO[Any]) -> bool:
    """Lock `file` for this process alone; False when another process holds it."""
    try:
        if fcntl is not None:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        else:
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
    except OSError as error:
        if fcntl is None or isinstance(error, BlockingIOError):
            return False
        raise
    return True


def wait_for_lock(file: IO[Any]) -> None:
    """Lock `file` for this process alone, however long another holds it."""
    while not try_lock(file):
        time.sleep(PAUSE)
