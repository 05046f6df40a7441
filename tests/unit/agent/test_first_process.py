"""In a container, where the kernel keeps SIGKILL from the first process, another one is the agent."""

import shutil
import signal
import subprocess
import sys
import time

import pytest

PROGRAM = """
import os, signal, sys, time
from towpath.agent.end_timer import EndTimer
from towpath.agent.first_process import stand_for_agent
from towpath.fence import boot_time
stand_for_agent()
print(os.getpid() != 1, os.getppid() == 1, flush=True)
{rest}
"""
NEW_NAMESPACE = ("unshare", "--pid", "--fork", "--kill-child")


def _can_unshare() -> bool:
    if sys.platform != "linux" or shutil.which("unshare") is None:
        return False
    return subprocess.run([*NEW_NAMESPACE, "true"], check=False, capture_output=True).returncode == 0


def start(rest: str) -> "subprocess.Popen[str]":
    if not _can_unshare():
        pytest.skip("this user may not make a PID namespace")
    command = [*NEW_NAMESPACE, sys.executable, "-c", PROGRAM.format(rest=rest)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def said(process: "subprocess.Popen[str]") -> tuple[list[str], int]:
    out, _ = process.communicate(timeout=60)
    return out.splitlines(), process.returncode


@pytest.mark.parametrize(
    ("rest", "code"),
    [
        ("sys.exit(3)", 3),
        ("EndTimer().set(boot_time() + 0.1); time.sleep(60)", 128 + signal.SIGKILL),
        ("EndTimer().set(boot_time() + 0.5); os.kill(os.getpid(), signal.SIGSTOP)", 128 + signal.SIGKILL),
        ("os.kill(1, signal.SIGTERM); time.sleep(60)", 128 + signal.SIGTERM),
        ("signal.signal(signal.SIGTERM, lambda *_: sys.exit(5)); os.kill(1, signal.SIGTERM)\\n"
         "while True: time.sleep(1)", 5),
    ],
)  # fmt: skip
def test_it_ends_as_the_agent_ends(rest: str, code: int) -> None:
    assert said(start(rest.replace("\\n", "\n"))) == (["True True"], code)


def test_processes_that_lost_their_parent_are_no_end() -> None:
    rest = """
child = os.fork()
if not child:
    os.fork()
    os._exit(0)
os.waitpid(child, 0)
time.sleep(0.3)
sys.exit(4)
"""
    assert said(start(rest)) == (["True True"], 4)


def test_elsewhere_nothing_is_forked() -> None:
    from towpath.agent.first_process import stand_for_agent

    before = time.monotonic()
    stand_for_agent()
    assert time.monotonic() - before < 10
