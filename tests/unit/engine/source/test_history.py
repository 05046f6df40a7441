"""History is what Git says: promotions, verifications, rollbacks, people."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tests.unit.engine.source.promotions import World, release
from towpath.adapters.git import CommitInfo
from towpath.cli.history import command
from towpath.config import load_config
from towpath.engine.source.history import entries_of, is_named, release_history
from towpath.errors import ConfigError, UnknownNameError
from towpath.formats.versions import V1, V2, FileVersion
from towpath.release.model import EnvironmentRelease, ReleaseImage
from towpath.release.release_file import dump_release_file, release_path


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
    assert [(entry.release.short_id[0], entry.what) for entry in found] == [
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
    of_another = replace(one, rolls_back=three.release.id)
    found = entries_of("dev", zip(commits, (one, two, of_another), strict=True))
    assert [entry.rolled_back_at for entry in found] == [None, None, None]
    of_this = replace(one, rolls_back=two.release.id)
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


def test_a_history_goes_on_across_a_migration_and_tells_none_one_and_several_images(world: World) -> None:
    path = release_path("hello", "prod")
    (one,) = release_history(world.checkout(), load_config(world.checkout().path), "hello", "prod")

    def merge(number: int, state: EnvironmentRelease, version: FileVersion) -> None:
        text = dump_release_file(state, version)
        marker = ("Towpath-Intent", f"merge-{number}")
        world.write({path: text}, f"Merge\n\n{': '.join(marker)}\n", marker)

    web, job = (ReleaseImage(name, f"127.0.0.1:5000/{name}", one.release.id) for name in ("web", "job"))
    several, none = replace(one.release, images=(web, job)), replace(one.release, images=())
    merge(1, replace(one.state, promoted_by="v1"), V1)
    merge(2, replace(one.state, promoted_by="v1"), V2)
    merge(3, replace(one.state, release=several), V2)
    merge(4, replace(one.state, release=none), V2)
    checkout = world.checkout()
    found = release_history(checkout, load_config(checkout.path), "hello", "prod")
    assert [entry.release.id for entry in found] == [none.id, several.id, one.release.id, one.release.id]
    assert [entry.state.promoted_by for entry in found] == ["bob", "bob", "v1", "bob"]
    told = [entry.to_json()["state"]["release"] for entry in found]
    assert [sorted(each["images"]) for each in told] == [[], ["job", "web"], ["hello"], ["hello"]]
    assert [each.get("digest") for each in told] == [None, None, one.release.id, one.release.id]
    assert [each["id"] for each in told] == [entry.release.id for entry in found]
    assert json.dumps([entry.to_json() for entry in found])
    for name in (several.id, job.digest, several.commit[:7]):
        assert is_named(replace(one.state, release=several), name)
    assert not is_named(replace(one.state, release=several), "0" * 40)


def test_the_verb_imports_no_library_that_is_slow_to_import(world: World) -> None:
    code = (
        "import sys; from towpath.cli.history import command\n"
        "command(['hello'], standalone_mode=False)\n"
        "sys.exit(str({'pydantic', 'git', 'cryptography', 'urllib3', 'rich'} & sys.modules.keys()))"
    )
    variables = {
        "TOWPATH_ENVIRONMENTS": world.url,
        "TOWPATH_GIT_ALLOW_FILE": "1",
        "TOWPATH_CACHE": str(world.cache),
    }
    done = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | variables, capture_output=True, text=True, check=False
    )
    assert (done.stderr, len(done.stdout.splitlines())) == ("set()\n", 5)


def test_a_wrong_name_and_a_broken_file_are_told_by_the_whole_of_towpath_yaml(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOWPATH_ENVIRONMENTS", world.url)
    monkeypatch.setenv("TOWPATH_GIT_ALLOW_FILE", "1")
    monkeypatch.setenv("TOWPATH_CACHE", str(world.cache))
    for args, match in ((["helo"], "app 'helo'"), (["hello", "-e", "prd"], "environment 'prd'")):
        with pytest.raises(UnknownNameError, match=match):
            CliRunner().invoke(command, args, catch_exceptions=False)
    marker = ("Towpath-Intent", "break")
    world.write({"towpath.yaml": "apiVersion: towpath.dev/v99\n"}, f"Break\n\n{': '.join(marker)}\n", marker)
    with pytest.raises(ConfigError, match="is written for"):
        CliRunner().invoke(command, ["hello"], catch_exceptions=False)
