"""History is what Git says: promotions, verifications, rollbacks, people."""

import json
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tests.unit.engine.source.promotions import World, release
from towpath.adapters.git import CommitInfo
from towpath.cli.history import command
from towpath.config import load_config
from towpath.engine.source.history import entries_of, release_history
from towpath.errors import UnknownNameError
from towpath.release.model import EnvironmentRelease


@pytest.fixture
def world(tmp_path: Path) -> World:
    made = World(tmp_path)
    made.promote(1, "dev", verified=True)
    made.promote(1, "prod", verified=True)
    made.promote(2, "dev", verified=False)
    made.promote(1, "dev", verified=True, back_from=2)
    return made


def test_one_entry_per_promotion_and_rollback_newest_first(world: World) -> None:
    checkout = world.checkout()
    found = release_history(checkout, load_config(checkout.path), "hello", "dev")
    assert [(entry.release.short[0], entry.what) for entry in found] == [
        ("1", "rolled back to"),
        ("2", "promoted"),
        ("1", "promoted"),
    ]
    newest, failed, first = found
    assert newest.state.verified_at and first.state.verified_at
    assert failed.state.verified_at is None
    assert failed.rolled_back_at
    assert failed.quarantined == "never ready"
    assert first.state.approved_by == ("alice",)


def test_a_longer_history_starts_no_more_programs(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[object] = []
    start = subprocess.Popen.__init__

    def counted(process: "subprocess.Popen[bytes]", *args: Any, **options: Any) -> None:
        started.append(args)
        start(process, *args, **options)

    monkeypatch.setattr(subprocess.Popen, "__init__", counted)

    def programs() -> int:
        checkout = world.checkout()
        started.clear()
        assert release_history(checkout, load_config(checkout.path), "hello", "dev")
        return len(started)

    short = programs()
    for number in range(3, 9):
        world.promote(number, "dev", verified=True)
    assert programs() == short > 0


def test_only_the_release_that_a_rollback_replaced_is_marked() -> None:
    one, two, three = (EnvironmentRelease(release(n), "2026-01-02T00:00:00Z", "ann") for n in (1, 2, 3))
    commits = [CommitInfo(str(n), "", "", "", f"2026-01-02T00:00:0{n}+00:00", "", {}) for n in range(1, 4)]
    of_another = replace(one, rolls_back=three.release.digest)
    found = entries_of("dev", zip(commits, (one, two, of_another), strict=True))
    assert [entry.rolled_back_at for entry in found] == [None, None, None]
    of_this = replace(one, rolls_back=two.release.digest)
    found = entries_of("dev", zip(commits, (one, two, of_this), strict=True))
    assert [entry.rolled_back_at for entry in found] == [None, commits[2].committed_at, None]


def test_unknown_names(world: World) -> None:
    checkout = world.checkout()
    config = load_config(checkout.path)
    with pytest.raises(UnknownNameError, match="app 'helo'"):
        release_history(checkout, config, "helo", "dev")
    with pytest.raises(UnknownNameError, match="environment 'prd'"):
        release_history(checkout, config, "hello", "prd")


def test_the_verb_needs_git_only(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOWPATH_ENVIRONMENTS", world.url)
    monkeypatch.setenv("TOWPATH_GIT_ALLOW_FILE", "1")
    monkeypatch.setenv("TOWPATH_CACHE", str(world.cache))
    text = CliRunner().invoke(command, ["hello"], catch_exceptions=False)
    assert text.exit_code == 0
    assert "never ready" in text.output
    assert len(text.output.splitlines()) == 5
    data = CliRunner().invoke(command, ["hello", "-e", "prod", "--output", "json"], catch_exceptions=False)
    assert [entry["environment"] for entry in json.loads(data.output)] == ["prod"]
