import threading
from pathlib import Path

from towpath.local.common.lock import locked


def test_one_at_a_time_and_who_waits_is_told(tmp_path: Path) -> None:
    told = threading.Event()
    order: list[str] = []

    def other() -> None:
        with locked(tmp_path / "lock", lambda _: told.set()):
            order.append("other")

    waiting = threading.Thread(target=other)
    with locked(tmp_path / "lock", lambda _: order.append("told for nothing")):
        waiting.start()
        assert told.wait(60)
        order.append("first")
    waiting.join(10)
    assert order == ["first", "other"]


def test_the_folder_of_the_lock_is_made(tmp_path: Path) -> None:
    with locked(tmp_path / "a" / "b" / "lock", lambda _: None):
        assert (tmp_path / "a" / "b" / "lock").is_file()
