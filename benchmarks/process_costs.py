"""What processes have cost: processor seconds, and memory that is shared counted once.

Read from /proc. Processes that have ended count, too, where the one that began them has waited for them.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def children(pid: int) -> list[int]:
    """Of this process, those that live."""
    return _by_parent().get(pid, [])


def tree(pid: int) -> list[int]:
    """The process, its children, and theirs."""
    parents, found = _by_parent(), [pid]
    for each in found:
        found += parents.get(each, [])
    return found


def spent(pid: int) -> float:
    """Processor seconds of a process and of those that it has waited for; 0 when it has ended."""
    try:
        return sum(int(each) for each in _stat(Path(f"/proc/{pid}"))[11:15]) / _TICKS
    except OSError:
        return 0.0


def pss(pid: int) -> float:
    """MiB of a process; 0 when it has ended. Needs root where it belongs to somebody else."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def processor_seconds() -> float:
    """Of the descendants of this process that live, and of those that they have waited for."""
    return sum(spent(pid) for pid in tree(os.getpid())[1:])


def memory() -> float:
    """MiB of the descendants of this process (PSS)."""
    return sum(pss(pid) for pid in tree(os.getpid())[1:])


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


def _by_parent() -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            found.setdefault(int(_stat(folder)[1]), []).append(int(folder.name))
        except OSError:
            continue
    return found


def _stat(folder: Path) -> list[str]:
    """The fields of `stat` behind the name, which may hold anything."""
    return (folder / "stat").read_text().rpartition(")")[2].split()
