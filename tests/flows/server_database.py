"""The database of a test's Prefect server: migrated once for each version of Prefect, then copied.

The migrations are half of what a server's start costs.
"""

import fcntl
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import httpx
import prefect

from benchmarks.prefect_server import DATABASE, prefect_server

FOLDER = Path(__file__).parents[2] / ".cache" / "tests"


class MigratedDatabase:
    """The original is what the first server has made of its empty database."""

    def __init__(self, folder: Path = FOLDER) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._original = folder / f"prefect-{prefect.__version__}.db"
        self._held = ExitStack()
        self._new: Path | None = None

    def place(self, database: Path) -> None:
        """Copy the original, before the server starts. Where another one makes it just now, wait for that."""
        self._held.close()  # a server that did not start is started again
        lock = self._held.enter_context(self._original.with_suffix(".lock").open("w"))
        fcntl.flock(lock, fcntl.LOCK_EX)
        if self._original.exists():
            self._held.close()
            shutil.copyfile(self._original, database)
        else:
            self._new = database

    def keep(self) -> None:
        """Make the original where there was none: the server has started, and holds nothing of a test yet."""
        if self._new is None:
            return
        made = self._original.with_suffix(".new")
        made.unlink(missing_ok=True)
        with closing(sqlite3.connect(self._new)) as source, closing(sqlite3.connect(made)) as target:
            source.backup(target)
        made.replace(self._original)
        self._held.close()


@contextmanager
def migrated_server(folder: Path) -> Iterator[httpx.Client]:
    """A server of its own for agents, which has migrated nothing; a client of its API."""
    database = MigratedDatabase()
    database.place(folder / DATABASE)
    with prefect_server(folder) as api:
        database.keep()
        yield api
