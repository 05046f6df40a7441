"""The fork server: a child is who asked for it, ends with it, and nothing of others is open in it."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import towpath

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="agents run on Linux")
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes another user")
LAUNCH = Path(towpath.__file__).with_name("agent") / "launch.py"
SERVER = """
import os, signal, sys, time
from pathlib import Path
from towpath.agent.fork_server import ForkServer, prepare_child

def run(request):
    prepare_child(request)
    exec(sys.argv[1])
    sys.stdout.flush()
    return 0

ForkServer(Path(sys.argv[1]), [int(uid) for uid in sys.argv[2:]], run).serve()
"""


@pytest.fixture
def place() -> Iterator[Path]:
    """Where other users can get to: pytest closes the folders above its own again."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o711)
        yield Path(folder, "fork.sock")


@pytest.fixture
def server(place: Path) -> Iterator["subprocess.Popen[bytes]"]:
    command = [sys.executable, "-c", SERVER, str(place), str(os.geteuid()), "4001", "4002"]
    with subprocess.Popen(command, env={**os.environ, "OF_THE_SERVER": "x"}) as process:
        until(lambda: answers(place))
        yield process
        process.kill()


def answers(place: Path) -> bool:
    """Whether it listens: the socket is there a moment before."""
    with socket.socket(socket.AF_UNIX) as connection:
        return connection.connect_ex(str(place)) == 0


def until(condition: "object", within: float = 60.0) -> None:
    deadline = time.monotonic() + within
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.02)


AS_USER = """
import array, os, selectors, signal, socket, sys, time
code, uid = open(sys.argv[1]).read(), int(sys.argv[2])
os.setgroups([4100])
os.setresgid(uid, uid, uid)
os.setresuid(uid, uid, uid)
del sys.argv[1:3]
exec(code)
"""
"""Python itself may be where no other user can read it."""


def launch(
    place: Path, code: str, user: int | None = None, script: Path = LAUNCH, **environ: str
) -> "subprocess.Popen[str]":
    how = [str(script)] if user is None else ["-c", AS_USER, str(script), str(user)]
    return subprocess.Popen(
        [sys.executable, "-I", "-S", *how, str(place), code],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={"LANG": "C.UTF-8", **environ},
        cwd="/",
    )


def said(process: "subprocess.Popen[str]") -> tuple[str, int]:
    out, _ = process.communicate(timeout=60)
    return out.strip(), process.returncode


@pytest.mark.usefixtures("server")
def test_a_child_has_the_launcher_s_folder_variables_and_output(place: Path) -> None:
    code = "print(os.getcwd(), sorted(os.environ.items()), os.getpgrp() == os.getpid())"
    assert said(launch(place, code, NAME="a=b", OTHER="")) == (
        "/ [('LANG', 'C.UTF-8'), ('NAME', 'a=b'), ('OTHER', '')] True",
        0,
    )


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("sys.exit(3)", 3),
        ("sys.exit()", 0),
        ("sys.exit('no')", 1),
        ("raise ValueError('x')", 70),
        ("os.kill(os.getpid(), signal.SIGKILL)", 137),
        ("os._exit(5)", 5),
    ],
)
def test_the_launcher_ends_as_the_child_does(place: Path, code: str, status: int) -> None:
    assert said(launch(place, code))[1] == status


@pytest.mark.usefixtures("server")
def test_an_agent_that_ends_before_its_launcher_goes_on_has_its_exit_code(place: Path) -> None:
    late = LAUNCH.read_text().replace("_socket as socket", "_socket as real")
    late = late.replace(
        "TYPE_CHECKING = False",
        """
class Late(real.socket):
    def sendmsg(self, *arguments):
        sent = super().sendmsg(*arguments)
        self.recv(8, real.MSG_PEEK | real.MSG_WAITALL)
        time.sleep(0.2)
        return sent

class socket:
    socket, AF_UNIX, SOL_SOCKET, SCM_RIGHTS = Late, real.AF_UNIX, real.SOL_SOCKET, real.SCM_RIGHTS

TYPE_CHECKING = False""",
    )
    script = place.with_name("launch.py")
    script.write_text(late)
    assert said(launch(place, "sys.exit(3)", script=script)) == ("", 3)


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_signals_reach_the_child(place: Path, number: signal.Signals) -> None:
    # In short sleeps: a signal that comes just before one does not end it.
    code = f"signal.signal({int(number)}, lambda *_: sys.exit(9)); print('ready', flush=True)\n"
    process = launch(place, f"{code}while True: time.sleep(0.05)")
    assert process.stdout
    process.stdout.readline()
    process.send_signal(number)
    assert process.wait(60) == 9
    process.stdout.close()


