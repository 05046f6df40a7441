"""Completion offers the names of the repository that the verb would use, and waits for nobody."""

import os
import time
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete

from towpath.adapters.git import checkouts_of
from towpath.cli.main import main

CONFIG = """\
apps: {%s: {image: example.com/x}}
environments: [{name: %s}]
"""
OURS, OTHERS = "https://git.example.com/ours.git", "https://git.example.com/others.git"


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two repositories in the cache; the other one's checkout is the newest."""
    monkeypatch.setenv("TOWPATH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TOWPATH_ENVIRONMENTS", OURS)
    now = time.time()
    for age, url, app, environment in (
        (30, OURS, "left", "old"),
        (20, OURS, "shop", "prod"),
        (10, OTHERS, "shed", "pre"),
    ):
        folder = checkouts_of(url, tmp_path / "cache") / app
        folder.mkdir(parents=True)
        (folder / "towpath.yaml").write_text(CONFIG % (app, environment))
        os.utime(folder, (now - age, now - age))


def offered(*words: str) -> list[str]:
    *before, incomplete = words
    completion = ShellComplete(main, {}, "towpath", "_TOWPATH_COMPLETE")
    return [item.value for item in completion.get_completions(before, incomplete)]


def test_names_come_from_the_environment_repository_alone() -> None:
    assert offered("deliver", "s") == ["shop"]
    assert offered("plan", "shop", "") == ["prod"]
    assert offered("diff", "") == ["prod", "shop"]


@pytest.mark.parametrize(
    "words",
    [("history",), ("drift", "prod", "--app"), ("pause", "prod", "--app"), ("resume", "prod", "--app")],
)
def test_every_verb_that_takes_an_app_offers_them(words: tuple[str, ...]) -> None:
    assert offered(*words, "") == ["shop"]


def test_contexts_come_from_the_kubeconfigs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, contexts in (
        ("one", "{name: prod-eu}, {name: prod-us}"),
        ("two", "{name: prod-us}, {name: x}"),
    ):
        (tmp_path / name).write_text(f"contexts: [{contexts}]\n")
    monkeypatch.setenv("KUBECONFIG", f"{tmp_path}/one:{tmp_path}/none::{tmp_path}/two")
    for words in (("plan", "shop", "prod"), ("diff",), ("drift", "prod")):
        assert offered(*words, "--context", "p") == ["prod-eu", "prod-us"]
    assert offered("diff", "--context", "") == ["prod-eu", "prod-us", "x"]
    (tmp_path / "one").write_text("contexts: [")
    assert offered("diff", "--context", "") == ["prod-us", "x"]


def test_names_come_from_the_folder_that_repo_names(tmp_path: Path) -> None:
    (tmp_path / "towpath.yaml").write_text(CONFIG % ("mine", "test"))
    assert offered("diff", "--repo", str(tmp_path), "") == ["test", "mine"]
    assert offered("render", "--repo", str(tmp_path), "--app", "") == ["mine"]


def test_nothing_is_offered_where_no_repository_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOWPATH_ENVIRONMENTS", "https://git.example.com/unseen.git")
    assert offered("deliver", "") == []
    monkeypatch.delenv("TOWPATH_ENVIRONMENTS")
    monkeypatch.setenv("TOWPATH_HOME", str(tmp_path / "none"))
    assert offered("deliver", "") == []
