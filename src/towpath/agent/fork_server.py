"""One preloaded process for all agents of a local stack, from which each of them is forked.

It gives a child the identity of the process that asks for it (`launch.py`), as the kernel tells it, and
nothing else: it reads no configuration, no request and no file of an agent. The child takes that identity
first, and reads the request then. So what it serves to one user is nothing that this user could not do alone,
and it may run as root. Each agent forks its flow runs itself, from its own `zygote`.
"""

import contextlib
import os
import select
import signal
import socket
import struct
import sys
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from towpath.adapters.kernel import end_with, set_kernel_option
from towpath.agent.zygote import leave_alone
from towpath.errors import TerminalError

LARGEST_REQUEST = 1024 * 1024
MOST_PER_USER = 16
"""Connections of one user: none may use up the open files that serve all."""
_PR_SET_NAME, _PR_SET_NO_NEW_PRIVS = 15, 38
_SO_PEERGROUPS = 59
_MOST_GROUPS = 256
_PEER = struct.Struct("3i")
_BACKLOG = 64


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a process is to the kernel."""

    uid: int
    gid: int
    groups: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Request:
    """What the child is asked to be: a command line, with folder and variables."""

    directory: str
    arguments: tuple[str, ...]
    environ: Mapping[str, str] = field(repr=False)


def peer_of(connection: socket.socket) -> Identity:
    """Who has connected."""
    _, uid, gid = _PEER.unpack(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size))
    data = connection.getsockopt(socket.SOL_SOCKET, _SO_PEERGROUPS, _MOST_GROUPS * 4)
    return Identity(uid, gid, struct.unpack(f"{len(data) // 4}I", data))


class ForkServer:
    """Serves at a Unix socket until SIGTERM. `users` are those whose agents it forks."""

    def __init__(self, path: Path, users: Collection[int], run: Callable[[Request], int]) -> None:
        self._users, self._run = frozenset(users), run
        path.unlink(missing_ok=True)
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        path.chmod(0o666)  # the kernel says who has connected
        self._listener.listen(_BACKLOG)
        self._waiting: dict[int, socket.socket] = {}  # connected, and have asked for nothing yet
        self._children: dict[int, tuple[int, socket.socket]] = {}  # by connection: pid
        self._peers: dict[int, Identity] = {}  # of all connections
        self._poll = select.poll()

    def serve(self) -> None:
        """Fork a child for each request; a child ends with its connection, and all with this process."""
        leave_alone()
        woken, wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._pipe = (woken, wake)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        self._poll.register(self._listener, select.POLLIN)
        self._poll.register(woken, select.POLLIN)
        try:
            while True:
                for descriptor, _ in self._poll.poll():
                    self._turn(descriptor, woken)
        finally:
            for pid, _ in self._children.values():
                os.kill(pid, signal.SIGKILL)

    def _turn(self, descriptor: int, woken: int) -> None:
        if descriptor == woken:
            os.read(woken, 4096)
            self._reap()
        elif descriptor == self._listener.fileno():
            self._accept()
        elif descriptor in self._waiting:
            self._answer(self._waiting.pop(descriptor))
        elif descriptor in self._children:  # who asked for it is gone
            self._poll.unregister(descriptor)
            os.kill(self._children[descriptor][0], signal.SIGKILL)

    def _accept(self) -> None:
        try:
            connection, _ = self._listener.accept()
            peer = peer_of(connection)
        except OSError:  # gone again
            return
        held = sum(one.uid == peer.uid for one in self._peers.values())
        if peer.uid not in self._users or held >= MOST_PER_USER:
            connection.close()
            return
        self._waiting[connection.fileno()] = connection
        self._peers[connection.fileno()] = peer
        self._poll.register(connection, select.POLLIN)

    def _answer(self, connection: socket.socket) -> None:
        try:
            asks = connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:  # what was reported was of another connection, which had this number before
            self._waiting[connection.fileno()] = connection
            return
        except OSError:
            asks = b""
        self._poll.unregister(connection)
        parent = os.getpid()
        try:
            pid = os.fork() if asks else -1
        except OSError:  # too many processes
            pid = -1
        if pid == -1:
            self._close(connection)
            return
        if pid == 0:
            self._become(connection, self._peers[connection.fileno()], parent)
        self._children[connection.fileno()] = (pid, connection)
        # Not POLLIN: the child reads the request. What is left to learn is that nobody waits any more.
        self._poll.register(connection, select.POLLRDHUP)

    def _reap(self) -> None:
        for descriptor, (pid, connection) in list(self._children.items()):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended == 0:
                continue
            with contextlib.suppress(KeyError):
                self._poll.unregister(descriptor)
            with contextlib.suppress(OSError):  # who asked for it may be gone
                connection.sendall(struct.pack("<i", os.waitstatus_to_exitcode(status)))
            del self._children[descriptor]
            self._close(connection)

    def _close(self, connection: socket.socket) -> None:
        del self._peers[connection.fileno()]
        connection.close()

    def _become(self, connection: socket.socket, peer: Identity, parent: int) -> NoReturn:
        """The child's whole life. Nothing of the other agents is left open in it."""
        code = 70
        try:
            signal.set_wakeup_fd(-1)
            for number in (signal.SIGCHLD, signal.SIGTERM):
                signal.signal(number, signal.SIG_DFL)
            for descriptor in self._pipe:
                os.close(descriptor)
            self._listener.close()
            for other in (*self._waiting.values(), *(one for _, one in self._children.values())):
                other.close()
            os.setsid()
            take_identity(peer)
            end_with(parent)
            request = receive(connection)
            connection.sendall(struct.pack("<i", os.getpid()))
            connection.close()
            code = self._run(request)
        except SystemExit as exit_:
            code = exit_.code if isinstance(exit_.code, int) else int(exit_.code is not None)
        except BaseException as error:  # noqa: BLE001 - it goes nowhere else
            os.write(2, f"the agent could not be forked: {error}\n".encode())
        finally:
            for stream in (sys.stdout, sys.stderr):
                with contextlib.suppress(OSError, ValueError):
                    stream.flush()
            os._exit(code & 255)


