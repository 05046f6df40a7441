"""Finds the processes of one stack by a mark in their environment and by cgroup, whatever their parent."""

import contextlib
import os
import signal
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from towpath.local.common.layout import Layout

MARK = "TOWPATH_LOCAL_STACK"
"""Environment variable of all processes that the supervisor starts; containers are found by cgroup."""
CGROUPS = Path("/sys/fs/cgroup")


def marked_processes(layout: Layout) -> set[int]:
    """Pids of processes that the stack's supervisor started, even if it has ended."""
    mark = f"{MARK}={layout.root}".encode()
    pids = set()
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if mark in (process / "environ").read_bytes().split(b"\0"):
                pids.add(int(process.name))
    return pids - {os.getpid()}


def container_processes(layout: Layout) -> set[int]:
    """Pids of processes in the stack's containers."""
    pids: set[int] = set()
    for folder in cgroup_folders(layout):
        with contextlib.suppress(OSError):
            pids.update(int(pid) for pid in (folder / "cgroup.procs").read_text().split())
    return pids


def cgroup_folders(layout: Layout) -> Iterator[Path]:
    """The stack's cgroups in every hierarchy, innermost first."""
    for top in cgroup_tops():
        own = top / layout.cgroup
        if own.is_dir():
            yield from (Path(folder) for folder, _, _ in os.walk(own, topdown=False))


def cgroup_tops() -> Iterator[Path]:
    """Roots of the cgroup hierarchies: one for version 2, one per controller for version 1."""
    if (CGROUPS / "cgroup.controllers").exists():
        yield CGROUPS
        return
    # cpu and cpuacct may be links to one folder; version 2 may be mounted beside version 1.
    yield from sorted({top.resolve() for top in CGROUPS.glob("*") if (top / "cgroup.procs").exists()})


def create_cgroups(layout: Layout) -> None:
    """Create the parent cgroup of kubelet's and Docker's cgroups: kubelet requires it to exist."""
    for top in cgroup_tops():
        own = top / layout.cgroup
        own.mkdir(exist_ok=True)
        for name in ("cpuset.cpus", "cpuset.mems"):  # version 1: empty ones admit no process
            with contextlib.suppress(OSError):
                if not (own / name).read_text().strip():
                    (own / name).write_text((top / name).read_text())
        with contextlib.suppress(OSError):
            controllers = (top / "cgroup.controllers").read_text().split()
            for folder in (top, own):
                (folder / "cgroup.subtree_control").write_text(" ".join(f"+{name}" for name in controllers))


def remove_cgroups(layout: Layout) -> None:
    """Remove the stack's cgroups, except those that still contain a process."""
    for folder in list(cgroup_folders(layout)):
        with contextlib.suppress(OSError):
            folder.rmdir()


def end_processes(pids: Iterable[int], *, within: float) -> None:
    """Send SIGTERM, and SIGKILL to processes that have not ended after `within` seconds."""
    waiting = set(pids)
    for number, patience in ((signal.SIGTERM, within), (signal.SIGKILL, 5.0)):
        waiting = {pid for pid in waiting if send_signal(pid, number)}
        deadline = time.monotonic() + patience
        while waiting and time.monotonic() < deadline:
            time.sleep(0.02)
            waiting = {pid for pid in waiting if is_alive(pid)}
        if not waiting:
            return


def send_signal(pid: int, number: int) -> bool:
    """Send a signal; False when the process is gone."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True


def is_alive(pid: int) -> bool:
    """Whether the process exists and is not a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def children_by_parent() -> dict[int, list[int]]:
    """Pid -> pids of its child processes, for the whole machine."""
    children: dict[int, list[int]] = {}
    for entry in os.listdir("/proc"):  # noqa: PTH208
        if entry.isdigit():
            with contextlib.suppress(OSError, IndexError):
                parent = int(Path(f"/proc/{entry}/stat").read_text().rpartition(")")[2].split()[1])
                children.setdefault(parent, []).append(int(entry))
    return children


def memory(pids: Iterable[int], family: Mapping[int, Sequence[int]]) -> int:
    """Bytes of memory of processes and their descendants; `family` comes from `children_by_parent`.

    A page that several processes share counts once, divided among them (PSS).
    """
    total, queue = 0, list(pids)
    while queue:
        process = queue.pop()
        queue += family.get(process, ())
        total += _memory_of(process)
    return total


def forked_agents(fork_server: int, family: Mapping[int, Sequence[int]]) -> dict[str, int]:
    """Name -> pid of the agents that the fork server's process has forked."""
    agents = {}
    for pid in family.get(fork_server, ()):
        with contextlib.suppress(OSError):
            agents[Path(f"/proc/{pid}/comm").read_text().strip()] = pid
    return agents


def _memory_of(pid: int) -> int:
    """PSS; resident memory where the kernel does not tell it. 0 for a process that is gone."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    with contextlib.suppress(OSError):
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return 0
