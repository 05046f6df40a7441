"""Runs all checks, groups of tests beside one another, and tells what each took; one line of totals ends it.

    python -m tests.run [all|lint|tests] [files, folders and other arguments of pytest ...]

Integration tests wait for the stack most of the time; types and unit tests take what they leave of the
processors, at a lower priority, so that the longest chain is not made longer; flow tests follow. Tests that
stop parts of the stack (marked `alone`) come when no other test uses it, beside what is left of the others.
What a group printed is in .cache/tests/GROUP.log, and is shown when the group failed.
"""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.totals import GroupReport, read_report, summary_line, tell_slowest
from towpath.errors import MissingPartError

ROOT = Path(__file__).parents[1]
LOGS = ROOT / ".cache" / "tests"
BIN = Path(sys.executable).parent
PROCESSORS = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
LINT: dict[str, tuple[str, ...]] = {
    "ruff check": ("ruff", "check", "--quiet", "."),
    "ruff format": ("ruff", "format", "--check", "--quiet", "."),
    "types (mypy --strict)": ("mypy", "--no-error-summary"),
    "layers (import-linter)": ("lint-imports", "--no-logo"),
}
PARTS = ("towpath", "doctor", "--get", "--charts")
"""What tests run on. Where a machine cannot have a part, those that need it skip, or fail in CI."""
PROGRESS_SECONDS = 30.0
NICE = 5
"""How much lower the priority is of what needs a processor only, and waits for nothing."""
_FAILURE = re.compile(r"^failed: .*", re.MULTILINE)
"""tests/conftest.py writes these lines."""
NO_TESTS = 5
"""pytest's exit code when the arguments select no test of a group."""


@dataclass(frozen=True, slots=True)
class Group:
    """Tests that one pytest runs: on `workers` processes, or in its own."""

    name: str
    folder: str
    workers: int
    options: tuple[str, ...] = ()
    nice: int = 0


UNIT = Group("unit", "tests/unit", max(2, PROCESSORS), ("--dist=worksteal",), nice=NICE)
FLOWS = Group(
    "flows",
    "tests/flows",
    2,
    # A server's start takes minutes where the processors have much else to do; it has a limit of its own.
    ("--dist=worksteal", "-o", "timeout_func_only=true"),
)
INTEGRATION = Group(
    "integration",
    "tests/integration",
    min(6, PROCESSORS + 2),
    # Else xdist begins with the files that have the most tests, and ends with the longest chain.
    ("--dist=loadscope", "--no-loadscope-reorder", "-m", "not alone"),
)
ALONE = Group("integration, alone", "tests/integration", 0, ("-m", "alone"))


def environment() -> dict[str, str]:
    """Compiled code is kept whatever the caller's shell says: to rewrite asserts is half of a collection."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


@dataclass
class Run:
    """One run of the checks: what it was asked for, and what came of it until now."""

    arguments: Sequence[str]
    begin: float = field(default_factory=time.monotonic)
    reports: list[GroupReport] = field(default_factory=list)
    stages: list[tuple[str, float]] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    running: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)
    stopped: bool = False
    environ: dict[str, str] = field(default_factory=environment)
    screen: threading.Lock = field(default_factory=threading.Lock)

    def say(self, text: str) -> None:
        with self.screen:
            print(text, flush=True)  # noqa: T201

    def stage(self, name: str, command: Sequence[str], *, optional: bool = False, nice: int = 0) -> None:
        """A check that is one program; what it printed is shown when it fails."""
        begin = time.monotonic()
        code = self._program(name, [str(BIN / command[0]), *command[1:]], nice=nice)
        self.stages.append((name, time.monotonic() - begin))
        log = _log(name).read_text(errors="replace")
        if code == 0 or optional:
            self.say(f"✓ {name}  {self.stages[-1][1]:.0f} s")
        else:
            self.failed.append(name)
            self.say(f"{log}✗ {name}  {self.stages[-1][1]:.0f} s")
        if code and optional:
            self.say(f"{log}  (tests that need it skip, or fail with CI=true)")

    def group(self, group: Group, **more: str) -> None:
        """Run the tests of a group, with `more` variables; on a failure its whole output is shown."""
        selected = self.selected(group)
        if selected is None or self.stopped:
            return
        name, begin = group.name, time.monotonic()
        report = LOGS / f"{_file(name)}.xml"
        report.unlink(missing_ok=True)
        shared = ["-q", f"--junitxml={report}", "-o", f"cache_dir={LOGS / 'cache' / _file(name)}"]
        workers = [f"-n{group.workers}"] if group.workers else []
        command = [sys.executable, "-m", "pytest", *shared, *workers, *group.options, *selected]
        code = self._program(name, command, nice=group.nice, **more)
        found = read_report(name, report, time.monotonic() - begin)
        self.reports.append(found)
        good = code == 0 or (code == NO_TESTS and bool(self.arguments))
        if not good:
            self.failed.append(name)
            self.say(f"---- {name} ----\n{_log(name).read_text(errors='replace')}")
        self.say(f"{'✓' if good else '✗'} {name}  {found.seconds:.0f} s: {found.counts()}")

    def selected(self, group: Group) -> list[str] | None:
        """pytest's arguments for a group; None: the files asked for are all of other groups."""
        paths = [each for each in self.arguments if (ROOT / each.partition("::")[0]).exists()]
        others = [each for each in self.arguments if each not in paths]
        if not paths:
            return [group.folder, *others]
        mine = [each for each in paths if Path(each).is_relative_to(group.folder)]
        if any(Path(group.folder).is_relative_to(each) for each in paths):
            mine = [group.folder]
        return [*mine, *others] if mine else None

    def _program(self, name: str, command: Sequence[str], *, nice: int, **more: str) -> int:
        """Run a program with its output in the log; its exit code."""
        if nice:
            command = ["nice", "-n", str(nice), *command]
        with _log(name).open("wb") as log:
            process = subprocess.Popen(
                command, cwd=ROOT, env=self.environ | more, stdout=log, stderr=subprocess.STDOUT
            )
        self.running[name] = process
        if self.stopped:
            process.terminate()
        code = process.wait()
        del self.running[name]
        return code

    def stop(self) -> None:
        """End the programs that run, and begin no others."""
        self.stopped = True
        running = list(self.running.values())
        for process in running:
            process.send_signal(signal.SIGINT)
        for process in running:
            process.wait()

    def tell_progress(self, done: threading.Event) -> None:
        told: set[str] = set()
        while not done.wait(PROGRESS_SECONDS):
            logs = {name: _log(name).read_text(errors="replace") for name in list(self.running)}
            failures = {line for log in logs.values() for line in _FAILURE.findall(log)}
            for line in sorted(failures - told):
                self.say(f"  {line}")
            told |= failures
            parts = [f"{name} {_percent(log)}".strip() for name, log in logs.items()]
            if parts:
                self.say(f"  {time.monotonic() - self.begin:.0f} s: {', '.join(parts)}")


