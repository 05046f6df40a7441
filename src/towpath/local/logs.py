"""The components' logs."""

import time
from collections.abc import Iterator
from pathlib import Path

from towpath.errors import UnknownNameError
from towpath.local.layout import Layout
from towpath.redact import redact

_BLOCK = 64 * 1024


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
        file.seek(0, 2)
        position, data = file.tell(), b""
        while position and data.count(b"\n") <= count:
            step = min(_BLOCK, position)
            position -= step
            file.seek(position)
            data = file.read(step) + data
    return data.decode(errors="replace").splitlines()[-count:] if count else []


def follow(path: Path, count: int) -> Iterator[str]:
    """The last `count` lines, and then each new one as it is written; survives rotation. Does not end."""
    yield from last_lines(path, count)
    file = path.open(errors="replace")
    file.seek(0, 2)
    while True:
        if line := file.readline():
            yield line.rstrip("\n")
            continue
        time.sleep(0.2)
        if path.exists() and path.stat().st_ino != Path(f"/proc/self/fd/{file.fileno()}").stat().st_ino:
            file.close()
            file = path.open(errors="replace")
