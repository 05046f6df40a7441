"""Completion offers the names of the repository that the verb would use, and waits for nobody."""

import os
import time
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete

from tests.keys import make_keys
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


WHOLE = """\
apps: {shop: {image: example.com/x}}
environments:
  - {name: prod, namespace: shop-prod, gate: {approvals: {from: [alice, bob]}}}
people: {carol: {}, alice: {}}
"""
RELEASE = "release: {images: {shop: {image: x, digest: 'sha256:%s'}}, commit: '%s'}\n"


@pytest.fixture
def released(tmp_path: Path) -> Path:
    """The newest checkout of our repository, with a release of app `shop`."""
    folder = checkouts_of(OURS, tmp_path / "cache") / "newest"
    (folder / "apps/shop/prod").mkdir(parents=True)
    (folder / "towpath.yaml").write_text(WHOLE)
    (folder / "vendor.yaml").write_text("vendor: [{name: redis}, {name: ingress}]\n")
    (folder / "apps/shop/prod/release.yaml").write_text(RELEASE % ("1" * 64, "a" * 40))
    return folder


@pytest.mark.parametrize(
    ("words", "values"),
    [
        (("approve", "shop", "--as", "a"), ["alice"]),
        (("reject", "shop", "--as", ""), ["carol", "alice", "bob"]),
        (("promote", "shop", "--to", ""), ["prod"]),
        (("promote", "shop", "--release", ""), ["sha256:" + "1" * 64]),
        (("promote", "shop", "--commit", ""), ["a" * 12]),
        (("approve", "shop", "--digest", "sha256:1"), ["sha256:" + "1" * 64]),
        (("trace", "--namespace", ""), ["shop-prod"]),
        (("trace", "de"), ["deployment/"]),
        (("restart", "shop", "prod", ""), ["deployment/", "statefulset/", "daemonset/"]),
        (("vendor", "r"), ["redis"]),
        (("get", "s"), ["shop"]),
        (("get", "shop", ""), ["prod"]),
        (("logs", "shop", "p"), ["prod"]),
        (("wait", "shop", "p"), ["prod"]),
        (("reconcile", "prod", "s"), ["shop"]),
        (("status", "--app", ""), ["shop"]),
        (("runs", "--app", ""), ["shop"]),
        (("runs", "--state", "w"), ["waiting"]),
        (("releases", "s"), ["shop"]),
        (("schema", "keys l"), ["keys list"]),
        (("rollback", "shop", "prod", "--to", ""), []),
    ],
)
def test_every_argument_offers_what_this_machine_knows(
    released: Path, words: tuple[str, ...], values: list[str]
) -> None:
    assert offered(*words) == values


def test_components_and_keys_come_from_their_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOWPATH_HOME", str(tmp_path / "home"))
    from towpath.local.common.layout import Layout
    from towpath.settings import Settings

    log = Layout(Settings.load(os.environ).local).log
    log.mkdir(parents=True)
    for name in ("registry", "agent-dev"):
        (log / f"{name}.log").touch()
    assert offered("local", "logs", "") == ["agent-dev", "registry"]
    keys = make_keys(tmp_path / "keys")
    folder = str(keys.trusted_file.parent)
    assert "build" in offered("keys", "show", "--folder", folder, "")


def test_files_that_cannot_be_read_offer_nothing(released: Path) -> None:
    (released / "towpath.yaml").write_text("apps: [\n")
    (released / "apps/shop/prod/release.yaml").write_text("release: 1\n")
    for words in (("approve", "shop", "--as", ""), ("promote", "shop", "--release", ""), ("trace", "-n", "")):
        assert offered(*words) == []
