"""The environment's lock says what is in its way: nobody made it, or nobody answers."""

import socket
import threading
import time
from itertools import pairwise
from pathlib import Path

import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings

from tasks.runs.lock import environment_lock
from towpath.adapters.file_lock import try_lock
from towpath.errors import MissingPartError, TransientError
from towpath.orchestration.in_process import InProcessRuns


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOWPATH_CACHE", str(tmp_path))


def test_runs_of_one_machine_take_turns_without_a_pause(prefect_server: None) -> None:
    # The server tells who waits to ask again after as long as others held it, times how many have asked.
    held: list[tuple[float, float]] = []

    def work() -> None:
        with environment_lock("dev"):
            begun = time.monotonic()
            time.sleep(0.2)
            held.append((begun, time.monotonic()))

    threads = [threading.Thread(target=work) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    held.sort()
    assert len(held) == 5
    assert all(after[0] >= before[1] for before, after in pairwise(held)), "one at a time"
    assert max(after[0] - before[1] for before, after in pairwise(held)) < 5


def test_who_waits_for_its_turn_too_long_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.runs.lock.PATIENCE", 0.2)
    (tmp_path / "locks").mkdir()
    with (tmp_path / "locks" / "environment-dev.lock").open("w") as file:
        assert try_lock(file)
        with pytest.raises(TransientError, match="another run holds its lock"), environment_lock("dev"):
            pass


def test_what_the_watcher_runs_works_under_the_lock_that_the_watcher_has(
    prefect_server: None, tmp_path: Path
) -> None:
    def runs(cache: str) -> InProcessRuns:
        return InProcessRuns(str(PREFECT_API_URL.value()), "dev", tmp_path / cache, lambda _: None)

    with runs("mine").locked() as mine, runs("others").locked() as others:
        assert (mine, others) == (True, False)
        begun = time.monotonic()
        with environment_lock("dev"):
            assert time.monotonic() - begun < 60, "nobody was asked"
        with runs("others").locked() as given:
            assert given is False, "it is still held"
    with runs("others").locked() as given:
        assert given is True, "it was given back"


def test_a_lock_that_nobody_made_is_missing(prefect_server: None) -> None:
    with (
        pytest.raises(MissingPartError, match="environment nowhere is not set up"),
        environment_lock("nowhere"),
    ):
        pass


def test_a_server_that_does_not_answer_may_come_back() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # nobody listens
        url = f"http://127.0.0.1:{held.getsockname()[1]}/api"
        with (
            temporary_settings({PREFECT_API_URL: url}),
            pytest.raises(TransientError, match="could not give the lock of environment away"),
            environment_lock("away"),
        ):
            pass
