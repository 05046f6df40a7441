"""A promotion that waits for its turn ends as soon as a newer release has come in, and by nothing else."""

import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tasks.runs.lock import environment_lock
from tasks.runs.overtaken import note_promoted, overtaking
from tasks.runs.step import SupersededError
from towpath.adapters.file_lock import try_lock
from towpath.release.model import Release, ScanSummary, one_image


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TOWPATH_CACHE", str(tmp_path))
    return tmp_path


def release(number: int, app: str = "hello") -> Release:
    """The higher the number, the newer."""
    images = one_image(app, f"registry.example.com/{app}", f"sha256:{number:064x}")
    built = f"2026-01-01T00:00:{number:02}+00:00"
    return Release(app, images, f"{number:040x}", "", "", "", built, ScanSummary("passed"), "")


def now() -> datetime:
    return datetime.now(UTC)


def test_a_newer_release_that_came_in_meanwhile_ends_the_wait() -> None:
    look = overtaking(release(1), "dev", now())
    look()
    note_promoted(release(2), "dev")
    with pytest.raises(SupersededError, match="hello 0000000 was superseded by 0000000"):
        look()


@pytest.mark.parametrize("other", [release(1), release(2), release(3, app="shop")])
def test_the_same_an_older_and_another_app_s_release_end_nothing(other: Release) -> None:
    look = overtaking(release(2), "dev", now())
    note_promoted(other, "dev")
    look()


def test_another_environment_ends_nothing() -> None:
    look = overtaking(release(1), "dev", now())
    note_promoted(release(2), "prod")
    look()


def test_who_asks_for_an_older_release_later_on_means_it() -> None:
    note_promoted(release(2), "dev")
    overtaking(release(1), "dev", now() + timedelta(seconds=1))()
    overtaking(release(1), "dev", None)()


def test_of_two_that_come_in_the_later_one_counts() -> None:
    look = overtaking(release(2), "dev", now())
    note_promoted(release(1), "dev")
    look()
    time.sleep(0.02)  # the file's time must differ
    note_promoted(release(3), "dev")
    with pytest.raises(SupersededError):
        look()


@pytest.mark.parametrize("text", ["", "{", "[]", json.dumps({"id": "x"}), json.dumps({"built": 3})])
def test_what_cannot_be_read_ends_nothing(cache: Path, text: str) -> None:
    note_promoted(release(2), "dev")
    (cache / "locks/promoted/dev/hello.json").write_text(text)
    overtaking(release(1), "dev", now() - timedelta(hours=1))()


def test_a_run_that_waits_for_its_turn_ends_at_once(cache: Path) -> None:
    (cache / "locks").mkdir()
    with (cache / "locks" / "environment-dev.lock").open("w") as file:
        assert try_lock(file)
        look = overtaking(release(1), "dev", now())
        note_promoted(release(2), "dev")
        begun = time.monotonic()
        with pytest.raises(SupersededError), environment_lock("dev", look):
            pass
        assert time.monotonic() - begun < 5


def test_a_run_whose_turn_has_come_ends_before_it_asks_for_the_lock() -> None:
    look = overtaking(release(1), "dev", now())
    note_promoted(release(2), "dev")
    with pytest.raises(SupersededError), environment_lock("dev", look):  # no server is there
        pass
