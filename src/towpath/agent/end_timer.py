"""A timer by which the kernel ends this process: also when it is stopped, or has no processor's time."""

import contextlib
import ctypes
import signal
import sys
import time

_CLOCK = getattr(time, "CLOCK_BOOTTIME", 7)
_ABSOLUTE = 1
_SIGNAL = 0  # SIGEV_SIGNAL


class _Event(ctypes.Structure):
    """`struct sigevent` of Linux: 64 bytes."""

    _fields_ = (
        ("value", ctypes.c_void_p),
        ("signo", ctypes.c_int),
        ("notify", ctypes.c_int),
        ("rest", ctypes.c_char * (64 - ctypes.sizeof(ctypes.c_void_p) - 2 * ctypes.sizeof(ctypes.c_int))),
    )


class _Time(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


class _Setting(ctypes.Structure):
    _fields_ = (("interval", _Time), ("value", _Time))


class EndTimer:
    """Sends SIGKILL to this process at the time that was set last; not to those that are forked from it.

    It has no effect on the first process of a container, to which the kernel delivers no SIGKILL from inside,
    nor elsewhere than on Linux.
    """

    def __init__(self) -> None:
        self._timer: ctypes.c_void_p | None = None
        self._libc = _library()
        if self._libc is None:
            return
        event, timer = _Event(signo=signal.SIGKILL, notify=_SIGNAL), ctypes.c_void_p()
        if self._libc.timer_create(_CLOCK, ctypes.byref(event), ctypes.byref(timer)) == 0:
            self._timer = timer

    @property
    def works(self) -> bool:
        """Whether this machine has such timers."""
        return self._timer is not None

    def set(self, at: float) -> None:
        """End this process at that time of `fence.boot_time`, and not at the one that was set before."""
        if self._libc is None or self._timer is None:
            return
        setting = _Setting(value=_Time(int(at), int(at % 1 * 1e9)))
        self._libc.timer_settime(self._timer, _ABSOLUTE, ctypes.byref(setting), None)


def _library() -> ctypes.CDLL | None:
    """The C library that has timers: glibc before 2.34 has them in one of its own."""
    if sys.platform != "linux":
        return None
    for name in (None, "librt.so.1"):
        with contextlib.suppress(OSError):
            library = ctypes.CDLL(name, use_errno=True)
            if hasattr(library, "timer_create"):
                return library
    return None
