"""Brings the database of the Prefect servers to this version, as a program of its own (`python -m`).

Each pod of a server runs it before it starts. Servers that start at once would run the same migrations at
once, and Prefect takes no lock for them; here the first one does the work while the others wait. A database
that a newer version has left is used as it is, which is how a version is taken back.
"""

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from towpath.errors import TransientError
from towpath.redact import redact

LOCK = 0x746F7770617468
"""Of PostgreSQL (`pg_advisory_lock`): the letters `towpath`. It ends with its connection."""
WAIT = 300.0
"""Seconds for the database to answer, and for the lock."""
PAUSE = 1.0


async def prepare(wait: float = WAIT) -> str:
    """Migrate, register Prefect's blocks, and return what was done as a sentence.

    TransientError when database or lock cannot be had within `wait` seconds.
    """
    from prefect.server.database import provide_database_interface

    database: Any = provide_database_interface()
    engine = await database.engine()
    async with _locked(engine, time.monotonic() + wait) as connection:
        revision = await _revision(connection)
        known, head = _revisions(database.orm.versions_dir)
        if revision and revision not in known:
            return f"The database is of a newer version ({revision}); it is left as it is."
        if revision != head:
            await database.run_migrations_upgrade()
        await register_blocks(database)
    return f"The database is of this version ({head}){'' if revision != head else ' already'}."


@asynccontextmanager
async def _locked(engine: Any, deadline: float) -> AsyncIterator[Any]:
    """A connection that holds the lock until it is closed."""
    from sqlalchemy import text

    connection = await _connect(engine, deadline)
    try:
        while not (await connection.execute(text(f"SELECT pg_try_advisory_lock({LOCK})"))).scalar():
            if time.monotonic() > deadline:
                raise TransientError("another server has been migrating the database all that time")
            await asyncio.sleep(PAUSE)
        yield connection
    finally:
        await connection.invalidate()
        await connection.close()


async def _connect(engine: Any, deadline: float) -> Any:
    from asyncpg import PostgresError
    from sqlalchemy.exc import SQLAlchemyError

    told = ""
    while True:
        try:
            connection = await engine.connect()
            # Without a transaction: indexes that are created concurrently wait for the end of all of them.
            return await connection.execution_options(isolation_level="AUTOCOMMIT")
        except (OSError, PostgresError, SQLAlchemyError, TimeoutError) as error:
            reason = redact((str(error) or type(error).__name__).splitlines()[0])
            if time.monotonic() > deadline:
                raise TransientError(f"the database cannot be reached: {reason}") from error
            if reason != told:
                sys.stderr.write(f"waiting for the database: {reason}\n")
            told = reason
            await asyncio.sleep(PAUSE)


async def _revision(connection: Any) -> str | None:
    """The migration that the database was brought to; none: it is empty."""
    from sqlalchemy import text

    there = (await connection.execute(text("SELECT to_regclass('alembic_version')"))).scalar()
    if not there:
        return None
    found = (await connection.execute(text("SELECT version_num FROM alembic_version"))).scalar()
    return str(found) if found else None


def _revisions(folder: Path) -> tuple[set[str], str]:
    """All migrations that this version of Prefect knows, and the last one."""
    from alembic.script import ScriptDirectory
    from prefect.server.database.alembic_commands import alembic_config

    scripts = ScriptDirectory.from_config(alembic_config())
    scripts.version_locations = [str(folder)]
    return {each.revision for each in scripts.walk_revisions()}, str(scripts.get_current_head())


async def register_blocks(database: Any) -> None:
    """Write Prefect's own types of blocks, where they are not there or are older."""
    from prefect.server.models.block_registration import run_block_auto_registration

    async with await database.session() as session:
        await run_block_auto_registration(session=session)


def main() -> int:
    """The exit code: 0 when servers can start."""
    try:
        sys.stdout.write(asyncio.run(prepare()) + "\n")
    except TransientError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
