"""A lock between processes; the operating system releases it when its holder dies."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from towpath.adapters.file_lock import try_lock, wait_for_lock


@contextmanager
def locked(path: Path, on_wait: Callable[[str], None]) -> Iterator[None]:
    """Hold the lock file `path`; calls `on_wait` with a message before waiting for another holder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        if not try_lock(file):
            on_wait("waiting for another run that does the same")
            wait_for_lock(file)
        yield
