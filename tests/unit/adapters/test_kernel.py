"""What the kernel and the C library are asked to do for a process."""

import subprocess
import sys
import textwrap

import pytest

THREADS = textwrap.dedent(
    """
    import ctypes, threading
    from towpath.adapters.kernel import share_one_heap
    {first}
    ready = threading.Barrier(5)
    def hold():
        held = [bytes(1000) for _ in range(1000)]
        ready.wait(60)
        ready.wait(60)
    threads = [threading.Thread(target=hold) for _ in range(4)]
    for each in threads: each.start()
    ready.wait(60)
    ctypes.CDLL(None).malloc_stats()
    ready.wait(60)
    """
)


@pytest.mark.skipif(sys.platform != "linux", reason="asks the C library of Linux")
@pytest.mark.parametrize(("first", "one"), [("share_one_heap()", True), ("", False)])
def test_threads_share_a_heap(first: str, one: bool) -> None:
    program = THREADS.format(first=first)
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=True
    )
    heaps = ran.stderr.count("Arena ")
    assert heaps == 1 if one else heaps > 1
