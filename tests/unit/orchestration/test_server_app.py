"""Cycles are collected beside the event loop."""

import gc
import threading
import weakref
from datetime import timedelta
from unittest.mock import call, patch

from docket import Docket, Worker
from prefect.server.api import background_workers

from towpath.orchestration import server_app


class Node:
    """Part of a cycle."""

    def __init__(self) -> None:
        self.own = self


def test_a_cycle_is_collected_by_the_other_thread() -> None:
    collected_in: list[str] = []
    gc.disable()
    try:
        node = Node()
        weakref.finalize(node, lambda: collected_in.append(threading.current_thread().name))
        with patch.object(server_app, "PAUSE", 0.01):
            threading.Thread(target=server_app.collect_for_ever, name="beside", daemon=True).start()
            del node
            for _ in range(500):
                if collected_in:
                    break
                threading.Event().wait(0.02)
    finally:
        gc.enable()
    assert collected_in == ["beside"]


def test_what_the_start_has_left_is_looked_through_once() -> None:
    gc.unfreeze()
    with patch.object(server_app, "PAUSE", 0.01), patch.object(server_app.gc, "collect") as collect:
        threading.Thread(target=server_app.collect_for_ever, daemon=True).start()
        for _ in range(3_000):  # the thread of another test may freeze first
            if call(2) in collect.call_args_list and gc.get_freeze_count():
                break
            threading.Event().wait(0.02)
        assert call(2) in collect.call_args_list
    frozen = gc.get_freeze_count()
    gc.unfreeze()
    assert frozen > 10_000


def test_tasks_of_the_background_that_are_due_are_looked_for_once_a_second() -> None:
    usual = Worker(Docket(name="x", url="memory://x"))
    with patch.object(background_workers, "Worker", Worker):
        server_app.look_less_often()
        worker = background_workers.Worker(Docket(name="x", url="memory://x"))
    assert isinstance(worker, Worker)
    assert (worker.scheduling_resolution, worker.minimum_check_interval) == (server_app.DUE, server_app.DUE)
    assert usual.scheduling_resolution < server_app.DUE == timedelta(seconds=1)
