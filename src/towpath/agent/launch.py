"""Asks the fork server for an agent, and stands for it: passes on signals, and ends with its exit code.

    python -I -S launch.py SOCKET ARGUMENT…

It runs as the user that the agent is to have, in its folder, with its variables. One of it runs per agent, so
it imports only what is written in C: `os`, `signal` and `socket` take 1.3 MB more.
"""

import _signal as signal  # type: ignore[import-not-found]
import _socket as socket
import posix as os
import select
import sys
import time

TYPE_CHECKING = False  # as in `typing`, whose import takes more memory than all else here
if TYPE_CHECKING:
    from typing import NoReturn

_PATIENCE = 120.0
"""Seconds to wait for a fork server that has just begun to start."""
_PAUSE = 0.2
_ENDED = 69
_STREAMS = b"".join(number.to_bytes(4, sys.byteorder) for number in range(3))
"""Input, output and error output, as numbers of C."""
_PASSED_ON = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def connect(path: str) -> socket.socket:
    """The fork server, once it listens."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.connect(path)
        except OSError as error:
            connection.close()
            if time.monotonic() > deadline:
                sys.exit(f"{path}: {error.strerror}")
            time.sleep(_PAUSE)
        else:
            return connection


def request(arguments: list[str]) -> bytes:
    """Folder, arguments and variables, as `fork_server.receive` reads them."""
    parts = [os.getcwdb(), str(len(arguments)).encode(), *map(_bytes, arguments)]
    parts += [name + b"=" + value for name, value in os.environ.items()]
    body = b"\0".join(parts)
    return len(body).to_bytes(4, "little") + body


def _bytes(text: str) -> bytes:
    return text.encode(sys.getfilesystemencoding(), "surrogateescape")


def read_number(connection: socket.socket) -> int:
    """A number of four bytes; ends this process when the fork server has ended, and the agent with it."""
    data = b""
    while len(data) < 4:
        try:
            more = connection.recv(4 - len(data))
        except OSError:
            more = b""
        if not more:
            give_up()
        data += more
    return int.from_bytes(data, "little", signed=True)


def wait_for_answer(connection: socket.socket, woken: int) -> None:
    """Return when there is something to read; `woken` is the pipe into which each signal writes.

    A signal that comes just before `recv` waits would be handled only after it: when the agent has ended.
    """
    poll = select.poll()
    for descriptor in (connection.fileno(), woken):
        poll.register(descriptor, select.POLLIN)
    while True:
        ready = [descriptor for descriptor, _ in poll.poll()]
        if connection.fileno() in ready:
            return
        os.read(woken, 64)


def give_up() -> "NoReturn":
    """The fork server is gone, or forks nothing for this user."""
    os.write(2, b"the preloaded process has ended, and this agent with it\n")
    sys.exit(_ENDED)


def main() -> None:
    """Ask, and wait for the agent's end."""
    connection = connect(sys.argv[1])
    message = request(sys.argv[2:])
    signal.pthread_sigmask(signal.SIG_BLOCK, _PASSED_ON)  # until it is known whom they are for
    try:
        sent = connection.sendmsg([message], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, _STREAMS)])
        if sent < len(message):  # to send nothing fails, too, when a short-lived agent has ended already
            connection.sendall(message[sent:])
    except OSError:
        give_up()
    agent = read_number(connection)

    def pass_on(number: int, _frame: object) -> None:
        os.kill(agent, number)

    woken, wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    for number in _PASSED_ON:
        signal.signal(number, pass_on)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _PASSED_ON)
    wait_for_answer(connection, woken)
    code = read_number(connection)
    sys.exit(code if code >= 0 else 128 - code)


if __name__ == "__main__":
    main()
