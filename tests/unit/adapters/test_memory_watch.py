"""The memory in use by a program and its children, on real processes. Memory only reserved does not count."""

import re
import sys
import time
from pathlib import Path

import pytest

from towpath.adapters.process import CommandError, run

pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")

LIMIT = 100 << 20
BOUND = 2 * LIMIT + (256 << 20)
"""What the operating system refuses a process. A kill takes milliseconds, so it is far less as a rule."""
HOLD = "x = bytearray(b'x') * ({} << 20)\n"
CHILDREN = """\
import os, time
for n in range({number}):
    if not os.fork():
        x = bytearray(b'x') * ({mebibytes} << 20)
        time.sleep({seconds})
        os._exit(0)
time.sleep({wait})
"""


def program(text: str, *, memory: int = LIMIT) -> None:
    run([sys.executable, "-c", text], memory=memory, timeout=100)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("import time\n" + HOLD.format(60) + "time.sleep(0.3)", id="below the limit"),
        pytest.param(
            "import mmap, time\nm = [mmap.mmap(-1, 64 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)"
            " for n in range(5)]\ntime.sleep(0.3)",
            id="320 MiB that are only reserved",
        ),
        pytest.param(
            "import mmap, time\nf = open('big', 'w+b')\nf.truncate(200 << 20)\n"
            "m = mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ)\n"
            "s = sum(m[n] for n in range(0, 200 << 20, 4096))\ntime.sleep(0.3)",
            id="200 MiB of a file",
        ),
        pytest.param(
            HOLD.format(50) + CHILDREN.format(number=6, mebibytes=1, seconds=0.3, wait=0.4),
            id="50 MiB that seven processes share",
        ),
        pytest.param(
            "import os\n"
            "for n in range(30):\n"
            "    pid = os.fork()\n"
            f"    if not pid:\n        {HOLD.format(40)}        os._exit(0)\n"
            "    os.waitpid(pid, 0)\n",
            id="40 MiB of each of many children, one after the other",
        ),
    ],
)
def test_a_program_within_its_limit_ends_by_itself(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    program(text)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("x = []\nwhile True: x.append(bytearray(b'x') * (1 << 20))", id="grows"),
        pytest.param(HOLD.format(300), id="grows at once"),
        pytest.param("import time\n" + HOLD.format(110) + "time.sleep(60)", id="a little more"),
        pytest.param(
            "import mmap, time\nm = mmap.mmap(-1, 150 << 20)\n"
            "for n in range(0, len(m), 4096): m[n] = 1\ntime.sleep(60)",
            id="memory that can be shared",
        ),
        pytest.param(CHILDREN.format(number=8, mebibytes=20, seconds=60, wait=60), id="many children"),
        pytest.param(
            CHILDREN.format(number=40, mebibytes=20, seconds=2, wait=4), id="many children that soon end"
        ),
        pytest.param(
            f"import os, time\nif not os.fork():\n    os.fork()\n    {HOLD.format(70)}    time.sleep(60)\n"
            "time.sleep(60)",
            id="children of children",
        ),
        pytest.param(
            f"import os, time\nif not os.fork():\n    if os.fork(): os._exit(0)\n    {HOLD.format(130)}"
            "    time.sleep(60)\ntime.sleep(60)",
            id="a child whose parent has ended",
        ),
        pytest.param(
            "import os, time\nif not os.fork():\n    time.sleep(0.1)\n"
            f"    {HOLD.format(130)}    time.sleep(60)\n",
            id="a child whose parent, the program itself, has ended",
        ),
        pytest.param(
            f"import os, time\nif not os.fork():\n    os.setsid()\n    {HOLD.format(130)}    time.sleep(60)\n"
            "time.sleep(60)",
            id="a child that left the session",
        ),
    ],
)
def test_what_needs_more_is_ended_soon_and_told_how_much_it_used(text: str) -> None:
    started = time.monotonic()
    with pytest.raises(CommandError, match="needed more than 100 MiB of memory") as caught:
        program(text)
    assert time.monotonic() - started < 30, "it was killed, it did not end by itself"
    assert caught.value.out_of_memory
    assert not caught.value.timed_out
    used = re.search(r"it used (\d+) MiB", caught.value.message)
    assert used, caught.value.message
    assert LIMIT < int(used[1]) << 20 < BOUND * (8 if "fork" in text else 1), (
        "each process has a bound of its own"
    )


def test_what_cannot_even_be_reserved_is_refused_before_it_is_used() -> None:
    go = "print('fatal error: runtime: out of memory', file=sys.stderr); sys.exit(2)"
    with pytest.raises(CommandError, match=r"more than 100 MiB .*asked for more than 456 MiB") as caught:
        program(
            # The limit is set soon after its start.
            "import resource, sys, time\n"
            "while resource.getrlimit(resource.RLIMIT_DATA)[0] < 0: time.sleep(0.01)\n"
            f"try: x = bytearray(2 << 30)\nexcept MemoryError: {go}"
        )
    assert caught.value.out_of_memory


@pytest.mark.parametrize("text", ["out of memory", "Error: fatal error: out of memory", "stack exceeds"])
def test_words_of_a_program_are_no_lack_of_memory(text: str) -> None:
    with pytest.raises(CommandError) as caught:
        program(f"import sys; sys.exit({text!r})")
    assert not caught.value.out_of_memory


def test_a_program_with_a_limit_is_not_slower() -> None:
    def least(memory: int | None) -> float:
        """The seconds that the quickest of 20 took: the others may have waited for a processor."""
        times = []
        for _ in range(20):
            started = time.monotonic()
            run(["true"], memory=memory)
            times.append(time.monotonic() - started)
        return min(times)

    assert least(LIMIT) < 2 * least(None) + 0.05
