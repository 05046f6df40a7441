"""The first process of a container, which forks the agent and stands for it.

The kernel delivers no SIGKILL to the first process from inside of its container. An agent that must end at
its deadline (`end_timer`) is therefore the second. When the first one ends, the kernel ends all that is left.
"""

import os
import signal
import sys
from pathlib import Path

STAND_IN = Path(__file__).with_name("stand_in.py")
"""What the first process goes on as: what was imported here would cost as much once more."""


def stand_for_agent() -> None:
    """Return in a child; here, pass signals on to it, and leave as it has left. Nothing in other processes.

    Called before anything is started.
    """
    if os.getpid() != 1:
        return
    passed_on = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    signal.pthread_sigmask(signal.SIG_BLOCK, passed_on)  # until it is known whom they are for
    child = os.fork()
    if child:
        os.execv(sys.executable, [sys.executable, "-I", "-S", str(STAND_IN), str(child)])  # noqa: S606
    signal.pthread_sigmask(signal.SIG_UNBLOCK, passed_on)
