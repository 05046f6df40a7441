"""PostgreSQL is replaced by a dump, by the lines of docs/guides/backup.md for the trial database."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.interop.pods.site import INSTALL, Site
from tests.unit.guides.commands import ROOT, lines_to_run

EXEC = "kubectl -n towpath-system exec "
STOP = "kubectl -n towpath-system delete deployment "


@contextmanager
def restored(site: Site, done: Callable[[], None]) -> Iterator[None]:
    """A dump is taken at once; after what is `done` further, the database is replaced by it."""
    lines = [line for _, line in lines_to_run(ROOT / "docs/guides/backup.md")]
    dump, *restore = [line for line in lines if line.startswith(EXEC)]
    stop = [line for line in lines if line.startswith(STOP)]
    assert " pg_dump " in dump
    assert [next(each for each in PROGRAMS if f" {each} " in line) for line in restore] == list(PROGRAMS)
    _run(site, dump)
    done()
    assert len(stop) == 2
    for line in (*stop, *restore):
        _run(site, line)
    site.must(*INSTALL, f"--values={site.folder / 'values.yaml'}", "--timeout=30m")
    yield


PROGRAMS = ("dropdb", "createdb", "pg_restore", "psql")


def _run(site: Site, line: str) -> None:
    command = site.cluster.entering("sh", "-c", line)
    done = subprocess.run(
        command, cwd=site.folder, env=dict(site.cluster.environ), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{line}\n{done.stderr}\n{site.told()}"
