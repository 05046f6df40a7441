"""The preloaded process: children are forked, told of, and end with it."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from towpath.agent.zygote import preload
from towpath.errors import TerminalError

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="agents run on Linux")

PROGRAM = """
import os, signal, sys, time
from towpath.agent.zygote import Ended, Order, Started, keep

def main(control):
    {main}

def run(order):
    {run}

sys.exit(keep(main, run) & 255)
"""


def start(main: str, run: str) -> "subprocess.Popen[str]":
    text = PROGRAM.format(main="\n    ".join(main.splitlines()), run="\n    ".join(run.splitlines()))
    return subprocess.Popen([sys.executable, "-c", text], stdout=subprocess.PIPE, text=True)


def said(process: "subprocess.Popen[str]") -> list[str]:
    out, _ = process.communicate(timeout=60)
    return out.splitlines()


ASK = """
def ask(run, **environ):
    control.send(Order(run, environ))
    started = control.recv()
    assert isinstance(started, Started) and started.run == run, started
    return started.pid
"""


def test_each_order_has_a_child_with_its_own_variables_and_process_group() -> None:
    main = """
for name in ("a", "b"):
    control.send(Order(name, {"NAME": name}))
told = [control.recv() for _ in range(4)]  # one may have ended before the other has begun
ended = [each for each in told if isinstance(each, Ended)]
pids = {each.pid for each in told if isinstance(each, Started)}
print(sorted(each.run for each in ended), {each.code for each in ended}, len(pids))
print("NAME" in os.environ)"""
    run = "print(f\"{order.run} {os.environ['NAME']} {os.getpgrp() == os.getpid()}\\n\", end='', flush=True)"
    lines = said(start(main, run))
    assert sorted(lines) == ["False", "['a', 'b'] {0} 2", "a a True", "b b True"]


@pytest.mark.parametrize(
    ("run", "code"),
    [
        ("sys.exit(3)", 3),
        ("raise ValueError('boom')", 1),
        ("os.kill(os.getpid(), signal.SIGKILL)", -9),
        ("os.kill(os.getpid(), signal.SIGTERM)", -15),
        ("os._exit(7)", 7),
    ],
)
def test_how_a_child_ended_is_told(run: str, code: int) -> None:
    process = start(f"{ASK}\nask('a')\nprint(control.recv().code)", run)
    assert said(process) == [str(code)]
    assert process.returncode == 0


@pytest.mark.parametrize("end", ["pass", "os._exit(3)", "os.kill(os.getpid(), signal.SIGKILL)"])
def test_the_most_memory_that_a_child_had_is_told_however_it_ended(end: str) -> None:
    main = (
        f"{ASK}\nask('small')\nsmall = control.recv().peak\nask('large')\nprint(control.recv().peak - small)"
    )
    run = f"if order.run == 'large':\n    taken = b'x' * (64 << 20)\n{end}"
    assert 60 << 20 < int(said(start(main, run))[0]) < 80 << 20


def test_the_exit_code_is_that_of_the_agent() -> None:
    process = start("sys.exit(5)", "pass")
    said(process)
    assert process.returncode == 5


def test_signals_reach_the_agent_and_not_its_runs() -> None:
    main = f"""{ASK}
ended = []
signal.signal(signal.SIGTERM, lambda *_: ended.append(1))
pid = ask("a")
print("ready", flush=True)
while not ended:
    time.sleep(0.01)
os.kill(pid, 0)
print("it goes on", flush=True)"""
    process = start(main, "time.sleep(60)")
    assert process.stdout
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGTERM)
    assert said(process) == ["it goes on"]


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("victim", ["the preloaded process", "the agent"])
def test_runs_end_with_the_agent_however_it_ends(victim: str) -> None:
    main = f"{ASK}\nprint(os.getppid(), os.getpid(), ask('a'), flush=True)\ntime.sleep(60)"
    process = start(main, "signal.signal(signal.SIGTERM, signal.SIG_IGN)\ntime.sleep(60)")
    assert process.stdout
    zygote, agent, child = map(int, process.stdout.readline().split())
    os.kill(zygote if victim == "the preloaded process" else agent, signal.SIGKILL)
    process.communicate(timeout=60)
    deadline = time.monotonic() + 10
    while alive(agent) or alive(child):
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize("stopped", ["all", "agent", "preloaded process"])
def test_a_stopped_agent_is_ended_at_its_deadline_and_never_goes_on(stopped: str) -> None:
    program = """
