"""The ports of the local stack: parses them, checks them, finds the process that holds one."""

import socket
from collections.abc import Iterable, Mapping
from pathlib import Path

from towpath.errors import MissingPartError, TerminalError, UnknownNameError

DEFAULT_PORTS: Mapping[str, int] = {
    "prefect": 4200,
    "registry": 5000,
    "apiserver": 6443,
    "etcd": 2379,
    "etcd-peer": 2380,
    "kubelet": 10250,
    "kubelet-health": 10248,
    "controller-manager": 10257,
    "scheduler": 10259,
    "agent-dev": 4211,
    "agent-staging": 4212,
    "agent-prod": 4213,
    "agent-build": 4214,
}
"""Name for `--port NAME=N` -> default. All on loopback, but the kubelet's: on the pods' bridge."""
LOOPBACK = "127.0.0.1"
_LISTEN = "0A"


def parse_ports(texts: Iterable[str]) -> dict[str, int]:
    """`["registry=5001"]` -> `{"registry": 5001}`."""
    ports = {}
    for text in texts:
        name, _, number = text.partition("=")
        if name not in DEFAULT_PORTS:
            raise UnknownNameError("port", name, DEFAULT_PORTS)
        if not number.isascii() or not number.isdigit() or not 0 < int(number) < 65536:
            raise TerminalError(
                f"--port {text}: {number or 'nothing'} is not a port number",
                remedy=f"Say --port {name}=5001.",
            )
        ports[name] = int(number)
    return ports


def refuse_clashes(ports: Mapping[str, int]) -> None:
    """Raise TerminalError when two parts have the same port."""
    names: dict[int, str] = {}
    for name, number in ports.items():
        if number in names:
            raise TerminalError(
                f"ports {names[number]} and {name} are both {number}", remedy=f"Say --port {name}=N."
            )
        names[number] = name


def refuse_busy(ports: Mapping[str, int]) -> None:
    """Raise MissingPartError that names every port of `ports` in use, and the process that holds it."""
    busy = {name: number for name, number in ports.items() if is_busy(number)}
    if busy:
        others = " ".join(f"--port {name}=N" for name in busy)
        raise MissingPartError(
            "\n".join(
                f"port {number} ({name}) is in use{holder_text(number)}" for name, number in busy.items()
            ),
            remedy="Nothing was started. End what uses them, or choose others, which are remembered:\n"
            f"towpath local up {others}",
        )


def is_busy(number: int) -> bool:
    """Whether binding this port on loopback would fail. A lingering connection does not count."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, number))
            probe.listen(1)
        except OSError:
            return True
    return False


def holder_text(number: int) -> str:
    """` by dockerd (pid 17)`; `""` when the holder cannot be determined."""
    holder = holder_of(number)
    return f" by {holder[1]} (pid {holder[0]})" if holder else ""


def holder_of(number: int) -> tuple[int, str] | None:
    """(pid, name) of the process that listens on a TCP port; None when this user may not see it."""
    inodes = {f"socket:[{inode}]" for inode in _listening_inodes(number)}
    for process in Path("/proc").glob("[0-9]*") if inodes else ():
        try:
            if any(str(link.readlink()) in inodes for link in (process / "fd").iterdir()):
                return int(process.name), (process / "comm").read_text().strip()
        except OSError:
            continue  # gone meanwhile, or another user's
    return None


def _listening_inodes(number: int) -> set[str]:
    inodes = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            lines = Path(table).read_text().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            fields = line.split()
            if fields[3] == _LISTEN and int(fields[1].rpartition(":")[2], 16) == number:
                inodes.add(fields[9])
    return inodes
