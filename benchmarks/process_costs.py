"""What all processes below this one have cost: processor seconds, and memory that is shared counted once.

Read from /proc. Processes that have ended count, too, where the one that began them has waited for them.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def descendants() -> list[Path]:
    """The folders in /proc of this process's children, and of theirs."""
    parents: dict[int, list[int]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parents.setdefault(int(_stat(folder)[1]), []).append(int(folder.name))
        except OSError:
            continue
    found, rest = [], [os.getpid()]
    while rest:
        below = parents.get(rest.pop(), [])
        found += below
        rest += below
    return [Path(f"/proc/{pid}") for pid in found]


def processor_seconds() -> float:
    """Of the descendants that live, and of those that they have waited for."""
    total = 0
    for folder in descendants():
        try:
            total += sum(int(each) for each in _stat(folder)[11:15])
        except OSError:
            continue
    return total / _TICKS


def memory() -> float:
    """MiB of the descendants (PSS). Needs root where they belong to somebody else."""
    total = 0
    for folder in descendants():
        try:
            lines = (folder / "smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total / 1024


@contextmanager
def peak_memory(every: float = 1.0) -> Iterator[list[float]]:
    """A list with one number, the largest sum in MiB that was seen until now."""
    peak, done = [memory()], threading.Event()

    def look() -> None:
        while not done.wait(every):
            peak[0] = max(peak[0], memory())

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield peak
    finally:
        done.set()
        thread.join()


def _stat(folder: Path) -> list[str]:
    """The fields of `stat` behind the name, which may hold anything."""
    return (folder / "stat").read_text().rpartition(")")[2].split()