def take_identity(identity: Identity) -> None:
    """Become that user for good: nothing that it starts can become another one either."""
    set_kernel_option(_PR_SET_NO_NEW_PRIVS, 1)
    if os.geteuid() == 0 and identity.uid != 0:
        os.setgroups(identity.groups)
        os.setresgid(identity.gid, identity.gid, identity.gid)
        os.setresuid(identity.uid, identity.uid, identity.uid)
    if os.getresuid() != (identity.uid,) * 3:
        raise TerminalError(f"cannot become user {identity.uid}")


def receive(connection: socket.socket) -> Request:
    """Read the request; its open files become this process's input, output and error output."""
    data, descriptors, _, _ = socket.recv_fds(connection, 65536, 3)
    for target, descriptor in enumerate(descriptors):
        os.dup2(descriptor, target)
        if descriptor > 2:
            os.close(descriptor)
    length = int.from_bytes(data[:4], "little")
    if len(descriptors) != 3 or not 0 < length <= LARGEST_REQUEST:
        raise TerminalError("the request is not one of launch.py")
    data = data[4:]
    while len(data) < length and (more := connection.recv(length - len(data))):
        data += more
    directory, count, *rest = data.decode("utf-8", "surrogateescape").split("\0")
    pairs = (one.partition("=") for one in rest[int(count) :])
    return Request(directory, tuple(rest[: int(count)]), {name: value for name, _, value in pairs})


def prepare_child(request: Request) -> None:
    """Take over the folder, the variables and the command line; `ps` shows the name of the agent."""
    os.environ.clear()
    os.environ.update(request.environ)
    os.chdir(request.directory)
    sys.argv = ["towpath", *request.arguments]
    set_kernel_option(_PR_SET_NAME, "-".join(request.arguments[:2]).encode()[:15])
