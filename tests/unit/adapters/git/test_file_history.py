"""What one file has said after each commit that touches it: the same as reading it at each of them."""

import sys
from pathlib import Path

import pytest

from tests.unit.adapters.git.repositories import run
from towpath.adapters.git import Checkout, file_history, log, read_file_at, work_tree_checkout

FILE = "apps/one/release.yaml"


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    folder = tmp_path / "clone"
    folder.mkdir()
    run("init", "-q", "-b", "main", cwd=folder)
    commit(folder, "Begin", {"other": "x"})
    return folder


def commit(folder: Path, message: str, files: dict[str, str | bytes]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    run("add", "-A", cwd=folder)
    run("commit", "-q", "--allow-empty", "-m", message, cwd=folder)


def told(folder: Path, limit: int = 100) -> list[tuple[str, str | None]]:
    """Subject and text by commit; asserts that reading the file at each commit says the same."""
    checkout: Checkout = work_tree_checkout(folder)
    found = list(file_history(checkout, FILE, limit))
    commits = log(checkout, (FILE,), limit)
    assert [commit for commit, _ in found] == commits
    assert [text for _, text in found] == [*read_file_at(checkout, FILE, (each.sha for each in commits))]
    return [(commit.subject, text) for commit, text in found]


def test_the_newest_commits_of_a_file_come_first_each_with_its_text(clone: Path) -> None:
    commit(clone, "One", {FILE: "1\n", "other": "y"})
    commit(clone, "Another file", {"other": "z"})
    commit(clone, "Two", {FILE: "zwei: ü\n\n"})
    commit(clone, "One again", {FILE: "1\n"})
    assert told(clone) == [("One again", "1\n"), ("Two", "zwei: ü\n\n"), ("One", "1\n")]
    assert told(clone, limit=1) == [("One again", "1\n")]


def test_a_file_that_never_was_has_no_history(clone: Path) -> None:
    assert told(clone) == []


def test_what_is_no_file_after_a_commit_has_no_text(clone: Path) -> None:
    commit(clone, "Empty", {FILE: ""})
    (clone / FILE).unlink()
    commit(clone, "Removed", {})
    (clone / FILE).symlink_to("elsewhere")
    commit(clone, "A link", {})
    (clone / FILE).unlink()
    commit(clone, "A folder", {f"{FILE}/inside": "x"})
    (clone / FILE / "inside").unlink()
    (clone / FILE).rmdir()
    commit(clone, "Runs", {FILE: "run\n"})
    (clone / FILE).chmod(0o755)
    commit(clone, "Made to run", {})
    assert told(clone) == [
        ("Made to run", "run\n"),
        ("Runs", "run\n"),
        ("A folder", None),
        ("A link", None),
        ("Removed", None),
        ("Empty", ""),
    ]


def test_bytes_that_are_no_text_do_not_shift_what_follows(clone: Path) -> None:
    commit(clone, "Bytes", {FILE: b"\xef\xbb\xbfa\xff\xfe\x00b\n"})
    commit(clone, "Text", {FILE: "text\n"})
    assert told(clone) == [("Text", "text\n"), ("Bytes", "a��\x00b\n")]


def test_of_large_files_few_are_held_at_a_time_and_too_large_ones_have_no_text(
    clone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules["towpath.adapters.git.file_history"], "_AT_ONCE", 250)
    texts = {"Small": "s" * 100, "Smaller": "t" * 90, "Medium": "m" * 240, "Least": "l"}
    for message, text in texts.items():
        commit(clone, message, {FILE: text})
    assert told(clone) == [*reversed(texts.items())]
    commit(clone, "Huge", {FILE: "h" * (1024 * 1024 + 1)})
    assert told(clone) == [("Huge", None), *reversed(texts.items())]


def test_a_merge_is_told_only_where_it_differs_from_both_sides(clone: Path) -> None:
    commit(clone, "One", {FILE: "1\n"})
    run("checkout", "-q", "-b", "side", cwd=clone)
    commit(clone, "Side", {FILE: "2\n"})
    run("checkout", "-q", "main", cwd=clone)
    commit(clone, "Main", {FILE: "3\n"})
    run("merge", "-q", "--no-commit", "-s", "ours", "side", cwd=clone)
    commit(clone, "Both", {FILE: "4\n"})
    assert dict(told(clone)) == {"Both": "4\n", "Main": "3\n", "Side": "2\n", "One": "1\n"}
    run("checkout", "-q", "-b", "late", cwd=clone)
    commit(clone, "Late", {FILE: "5\n"})
    run("checkout", "-q", "main", cwd=clone)
    commit(clone, "Elsewhere", {"other": "q"})
    run("merge", "-q", "--no-ff", "-m", "Theirs", "late", cwd=clone)
    assert [subject for subject, _ in told(clone)][:2] == ["Late", "Both"]
