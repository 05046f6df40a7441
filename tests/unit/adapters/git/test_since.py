"""What files have said since a commit: on both sides of merges, once for each text, within limits."""

from pathlib import Path

import pytest

from tests.unit.adapters.git.repositories import run
from towpath.adapters.git import commits_touching, texts_after, work_tree_checkout
from towpath.errors import RefusedError


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    folder = tmp_path / "clone"
    folder.mkdir()
    run("init", "-q", "-b", "main", cwd=folder)
    commit(folder, "Begin", {"apps/one/q.yaml": "zero", "other": "x"})
    return folder


def commit(folder: Path, message: str, files: dict[str, str]) -> str:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    run("add", "-A", cwd=folder)
    run("commit", "-q", "--allow-empty", "-m", message, cwd=folder)
    return run("rev-parse", "HEAD", cwd=folder)


def test_each_text_of_each_file_that_matches_once(clone: Path) -> None:
    base = run("rev-parse", "HEAD", cwd=clone)
    commit(clone, "1", {"apps/one/q.yaml": "first", "apps/two/q.yaml": "a", "apps/one/deep/q.yaml": "no"})
    commit(clone, "2", {"apps/one/q.yaml": "second"})
    commit(clone, "3", {"apps/one/q.yaml": "first", "other": "y"})
    run("rm", "-q", "apps/two/q.yaml", cwd=clone)
    commit(clone, "4", {})
    checkout = work_tree_checkout(clone)
    assert checkout is not None
    found = texts_after(checkout, base, ("apps/*/q.yaml",), 100)
    assert {path: sorted(texts) for path, texts in found.items()} == {
        "apps/one/q.yaml": ["first", "second"],
        "apps/two/q.yaml": ["a"],
    }
    assert texts_after(checkout, checkout.commit, ("apps/*/q.yaml",), 100) == {}
    with pytest.raises(RefusedError, match="more than 2 such commits since"):
        texts_after(checkout, base, ("apps/*/q.yaml",), 2)
    with pytest.raises(RefusedError, match="not a whole commit id"):
        texts_after(checkout, "main", ("apps/*/q.yaml",), 2)


def test_the_side_that_a_merge_left_is_told(clone: Path) -> None:
    base = run("rev-parse", "HEAD", cwd=clone)
    run("checkout", "-q", "-b", "side", cwd=clone)
    side = commit(clone, "Side", {"apps/one/q.yaml": "side"})
    run("checkout", "-q", "main", cwd=clone)
    commit(clone, "Main", {"other": "z"})
    run("merge", "-q", "-s", "ours", "-m", "Merge", "side", cwd=clone)
    checkout = work_tree_checkout(clone)
    assert checkout is not None
    found = texts_after(checkout, base, ("apps/*/q.yaml",), 100)["apps/one/q.yaml"]
    assert sorted(found) == ["side", "zero"]  # the merge has the text of before again
    assert side in commits_touching(checkout, ("apps/one/q.yaml",), 100)
    assert len(commits_touching(checkout, ("apps/one/q.yaml",), 1)) == 1


def test_names_with_signs_of_patterns_and_links_are_no_obstacle(clone: Path) -> None:
    base = run("rev-parse", "HEAD", cwd=clone)
    (clone / "apps/link").mkdir()
    (clone / "apps/link/q.yaml").symlink_to("../one/q.yaml")
    commit(clone, "Odd", {"apps/[x] y/q.yaml": "odd"})
    checkout = work_tree_checkout(clone)
    assert checkout is not None
    assert texts_after(checkout, base, ("apps/*/q.yaml",), 100) == {"apps/[x] y/q.yaml": ["odd"]}


def test_a_folder_without_a_commit_or_below_the_top_is_no_work_tree(clone: Path, tmp_path: Path) -> None:
    assert work_tree_checkout(clone / "apps") is None
    assert work_tree_checkout(tmp_path) is None
    run("init", "-q", str(tmp_path / "empty"), cwd=tmp_path)
    assert work_tree_checkout(tmp_path / "empty") is None
