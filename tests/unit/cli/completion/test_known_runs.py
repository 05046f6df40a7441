"""The runs that were shown last: so many, and none where the cache cannot be written."""

from dataclasses import replace
from pathlib import Path

from towpath.cli.completion.known_runs import MOST, known_runs, remember_runs
from towpath.orchestration.runs import run_of
from towpath.settings import Settings


def test_as_many_are_kept_and_an_unwritable_cache_keeps_none(tmp_path: Path) -> None:
    settings = Settings.load({"HOME": str(tmp_path), "TOWPATH_CACHE": str(tmp_path / "cache")})
    state = {"type": "RUNNING"}
    made = [
        run_of({"id": f"{number}", "name": "x", "tags": [], "parameters": {}, "state": state}, "deliver")
        for number in range(MOST + 1)
    ]
    for run in made:
        remember_runs(settings, [run])
    assert [each.id for each in known_runs(settings)] == [f"{number}" for number in range(MOST, 0, -1)]
    (tmp_path / "file").touch()
    unwritable = replace(settings, cache=tmp_path / "file")
    remember_runs(unwritable, made)
    assert known_runs(unwritable) == []
