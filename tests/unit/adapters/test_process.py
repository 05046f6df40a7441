"""adapters/process.py, with real programs."""

import os
import sys
import threading
import time
from pathlib import Path

import pytest

from towpath.adapters.process import CommandError, run, tail
from towpath.errors import MissingPartError, TerminalError


def test_output_of_both_streams_is_returned() -> None:
    done = run(["sh", "-c", "echo out; echo err >&2"])
    assert (done.stdout, done.stderr, done.code) == ("out\n", "err\n", 0)


def test_input_reaches_the_program() -> None:
    assert run(["cat"], input="hello").stdout == "hello"


def test_large_input_and_output_do_not_block_each_other() -> None:
    text = "x" * 3_000_000
    assert run(["cat"], input=text).stdout == text


def test_input_that_nobody_reads_is_no_error() -> None:
    assert run(["true"], input="x" * 1_000_000).code == 0


def test_environment_is_exactly_what_was_given() -> None:
    assert run(["/usr/bin/env"], env={"ONE": "1"}).stdout == "ONE=1\n"


def test_nothing_is_read_from_our_terminal() -> None:
    assert run(["cat"], timeout=5).stdout == ""


def test_failure_carries_command_code_and_last_lines() -> None:
    with pytest.raises(CommandError) as caught:
        run(["sh", "-c", "seq 1 100 >&2; exit 7"])
    assert caught.value.code == 7
    assert caught.value.output.splitlines()[-1] == "100"
    assert len(caught.value.output.splitlines()) == 20
    assert "failed with exit code 7" in str(caught.value)


def test_allowed_codes_are_no_failure() -> None:
    assert run(["sh", "-c", "exit 3"], codes=(0, 3)).code == 3


def test_failure_shows_no_credentials() -> None:
    with pytest.raises(CommandError) as caught:
        run(["sh", "-c", "echo https://bob:canary-5544@host/ >&2; exit 1", "--token", "canary-5544"])
    assert "canary-5544" not in str(caught.value)


def test_a_program_that_is_not_there_is_a_missing_part() -> None:
    with pytest.raises(MissingPartError, match="no-such-program"):
        run(["no-such-program"])


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(TerminalError, match="nowhere"):
        run(["true"], cwd=tmp_path / "nowhere")


def test_timeout_ends_grandchildren_too(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    started = time.monotonic()
    with pytest.raises(CommandError) as caught:
        run(["sh", "-c", f"sleep 300 & echo $! > {pid_file}; wait"], timeout=2)
    assert caught.value.timed_out
    assert time.monotonic() - started < 60
    assert not _runs(int(pid_file.read_text()))


def test_timeout_ends_a_program_that_ignores_sigterm() -> None:
    started = time.monotonic()
    with pytest.raises(CommandError):
        run(["sh", "-c", "trap '' TERM; while :; do sleep 1; done"], timeout=0.3)
    assert time.monotonic() - started < 60


def test_what_is_to_stop_is_killed_without_being_asked(tmp_path: Path) -> None:
    stop, told = threading.Event(), tmp_path / "told"
    script = f"trap 'touch {told}' TERM; while :; do sleep 0.05; done"
    stop.set()
    with pytest.raises(CommandError) as caught:
        run(["sh", "-c", script], stop=stop)
    assert caught.value.timed_out
    assert not told.exists()


def test_a_grandchild_that_keeps_the_pipe_counts_against_the_timeout(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    with pytest.raises(CommandError):
        run(["sh", "-c", f"sleep 300 & echo $! > {pid_file}"], timeout=2)
    assert not _runs(int(pid_file.read_text()))


def test_lines_are_told_as_they_come(tmp_path: Path) -> None:
    told: list[str] = []
    go = tmp_path / "go"

    def tell(line: str) -> None:
        told.append(line)
        go.touch()

    wait = f"while [ ! -e {go} ]; do sleep 0.05; done"
    run(["sh", "-c", f"echo one; {wait}; echo password=canary-1; printf end"], on_line=tell, timeout=60)
    assert told == ["one", "password=***", "end"]


def test_tail_leaves_out_empty_lines() -> None:
    assert tail("a\n\nb\n\n\nc\n", 2) == "b\nc"


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (OSError, ValueError):
        return False
    return state != "Z"


def test_processor_time_memory_and_output_are_bounded() -> None:
    with pytest.raises(CommandError, match="took more than 1 s of processor time") as caught:
        run(["sh", "-c", "while :; do :; done"], cpu=1)
    assert caught.value.timed_out
    go = "print('fatal error: runtime: out of memory', file=sys.stderr); sys.exit(2)"
    limited = "resource.getrlimit(resource.RLIMIT_DATA)[0] >= 0"
    wait = f"import resource, sys, time\nwhile not {limited}: time.sleep(0.01)"
    allocate = f"{wait}\ntry: x = bytearray(1 << 30)\nexcept MemoryError: {go}"
    with pytest.raises(CommandError, match="needed more than 200 MiB of memory"):
        run([sys.executable, "-c", allocate], memory=200 << 20)
    with pytest.raises(CommandError, match="wrote more than 1000 bytes"):
        run(["sh", "-c", "while :; do echo x; done"], max_output=1_000)


def test_the_end_of_a_long_secret_is_not_shown_without_its_head(tmp_path: Path) -> None:
    lines = "".join(f"  key{number}: hunter2-{number}\n" for number in range(20_000))
    (tmp_path / "secret").write_text(f"kind: Secret\ndata:\n{lines}")
    with pytest.raises(CommandError, match="too long to be shown") as caught:
        run(["sh", "-c", "cat secret >&2; exit 3"], cwd=tmp_path)
    assert "hunter2" not in str(caught.value)


def test_the_size_of_files_is_bounded(tmp_path: Path) -> None:
    script = "import time; time.sleep(0.2); open('big', 'wb', 0).writelines([bytes(500)] * 10)"
    with pytest.raises(CommandError):
        run([sys.executable, "-c", script], cwd=tmp_path, max_file=1_000)
    assert (tmp_path / "big").stat().st_size <= 1_000
    run([sys.executable, "-c", script], cwd=tmp_path, max_file=10_000)
