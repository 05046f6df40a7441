"""The components' logs."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from towpath.errors import UnknownNameError
from towpath.local.common.layout import Layout
from towpath.redact import redact

_BLOCK = 64 * 1024
_PAUSE = 0.2


def log_of(layout: Layout, component: str) -> Path:
    """Its log file; UnknownNameError when there is none."""
    names = {path.stem for path in layout.log.glob("*.log")}
    if component not in names:
        raise UnknownNameError("component", component, names, where="the local stack's logs")
    return layout.log / f"{component}.log"


def tail(layout: Layout, component: str, lines: int) -> str:
    """Its last lines, redacted; empty when it has written none."""
    path = layout.log / f"{component}.log"
    if not path.exists():
        return ""
    return redact("\n".join(last_lines(path, lines)))


def last_lines(path: Path, count: int) -> list[str]:
    """The last `count` lines of a file, without reading all of it."""
    with path.open("rb") as file:
        return _last_lines(file, count)


def _last_lines(file: BinaryIO, count: int) -> list[str]:
    """Leaves `file` at its end."""
    position, data = file.seek(0, 2), b""
    end = position
    while position and data.count(b"\n") <= count:
        step = min(_BLOCK, position)
        position -= step
        file.seek(position)
        data = file.read(step) + data
    file.seek(end)
    return data.decode(errors="replace").splitlines()[-count:] if count else []


def follow(path: Path, count: int) -> Iterator[str]:
    """The last `count` lines, and then each new one as it is written; survives rotation. Does not end."""
    file = path.open("rb")
    try:
        yield from _last_lines(file, count)
        line = b""
        while True:
            line += file.readline()
            if line.endswith(b"\n"):
                yield line.decode(errors="replace").rstrip("\n")
                line = b""
                continue
            time.sleep(_PAUSE)
            if path.exists() and path.stat().st_ino != os.fstat(file.fileno()).st_ino:
                file.close()
                file, line = path.open("rb"), b""
    finally:
        file.close()
