"""Watches the memory in use by a program and all that it starts, and kills them above a limit.

The operating system can limit what a program reserves, not what it uses, and a Go program reserves far more
than it uses. Linux tells what is in use in /proc; elsewhere nothing is seen and nothing is killed.
"""

import contextlib
import os
import signal
import time
from collections.abc import Iterator

_KILL = getattr(signal, "SIGKILL", signal.SIGTERM)  # Windows has none
_GROWTH = 2 << 30
"""Bytes per second: how fast a program may grow. The closer to the limit, the sooner the next look."""
_BEYOND = 8 << 20
"""Bytes that it may have grown beyond the limit at that look."""
_LONGEST = 0.05
"""Seconds between two looks at the memory, at most."""
_FAMILY = 0.04
"""Seconds between two looks at the children of the program and theirs."""
_SESSION = 0.25
"""Seconds between two looks at all processes of the machine, for those whose parent has ended."""
_COUNTED = (b"RssAnon:", b"RssShmem:", b"VmSwap:")
"""Lines of /proc/PID/status. Pages of files, of the program itself for one, cost nothing that must stay."""
_SHARED = (b"Pss_Anon:", b"Pss_Shmem:", b"SwapPss:")
"""The same in /proc/PID/smaps_rollup, each page divided by the number of processes that have it."""


class MemoryWatch:
    """Watches the session that process `pid` leads; `limit` is in bytes."""

    def __init__(self, pid: int, limit: int) -> None:
        self._leader = pid
        self.limit = limit
        self.peak = 0
        """The most bytes that were in use at any look."""
        self.exceeded = False
        self._used = 0
        self._family = {pid}
        self._strangers: set[int] = set()
        self._family_at = self._session_at = time.monotonic()

    @property
    def pause(self) -> float:
        """Seconds until the next look."""
        return min(_LONGEST, max(0, self.limit - self._used + _BEYOND) / _GROWTH)

    def look(self) -> None:
        """Measure; above the limit, kill every process of the program."""
        self._find_family()
        self._used = sum(map(_used, self._family))
        if self._used > self.limit and len(self._family) > 1:
            self._used = sum(map(_share, self._family))  # what they share counts once
        self.peak = max(self.peak, self._used)
        if self._used > self.limit:
            self.exceeded = True
            self._kill()

    def _kill(self) -> None:
        with contextlib.suppress(OSError):
            os.killpg(self._leader, _KILL)
        for pid in self._family - {self._leader}:
            with contextlib.suppress(OSError):  # one that left the group
                os.kill(pid, _KILL)

    def _find_family(self) -> None:
        now = time.monotonic()
        if now - self._session_at >= _SESSION:
            self._session_at = now
            self._family |= self._session()
        if now - self._family_at >= _FAMILY:
            self._family_at = now
            self._family = {child for pid in self._family for child in _with_descendants(pid)}

    def _session(self) -> set[int]:
        """The processes of the session. A process that was seen in another one is not looked at again."""
        try:
            listed = {int(name) for name in os.listdir("/proc") if name.isdigit()}  # noqa: PTH208
        except OSError:
            return set()
        self._strangers &= listed
        session = {pid for pid in listed - self._strangers if _session_of(pid) == self._leader}
        self._strangers |= listed - session
        return session


def _used(pid: int) -> int:
    """Bytes of memory of one process that are its own to fill; 0 when it has ended."""
    lines = _read(f"/proc/{pid}/status").splitlines()
    counted = [int(line.split()[1]) for line in lines if line.startswith(_COUNTED)]
    if not counted:  # kernels that do not tell the kinds apart
        counted = [int(line.split()[1]) for line in lines if line.startswith(b"VmRSS:")]
    return sum(counted) << 10


def _share(pid: int) -> int:
    """As `_used`, but of a page that processes share only this one's part. It takes longer."""
    lines = _read(f"/proc/{pid}/smaps_rollup").splitlines()
    shares = [int(line.split()[1]) for line in lines if line.startswith(_SHARED)]
    return sum(shares) << 10 if shares else _used(pid)


def _with_descendants(pid: int) -> Iterator[int]:
    try:
        threads = os.listdir(f"/proc/{pid}/task")  # noqa: PTH208
    except OSError:
        return
    yield pid
    for thread in threads:
        for child in _read(f"/proc/{pid}/task/{thread}/children").split():
            yield from _with_descendants(int(child))


def _session_of(pid: int) -> int:
    # The name of the program, in brackets, may have blanks and brackets.
    fields = _read(f"/proc/{pid}/stat").rpartition(b")")[2].split()
    return int(fields[3]) if len(fields) > 3 else 0


def _read(path: str) -> bytes:
    try:
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123  (many times a second)
            return file.readall()
    except OSError:
        return b""