def main(arguments: Sequence[str]) -> int:
    what = arguments[0] if arguments and arguments[0] in ("all", "lint", "tests") else "all"
    run = Run([each for each in arguments if each != what])
    LOGS.mkdir(parents=True, exist_ok=True)
    done = threading.Event()
    teller = threading.Thread(target=run.tell_progress, args=(done,), daemon=True)
    teller.start()
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        if what == "lint":
            checks(run)
        else:
            tests(run, lint=what == "all")
    except KeyboardInterrupt:
        run.failed.append("interrupted")
    finally:
        done.set()
        teller.join()
    if run.failed:
        run.say(f"failed: {', '.join(run.failed)}")
    if what != "lint":
        tell(run)
    return 1 if run.failed else 0


def checks(run: Run) -> None:
    for name, command in LINT.items():
        run.stage(name, command, nice=NICE)


def tests(run: Run, *, lint: bool) -> None:
    """What keeps the processors busy in a thread of its own; what waits for the cluster here."""
    ready = threading.Event()

    def busy() -> None:
        if lint:
            checks(run)
        ready.wait()
        run.group(UNIT)
        run.group(FLOWS)

    with ThreadPoolExecutor() as pool, ending(run):
        other = pool.submit(busy)
        try:
            run.stage("parts", PARTS, optional=True)
        finally:
            ready.set()
        if run.selected(INTEGRATION) is not None:
            with ExitStack() as stack:
                stack_variables = bring_up(run, stack)
                if stack_variables is not None:
                    stack.enter_context(ending(run))
                    run.group(INTEGRATION, **stack_variables)
                    run.group(ALONE, **stack_variables)
        other.result()


@contextmanager
def ending(run: Run) -> Iterator[None]:
    """Nothing runs on when the block is left by an error or an interrupt."""
    try:
        yield
    except BaseException:
        run.stop()
        raise


def bring_up(run: Run, held: ExitStack) -> dict[str, str] | None:
    """The variables that lead to the stack of the integration tests, which is up until `held` is closed.

    None where they cannot run. Where this machine cannot have a stack they can: they skip, or fail in CI.
    No other group gets these variables: a unit test that reads them would find a cluster.
    """
    from tests.integration.shared_stack import MADE, TEST_HOME, shared_stack

    begin = time.monotonic()
    try:
        running = held.enter_context(shared_stack())
    except MissingPartError as error:
        run.say(f"  no local stack: {error}")
        return {}
    except AssertionError as error:  # what `up` or `down` said
        run.failed.append("local stack")
        run.say(str(error))
        return None
    made = running.home == TEST_HOME
    run.stages.append(("local stack", time.monotonic() - begin))
    run.say(f"✓ local stack {'started' if made else 'that was up'}  {run.stages[-1][1]:.0f} s")
    return {"TOWPATH_HOME": str(running.home), MADE: "made" if made else "reused"}


def tell(run: Run) -> None:
    """Where the time went, and the totals."""
    run.say("\nWhere the time went")
    for name, seconds in run.stages:
        run.say(f"  {seconds:6.0f} s  {name}")
    for report in run.reports:
        run.say(f"  {report.seconds:6.0f} s  {report.name}: {report.counts()}")
    run.say(tell_slowest(run.reports))
    run.say(summary_line(run.reports, run.failed, time.monotonic() - run.begin))


def _file(name: str) -> str:
    return re.sub(r"\W+", "-", name).strip("-")


def _log(name: str) -> Path:
    return LOGS / f"{_file(name)}.log"


def _percent(log: str) -> str:
    """How far pytest says it is."""
    found = re.findall(r"\[ *(\d+)%\]", log)
    return f"{found[-1]} %" if found else ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
