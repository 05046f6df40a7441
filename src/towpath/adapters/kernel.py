"""What Linux is asked to do for this process. Elsewhere nothing happens."""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1
_M_ARENA_MAX = -8


def end_with(parent: int, number: signal.Signals = signal.SIGKILL) -> None:
    """Let the kernel end this process when `parent` has ended. Linux only: elsewhere it goes on alone."""
    if sys.platform == "linux":
        set_kernel_option(_PR_SET_PDEATHSIG, number)
        if os.getppid() != parent:
            os._exit(1)


def set_kernel_option(option: int, value: int | bytes) -> None:
    """`prctl` of Linux: sets an attribute of this process."""
    ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


def share_one_heap() -> None:
    """Let all threads of this process, and of those forked from it, allocate from one heap (glibc).

    A heap for each thread keeps the pages that this thread has once needed.
    """
    if sys.platform == "linux" and (mallopt := getattr(ctypes.CDLL(None), "mallopt", None)):
        mallopt(_M_ARENA_MAX, 1)
