"""The bridge that connects the pods of a stack, kernel settings that kubelet changes, and mounts."""

import contextlib
import ctypes
import fcntl
import ipaddress
import os
import socket
import struct
from collections.abc import Iterator
from pathlib import Path

from towpath.errors import MissingPartError
from towpath.local.common.files import read_json, write_json
from towpath.local.common.layout import Layout
from towpath.local.common.stack import Stack

_ADD_BRIDGE, _DELETE_BRIDGE = 0x89A0, 0x89A1  # SIOCBRADDBR, SIOCBRDELBR of linux/sockios.h
_GET_FLAGS, _SET_FLAGS, _SET_ADDRESS, _SET_MASK = 0x8913, 0x8914, 0x8916, 0x891C
_UP = 0x1
_DETACH = 2  # MNT_DETACH
KERNEL = (
    "kernel/keys/root_maxbytes",
    "kernel/keys/root_maxkeys",
    "kernel/panic",
    "kernel/panic_on_oops",
    "net/ipv4/ip_forward",
    "vm/overcommit_memory",
    "vm/panic_on_oom",
)
"""Kernel settings that kubelet or the bridge plugin changes; `up` saves them, `down` restores them."""


def create_bridge(stack: Stack) -> None:
    """Create the bridge with the node's address: kubelet requires the address to exist."""
    name = stack.layout.bridge
    network = ipaddress.ip_network(stack.options.subnet)
    if not exists(name):
        refuse_clash(stack)
    with _device() as device:
        with contextlib.suppress(FileExistsError):
            fcntl.ioctl(device, _ADD_BRIDGE, name.encode() + b"\0")
        fcntl.ioctl(device, _SET_ADDRESS, _request(name, _address(stack.gateway)))
        fcntl.ioctl(device, _SET_MASK, _request(name, _address(str(network.netmask))))
        answer = fcntl.ioctl(device, _GET_FLAGS, _request(name, b""))
        flags = struct.unpack_from("<H", answer, 16)[0] | _UP
        fcntl.ioctl(device, _SET_FLAGS, _request(name, struct.pack("<H", flags)))


def delete_bridge(layout: Layout) -> None:
    """Remove the bridge if it exists."""
    if not exists(layout.bridge):
        return
    with _device() as device:
        answer = fcntl.ioctl(device, _GET_FLAGS, _request(layout.bridge, b""))
        flags = struct.unpack_from("<H", answer, 16)[0] & ~_UP
        fcntl.ioctl(device, _SET_FLAGS, _request(layout.bridge, struct.pack("<H", flags)))
        fcntl.ioctl(device, _DELETE_BRIDGE, layout.bridge.encode() + b"\0")


def exists(name: str) -> bool:
    """Whether a network interface of that name exists."""
    return Path("/sys/class/net", name).exists()


def refuse_clash(stack: Stack) -> None:
    """Raise MissingPartError when this machine already routes addresses of the pods' network."""
    wanted = ipaddress.ip_network(stack.options.subnet)
    for interface, network in routes():
        if network.prefixlen and network.overlaps(wanted):
            raise MissingPartError(
                f"the pods' network {wanted} overlaps {network} of interface {interface}",
                remedy="Say --subnet 10.99.0.0/24, or another network of yours that is free.",
            )


def routes() -> Iterator[tuple[str, ipaddress.IPv4Network]]:
    """(interface, network) of every route of this machine."""
    for line in Path("/proc/net/route").read_text().splitlines()[1:]:
        interface, destination, _, _, _, _, _, mask = line.split()[:8]
        numbers = (struct.unpack("=I", struct.pack("!I", int(text, 16)))[0] for text in (destination, mask))
        address, netmask = (ipaddress.IPv4Address(number) for number in numbers)
        yield interface, ipaddress.IPv4Network(f"{address}/{netmask}", strict=False)


@contextlib.contextmanager
def _device() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as device:
        yield device


def _request(name: str, payload: bytes) -> bytes:
    return struct.pack("16s24s", name.encode(), payload)


def _address(text: str) -> bytes:
    return struct.pack("=HH4s8x", socket.AF_INET, 0, socket.inet_aton(text))


def keep_kernel_settings(layout: Layout) -> None:
    """Save the kernel settings for `restore_kernel_settings`."""
    file = layout.data / "kernel.json"
    if not file.exists():
        values = {name: path.read_text().strip() for name in KERNEL if (path := _kernel(name)).exists()}
        write_json(file, values)


def restore_kernel_settings(layout: Layout) -> None:
    """Restore the saved kernel settings that have changed."""
    file = layout.data / "kernel.json"
    for name, value in (read_json(file) or {}).items():
        with contextlib.suppress(OSError):
            if _kernel(name).read_text().strip() != value:
                _kernel(name).write_text(value)
    file.unlink(missing_ok=True)


def _kernel(name: str) -> Path:
    return Path("/proc/sys") / name


def mounts_below(folder: Path) -> list[str]:
    """Mount points at or below `folder`, innermost first."""
    points = []
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        point = line.split()[4].encode().decode("unicode_escape")
        if Path(point).is_relative_to(folder):
            points.append(point)
    return points[::-1]


def unmount_below(folder: Path) -> None:
    """Unmount everything at or below `folder`; a busy mount disappears with its last user."""
    libc = ctypes.CDLL(None, use_errno=True)
    for point in mounts_below(folder):
        if libc.umount2(os.fsencode(point), _DETACH) != 0 and ctypes.get_errno() not in (2, 22):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), point)