import os, time
from towpath.agent.end_timer import EndTimer
from towpath.agent.start import _tend
from towpath.agent.zygote import Order, Started, keep
from towpath.fence import Fence, boot_time
from towpath.kube.lease import LeaseTimes

class Telling(EndTimer):
    def set(self, at):
        super().set(at)
        os.write(1, b"armed\\n")

fence, timer = Fence(), Telling()

def main(control):
    control.send(Order("a", {}))
    child = control.recv().pid
    os.write(1, f"{os.getppid()} {os.getpid()} {child}\\n".encode())  # whole, of all who write
    fence.open(boot_time() + 3.0, time.time() + 600)
    while stopped == "preloaded process":  # it leads, and renews
        fence.open(boot_time() + 3.0, time.time() + 600)
        time.sleep(0.1)
    time.sleep(100)

def run(order):
    os.write(1, b"bound\\n")  # to its parent: one that is stopped before that ends when it goes on
    time.sleep(100)

keep(main, run, lambda: _tend(fence, timer, LeaseTimes(5)))
"""
    process = subprocess.Popen(
        [sys.executable, "-c", program.replace("stopped ==", f"{stopped!r} ==")],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    numbers, told = "", set[str]()
    while not (numbers and {"armed\n", "bound\n"} <= told) and (line := process.stdout.readline()):
        told.add(line)
        numbers = line if line[0].isdigit() else numbers
    preloaded, agent, child = map(int, numbers.split())
    for pid in {"all": (preloaded, agent, child), "agent": (agent,)}.get(stopped, (preloaded,)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    deadline = time.monotonic() + 10
    while alive(agent) or alive(child):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_thread_that_an_import_starts_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "with_thread.py").write_text(
        "import threading, time\n"
        "threading.Thread(target=time.sleep, args=(1,), daemon=True, name='odd').start()\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(TerminalError, match="odd"):
        preload(["with_thread"])


def test_what_is_of_no_use_is_forgotten_and_imported_anew_by_who_needs_it(tmp_path: Path) -> None:
    (tmp_path / "large_table.py").write_text("TABLE = [str(number) for number in range(1000)]")
    (tmp_path / "reads_it.py").write_text(
        "import large_table\nlength = len(large_table.TABLE)\ndel large_table"
    )
    code = (
        "import sys; from towpath.agent.zygote import preload\n"
        "preload(['reads_it'], ['large_table', 'not_imported'])\n"
        "print(sys.modules['reads_it'].length, 'large_table' in sys.modules)\n"
        "import large_table; print(len(large_table.TABLE))"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True, cwd=tmp_path)
    assert done.stdout.split() == ["1000", "False", "1000"]


def test_memory_stays_the_same_over_many_runs_that_end_in_all_ways() -> None:
    main = f"""{ASK}
def resident():
    lines = open(f"/proc/{{os.getppid()}}/status").read().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))
def files():
    return len(os.listdir(f"/proc/{{os.getppid()}}/fd"))
def one(number):
    pid = ask(str(number), MODE=str(number % 3))
    if number % 3 == 2:
        os.kill(pid, signal.SIGKILL)
    return control.recv().code
for number in range(30):
    one(number)
before, opened = resident(), files()
codes = {{one(number) for number in range(300)}}
print(sorted(codes), files() - opened <= 2, resident() - before < 2048)"""
    run = "time.sleep(60) if os.environ['MODE'] == '2' else sys.exit(int(os.environ['MODE']))"
    assert said(start(main, run)) == ["[-9, 0, 1] True True"]
