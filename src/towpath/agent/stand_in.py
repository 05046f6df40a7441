"""Stands for the agent that its process has forked: passes on signals, and ends with its exit code.

    python -I -S stand_in.py PID

It begins with the signals blocked that it passes on, and imports only what is written in C, as `launch.py`.
"""

import _signal as signal  # type: ignore[import-not-found]
import posix as os
import sys

_PASSED_ON = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def main() -> None:
    """Until the agent ends."""
    agent = int(sys.argv[1])
    for number in _PASSED_ON:
        signal.signal(number, lambda number, _frame: os.kill(agent, number))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _PASSED_ON)
    while True:
        ended, status = os.wait()  # also for what lost its own parent
        if ended == agent:
            code = os.waitstatus_to_exitcode(status)
            sys.exit(code if code >= 0 else 128 - code)


if __name__ == "__main__":
    main()
