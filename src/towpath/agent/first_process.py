"""The first process of a container, which forks the agent and stands for it.

The kernel delivers no SIGKILL to the first process from inside of its container. An agent that must end at
its deadline (`end_timer`) is therefore the second. When the first one ends, the kernel ends all that is left.
"""

import os
import signal
import sys

_PASSED_ON = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def stand_for_agent() -> None:
    """Return in a child; here, pass signals on to it, and leave as it has left. Nothing in other processes.

    Called before anything is started.
    """
    if os.getpid() != 1:
        return
    # Until it is known whom they are for.
    signal.pthread_sigmask(signal.SIG_BLOCK, _PASSED_ON)
    child = os.fork()
    if child == 0:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _PASSED_ON)
        return
    for number in _PASSED_ON:
        signal.signal(number, lambda number, _frame: os.kill(child, number))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _PASSED_ON)
    while True:
        ended, status = os.wait()  # also for what lost its own parent
        if ended == child:
            code = os.waitstatus_to_exitcode(status)
            sys.stdout.flush()
            os._exit(code if code >= 0 else 128 - code)
