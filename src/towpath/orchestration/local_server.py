"""The Prefect server of one machine, on SQLite: `python -m towpath.orchestration.local_server PORT`.

Migrations and the registration of Prefect's blocks leave some 45 MiB behind in the process that did them. So
they are done by a child, which ends before the server opens the database.
"""

import asyncio
import gc
import os
import signal
import sys
from multiprocessing import get_context

from towpath.adapters.kernel import end_with, share_one_heap
from towpath.orchestration.server_database import register_blocks

HOST = "127.0.0.1"
KEEP_ALIVE = 5
GRACE = 3
"""Seconds that a connection may rest, and that requests have to end when the server ends."""
_DONE_ALREADY = ("PREFECT_SERVER_DATABASE_MIGRATE_ON_START", "PREFECT_API_BLOCKS_REGISTER_ON_START")


def prepare() -> None:
    """Bring the database to this version of Prefect, in a child. SystemExit when it cannot be done."""
    import prefect.server.api.server  # noqa: F401 - once for both processes

    gc.collect()
    child = get_context("fork").Process(target=_prepare, args=(os.getpid(),), name="migrate")
    child.start()
    child.join()
    if child.exitcode:
        raise SystemExit(f"the database could not be brought to this version of Prefect ({child.exitcode})")


def serve(port: int) -> None:
    """Answer at the port until a signal ends the process."""
    import uvicorn

    from towpath.orchestration.server_app import create_app

    uvicorn.run(
        create_app,
        factory=True,
        host=HOST,
        port=port,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=GRACE,
        log_level="warning",
    )


def main() -> None:
    """Prepare the database, and serve."""
    share_one_heap()
    os.environ.update(dict.fromkeys(_DONE_ALREADY, "false"))
    prepare()
    serve(int(sys.argv[1]))


def _prepare(parent: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    end_with(parent)
    asyncio.run(_migrate())


async def _migrate() -> None:
    """As the start of Prefect's application does; it leaves blocks alone that it has registered before."""
    from prefect.server.api.server import _memoize_block_auto_registration
    from prefect.server.database import provide_database_interface

    database = provide_database_interface()
    await database.create_db()
    await _memoize_block_auto_registration(lambda: register_blocks(database))()


if __name__ == "__main__":
    main()