LAUNCHER = """
import os, select, signal, sys, threading
sys.path.insert(0, sys.argv[1])
import launch
import _socket

here, there = _socket.socketpair()
woken, wake = os.pipe2(os.O_NONBLOCK)
signal.set_wakeup_fd(wake)
signal.signal(signal.SIGTERM, lambda *_: there.send(b"passed on"))
signal.raise_signal(signal.SIGTERM) if sys.argv[2] == "before" else None
beside = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGTERM))
beside.start() if sys.argv[2] == "while" else None
os.write(wake, b"\\0") if sys.argv[2] == "unhandled" else None
threading.Timer(0.5, there.send, (b"passed on",)).start() if sys.argv[2] == "unhandled" else None
launch.wait_for_answer(here, woken)
print(here.recv(64).decode())
"""


@pytest.mark.parametrize("when", ["before", "while", "unhandled"])
def test_a_signal_ends_no_wait_and_none_is_lost(when: str) -> None:
    command = [sys.executable, "-c", LAUNCHER, str(LAUNCH.parent), when]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.stderr) == ("passed on\n", "")


def child_of(process: "subprocess.Popen[str]") -> int:
    assert process.stdout
    return int(process.stdout.readline())


SLEEP = "print(os.getpid(), flush=True); time.sleep(60)"


@pytest.mark.usefixtures("server")
def test_a_child_ends_with_its_launcher_and_no_other_one_does(place: Path) -> None:
    one, other = launch(place, SLEEP), launch(place, SLEEP)
    pid, stays = child_of(one), child_of(other)
    one.kill()
    until(lambda: not Path(f"/proc/{pid}").exists())
    assert Path(f"/proc/{stays}").exists()
    other.kill()
    for process in (one, other):
        process.communicate()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_all_children_and_launchers_end_with_the_server(
    server: "subprocess.Popen[bytes]", place: Path, number: signal.Signals
) -> None:
    process = launch(place, SLEEP)
    pid = child_of(process)
    server.send_signal(number)
    out, code = said(process)
    assert (out, code) == ("the preloaded process has ended, and this agent with it", 69)
    until(lambda: not Path(f"/proc/{pid}").exists())


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize("message", [b"", b"x", b"\0\0\0\0", b"\xff\xff\xff\x7fx", b"\x05\0\0\0a\0b"])
def test_what_asks_in_another_way_gets_nothing_and_harms_nobody(place: Path, message: bytes) -> None:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(place))
        connection.sendall(message)
        connection.shutdown(socket.SHUT_WR)
        connection.settimeout(20)
        assert len(connection.recv(64)) in (0, 4)
    assert said(launch(place, "print('well')")) == ("well", 0)


@pytest.mark.usefixtures("server")
def test_who_takes_all_connections_loses_some_and_gets_agents_again(place: Path) -> None:
    with contextlib.ExitStack() as held:
        taken = [held.enter_context(socket.socket(socket.AF_UNIX)) for _ in range(40)]
        for connection in taken:
            connection.connect(str(place))
        assert said(launch(place, "print('no more')"))[1] == 69
    # A connection that asks for nothing is closed with its other end.
    until(lambda: said(launch(place, "print('well')"))[0] == "well")


@pytest.mark.usefixtures("server")
def test_nothing_of_another_agent_is_open_in_a_child(place: Path) -> None:
    other = launch(place, SLEEP)
    child_of(other)
    with socket.socket(socket.AF_UNIX) as waiting:
        waiting.connect(str(place))
        # 3 is the folder that is listed.
        out, _ = said(launch(place, "print(sorted(int(name) for name in os.listdir('/proc/self/fd')))"))
    assert out == "[0, 1, 2, 3]"
    other.kill()
    other.communicate()


@as_root
@pytest.mark.usefixtures("server")
def test_a_child_is_the_user_that_asks_and_stays_it(place: Path) -> None:
    code = "print(os.getresuid(), os.getresgid(), os.getgroups()); os.setuid(0)"
    out, status = said(launch(place, code, user=4001))
    assert out.splitlines()[0] == "(4001, 4001, 4001) (4001, 4001, 4001) [4100]"
    assert "Operation not permitted" in out
    assert status == 70


@as_root
@pytest.mark.usefixtures("server")
def test_users_reach_nothing_of_each_other(place: Path) -> None:
    other = launch(place, SLEEP, user=4002, MARKER="harmless")
    pid = child_of(other)
    for code in (
        f"os.kill({pid}, signal.SIGTERM)",
        f"open('/proc/{pid}/environ', 'rb').read()",
        f"open('/proc/{pid}/mem', 'rb')",
        f"os.listdir('/proc/{pid}/fd')",
        "os.kill(os.getppid(), signal.SIGTERM)",
    ):
        out, status = said(launch(place, code, user=4001))
        assert status == 70, code
        assert "ermi" in out, out
    other.kill()
    other.communicate()


@as_root
@pytest.mark.usefixtures("server")
def test_who_is_no_user_of_the_stack_gets_nothing(place: Path) -> None:
    assert said(launch(place, "print('forked')", user=4003))[1] == 69
