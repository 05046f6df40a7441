"""Runs of one machine take turns before they ask the server: its lock goes to whoever happens to ask next."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from towpath.adapters.file_lock import try_lock


@contextmanager
def turn(cache: Path, name: str) -> Iterator[Callable[[], bool]]:
    """A question about the lock of that name: is it my turn now? Where it is, it stays so until the end."""
    folder = cache / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{name}.lock").open("w") as file:
        yield partial(try_lock, file)
