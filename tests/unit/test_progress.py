import contextlib
import io
import os
import pty
import re
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from towpath.progress import LineProgress, SilentProgress, TerminalProgress, format_seconds, progress_on


def timeless(stream: io.StringIO) -> str:
    """What was written; a busy machine lets a step that does nothing take its time, which is told too."""
    return re.sub(r"  [\d.]+ s  ", "  ", stream.getvalue())


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.26, "0.3 s"), (12.4, "12 s"), (59.6, "1 m 00 s"), (60, "1 m 00 s"), (362, "6 m 02 s")],
)
def test_times_read_naturally(seconds: float, text: str) -> None:
    assert format_seconds(seconds) == text


def test_without_a_terminal_a_step_has_a_first_and_a_last_line() -> None:
    stream = io.StringIO()
    with LineProgress(stream).step("kustomize") as step:
        step.note("compiling")
        step.result("found")
    assert timeless(stream).splitlines() == ["· kustomize ...", "✓ kustomize  found"]


def test_a_long_step_gives_signs_of_life_with_its_last_note() -> None:
    stream = io.StringIO()
    seen = threading.Event()

    class Watched(io.StringIO):
        def write(self, text: str) -> int:
            if "compiling b" in text:
                seen.set()
            return stream.write(text)

    with LineProgress(Watched(), heartbeat=0.01).step("kubernetes") as step:
        step.note("compiling a\ncompiling b\n")
        assert seen.wait(60)
    assert re.search(r"^  kubernetes \.\.\. [\d.]+ s: compiling b$", stream.getvalue(), re.MULTILINE)


def test_a_failed_step_is_marked_and_its_error_goes_on() -> None:
    stream = io.StringIO()
    with pytest.raises(ValueError, match="broken"), LineProgress(stream).step("kustomize") as step:
        step.note("compiling")
        raise ValueError("broken")
    assert timeless(stream).splitlines()[-1] == "✗ kustomize  compiling"


def test_a_stream_that_is_no_terminal_gets_lines() -> None:
    assert isinstance(progress_on(io.StringIO()), LineProgress)


def test_silence_says_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    with SilentProgress().step("kustomize") as step:
        step.note("compiling")
    assert capfd.readouterr() == ("", "")


def read_to_end(terminal: int) -> str:
    """What is written to the other side until it is closed; a terminal gives it in pieces."""
    pieces = []
    with contextlib.suppress(OSError):
        while piece := os.read(terminal, 65536):
            pieces.append(piece)
    return b"".join(pieces).decode()


def test_on_a_terminal_ended_steps_stay_and_brackets_are_text() -> None:
    ours, theirs = pty.openpty()
    with ThreadPoolExecutor() as pool:
        reading = pool.submit(read_to_end, ours)
        with os.fdopen(theirs, "w") as stream:
            progress = progress_on(stream)
            assert isinstance(progress, TerminalProgress)
            with progress.step("outer [x]") as outer, progress.step("inner") as inner:
                outer.note("[/red] note")
                inner.result("built")
        output = reading.result()
    os.close(ours)
    assert "✓ inner" in output
    assert "✓ outer [x]" in output
