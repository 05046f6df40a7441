"""The Prefect server for uvicorn: Prefect's own application, with a deadlock of CPython and SQLite avoided.

On SQLite, Prefect's connections wait up to 60 s for the write lock, each in its thread, holding its
connection's mutex. When Python's cyclic garbage collector runs in the event loop's thread just then
and clears a forgotten cursor of such a connection, it waits for that mutex; the loop stands still,
so whoever has the write lock cannot give it back, and nobody moves for 60 s. Seen with Prefect
3.8.8 and Python 3.11 in one of eight starts of four workers: docs/decisions/0007-prefect-server-on-
sqlite.md. So cycles are collected in a thread of their own: that one may wait, because it lets the
loop run meanwhile.
"""

import functools
import gc
import os
import threading
import time
from datetime import timedelta

from towpath.orchestration.busy_database import RetryBusy
from towpath.orchestration.origin_guard import VARIABLE, OriginGuard

PAUSE = 2.0
"""Seconds between two collections."""
DUE = timedelta(seconds=1)
"""How often tasks in the background that are due at a time are looked for."""
_OLDEST_EVERY = 15
_YOUNG = 1
_ALL = 2


def create_app() -> RetryBusy | OriginGuard:
    """What `prefect server start` serves: API, UI and background services."""
    from prefect.server.api.server import create_app as prefect_app

    gc.disable()
    threading.Thread(target=collect_for_ever, name="collect cycles", daemon=True).start()
    look_less_often()
    origins = os.environ.get(VARIABLE, "")
    app = RetryBusy(prefect_app(final=True))
    return OriginGuard(app, origins.split(",")) if origins else app


def look_less_often() -> None:
    """Prefect's services run in the background by the clock, every 5 s or more seldom.

    Docket, which runs them, asks four times a second whether one is due, each time with a script: a third of
    what a server costs to which nobody speaks. What is due at once is begun at once all the same.
    """
    from docket import Worker
    from prefect.server.api import background_workers

    worker = functools.partial(Worker, minimum_check_interval=DUE, scheduling_resolution=DUE)
    setattr(background_workers, "Worker", worker)  # noqa: B010 - it imports the name for itself only


def collect_for_ever() -> None:
    """Collect young objects often, all of them every half minute.

    What the start has left, mostly code and its tables, is looked through once and then no more: a collection
    holds the interpreter's lock, so no request is answered meanwhile.
    """
    turn = 0
    while True:
        time.sleep(PAUSE)
        turn += 1
        gc.collect(_ALL if turn % _OLDEST_EVERY == 0 else _YOUNG)
        if turn == _OLDEST_EVERY:
            gc.freeze()
