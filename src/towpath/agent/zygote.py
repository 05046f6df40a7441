"""The preloaded process of an agent, from which the agent and each of its flow runs are forked.

It has one thread, no event loop and no open connection, so a child can be forked at any time. What it has
imported is shared by all children.
"""

import gc
import importlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from multiprocessing import connection, get_context
from multiprocessing.connection import Connection
from multiprocessing.context import ForkProcess
from multiprocessing.popen_fork import Popen

from towpath.adapters.kernel import end_with, share_one_heap
from towpath.errors import TerminalError

_FORK = get_context("fork")
_KIB = 1024


@dataclass(frozen=True, slots=True)
class Order:
    """Asks for a child that runs the flow run of that id; `environ` is set in the child only.

    `known`: what the agent knows of the run, for the child; the preloaded process does not look at it.
    `canary`: it only shows that the agent works, and may while the agent stands by.
    """

    run: str
    environ: Mapping[str, str] = field(repr=False)
    known: str = field(default="", repr=False)
    canary: bool = False


@dataclass(frozen=True, slots=True)
class Started:
    """The child of a flow run, which leads a process group of its own."""

    run: str
    pid: int


@dataclass(frozen=True, slots=True)
class Ended:
    """The child's exit code, below 0 the signal that ended it, and its most resident memory in bytes."""

    run: str
    code: int
    peak: int = 0


class _MeasuredPopen(Popen):
    """As Python's; the kernel's account of the child is kept when it is waited for."""

    peak = 0

    def poll(self, flag: int = os.WNOHANG) -> int | None:
        if self.returncode is None:
            try:
                pid, status, usage = os.wait4(self.pid, flag)
            except ChildProcessError:
                return None
            if pid == self.pid:
                self.returncode = os.waitstatus_to_exitcode(status)
                self.peak = usage.ru_maxrss * _KIB
        return self.returncode


class _Child(ForkProcess):
    """The process of a flow run."""

    @staticmethod
    def _Popen(process_obj: "ForkProcess") -> _MeasuredPopen:  # type: ignore[override]  # noqa: N802 - Python's
        return _MeasuredPopen(process_obj)

    @property
    def peak(self) -> int:
        """Bytes, once it has ended."""
        popen = getattr(self, "_popen", None)
        return popen.peak if isinstance(popen, _MeasuredPopen) else 0


def preload(modules: Iterable[str], without: Iterable[str] = ()) -> None:
    """Import the modules, into one heap for all threads that come.

    `without`: what others import and is of no use here. Its memory is free for what is imported after it.
    """
    share_one_heap()  # threads of an agent wait, most of the time
    gc.disable()  # code is no garbage: to look for some between imports takes a tenth of their time
    for name in modules:
        importlib.import_module(name)
        if [each for each in without if sys.modules.pop(each, None)]:
            gc.collect()
    gc.enable()
    if threading.active_count() > 1:
        names = ", ".join(thread.name for thread in threading.enumerate())
        raise TerminalError(f"importing the flows started threads ({names}), so nothing can be forked safely")


def leave_alone() -> None:
    """Let no garbage collector look at what was made so far: it would write to memory that all share."""
    gc.collect()
    gc.freeze()


def keep(
    main: Callable[[Connection], None],
    run: Callable[[Order], None],
    tend: Callable[[], float | None] = lambda: None,
) -> int:
    """Fork `main`, and a child for each order that it sends, until it ends; its exit code.

    SIGTERM, SIGINT and SIGHUP are passed on to `main`. Children end with their parent, however it ends.
    `tend` is called again and again, and says after how many seconds at most; None: when something happens.
    """
    leave_alone()
    ours, theirs = _FORK.Pipe()
    parent = os.getpid()
    first = _FORK.Process(target=_main, args=(main, ours, theirs, parent), name="agent")
    first.start()
    theirs.close()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda number, _frame: _pass_on(first, number))
    children: dict[int, tuple[str, _Child]] = {}
    try:
        while first.is_alive():
            _turn(ours, first, children, run, tend())
    finally:
        for _, child in children.values():
            child.kill()
    first.join()
    return _exit_code(first)


def _turn(
    control: Connection,
    first: ForkProcess,
    children: dict[int, tuple[str, _Child]],
    run: Callable[[Order], None],
    seconds: float | None,
) -> None:
    """Wait for what happens next, at most so long, and handle it."""
    ready = connection.wait([control, first.sentinel, *children], seconds)
    for sentinel in ready:
        if isinstance(sentinel, int) and sentinel in children:
            name, child = children.pop(sentinel)
            child.join()
            _send(control, Ended(name, _exit_code(child), child.peak))
            child.close()
    if control in ready:
        try:
            order = control.recv()
        except (EOFError, OSError):
            first.join()
            return
        child = _Child(target=_child, args=(run, order, control, os.getpid()), name=order.run)
        child.start()
        children[child.sentinel] = (order.run, child)
        _send(control, Started(order.run, child.pid or 0))


def _send(control: Connection, message: Started | Ended) -> None:
    # Who ordered it may have ended meanwhile.
    try:
        control.send(message)
    except OSError:
        return


def _pass_on(first: ForkProcess, number: int) -> None:
    if first.pid:
        os.kill(first.pid, number)


def _exit_code(process: ForkProcess) -> int:
    return process.exitcode if process.exitcode is not None else 1


def _main(main: Callable[[Connection], None], ours: Connection, theirs: Connection, parent: int) -> None:
    ours.close()
    end_with(parent)
    main(theirs)


def _child(run: Callable[[Order], None], order: Order, control: Connection, parent: int) -> None:
    control.close()
    os.setsid()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    end_with(parent)
    os.environ.update(order.environ)
    run(order)
