"""What a vendored folder may hold, and its digest."""

import os
from pathlib import Path

import pytest

from towpath.errors import RefusedError
from towpath.vendor import tree
from towpath.vendor.tree import changed_files, check_path, checked_tree, included, read_tree, tree_digest


@pytest.mark.parametrize(
    "path",
    [
        "../x", "a/../../x", "/etc/passwd", "a//b", "", ".", "a/./b", "a\\..\\b", "C:/x", "a\nb", "a\x1b[2Jb",
        "a\u202eb",
        ".git/config", "a/.GIT/hooks/pre-commit", "GIT~1/x", ".git /x", ".git./x", "x" * 300,
        "/".join(["ab"] * 500),
        "bad\udcff",
    ],
)  # fmt: skip
def test_a_path_that_leads_elsewhere_is_refused(path: str) -> None:
    with pytest.raises(RefusedError, match="an archive"):
        check_path(path, "an archive")


@pytest.mark.parametrize(
    "path", ["a", "./a/b.yaml", "a/..b", "a/.helmignore", "größe/é.txt", "git/x", ".github/x"]
)
def test_other_paths_are_taken(path: str) -> None:
    assert check_path(path, "an archive") == path.removeprefix("./")


def test_files_that_would_change_what_git_takes_are_left_out() -> None:
    files = {"a": b"1", ".gitignore": b"*", "x/.gitattributes": b"* eol=crlf", ".gitmodules": b"[submodule]"}
    assert checked_tree(files.items(), "it") == {"a": b"1"}


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ([("a", b""), ("a", b"")], "twice"),
        ([("a", b""), ("A", b"")], "twice"),
        ([("caf\u00e9", b""), ("cafe\u0301", b"")], "twice"),
        ([("a", b""), ("a/b", b"")], "as a file and as a folder"),
        ([("A/b", b""), ("a", b"")], "as a file and as a folder"),
        ([("big.bin", b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n")], "Git LFS"),
    ],
)
def test_what_a_folder_cannot_hold_is_refused(files: list[tuple[str, bytes]], said: str) -> None:
    with pytest.raises(RefusedError, match=said):
        checked_tree(files, "it")


def test_too_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tree, "MAX_FILES", 2)
    monkeypatch.setattr(tree, "MAX_FILE_BYTES", 10)
    monkeypatch.setattr(tree, "MAX_BYTES", 15)
    for files in ({"a": b"1" * 11}, {"a": b"1" * 9, "b": b"1" * 9}, {"a": b"", "b": b"", "c": b""}):
        with pytest.raises(RefusedError):
            checked_tree(files.items(), "it")


@pytest.mark.parametrize(
    ("path", "patterns", "wanted"),
    [
        ("a/b.yaml", [], True),
        ("a/b.yaml", ["a"], True),
        ("a/b.yaml", ["a/"], True),
        ("a/b.yaml", ["*.yaml"], False),
        ("a/b.yaml", ["*/*.yaml"], True),
        ("a/b.yaml", ["**/*.yaml"], True),
        ("b.yaml", ["**/*.yaml"], True),
        ("a/c/d/b.yaml", ["a/**/b.yaml"], True),
        ("a/b.txt", ["**/*.yaml", "b"], False),
        ("base/x/y", ["base/**"], True),
        ("base", ["base/**"], False),
        ("bases/x", ["base"], False),
        ("a" * 200, ["**/" * 30 + "*a*a*a*a*a*a*a*a*b"], False),
    ],
)
def test_patterns_say_which_files_are_wanted(path: str, patterns: list[str], *, wanted: bool) -> None:
    assert included(path, patterns) is wanted


def test_the_digest_is_that_of_paths_and_contents() -> None:
    files = {"a": b"1", "b/c": b"2"}
    assert tree_digest(files) == tree_digest(dict(reversed(files.items())))
    others = (
        {"a": b"1"},
        {"a": b"2", "b/c": b"2"},
        {"a": b"1", "b/d": b"2"},
        {"a": b"1", "b/c": b"2", "e": b""},
    )
    assert len({tree_digest(each) for each in (files, *others)}) == 5


def test_a_folder_is_read_as_it_is(tmp_path: Path) -> None:
    assert read_tree(tmp_path, "x/y") is None
    (tmp_path / "x/y/z").mkdir(parents=True)
    (tmp_path / "x/y/z/a").write_bytes(b"\xff\x00")
    (tmp_path / "x/y/b").write_bytes(b"b")
    assert read_tree(tmp_path, "x/y") == {"z/a": b"\xff\x00", "b": b"b"}
    (tmp_path / "x/y/b").unlink()
    (tmp_path / "x/y/b").symlink_to("z/a")
    os.mkfifo(tmp_path / "x/y/pipe")
    (tmp_path / "x/y" / os.fsdecode(b"bad-\xff")).write_text("x")
    found = read_tree(tmp_path, "x/y") or {}
    assert tree_digest(found) != tree_digest({"z/a": b"\xff\x00", "b": b"b"})
    assert changed_files({"z/a": b"\xff\x00", "b": b"b"}, found) == ("b", os.fsdecode(b"bad-\xff"), "pipe")


def test_a_folder_behind_a_link_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "x").symlink_to(tmp_path / "out")
    with pytest.raises(RefusedError, match="symbolic link"):
        read_tree(tmp_path, "x/y")
    (tmp_path / "file").write_text("")
    with pytest.raises(RefusedError, match="is a file"):
        read_tree(tmp_path, "file")
