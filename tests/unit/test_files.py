"""Files are read inside of the checkout only."""

import os
from pathlib import Path

import pytest

from towpath.errors import ConfigError
from towpath.files import read_regular, read_text, resolve_inside


def test_a_file_that_is_there_and_one_that_is_not(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("ü")
    assert read_text(tmp_path, "a") == "ü"
    assert read_text(tmp_path, "b") is None
    assert read_text(tmp_path, "a/b") is None


@pytest.mark.parametrize("path", ["../secret", "/etc/passwd", "link", "folder/secret", "loop", "a\0b"])
def test_paths_that_leave_are_refused_without_showing_anything(tmp_path: Path, path: str) -> None:
    (tmp_path / "secret").write_text("canary")
    root = tmp_path / "root"
    root.mkdir()
    (root / "link").symlink_to("../secret")
    (root / "folder").symlink_to(tmp_path)
    (root / "loop").symlink_to("loop")
    with pytest.raises(ConfigError) as caught:
        read_text(root, path)
    assert "canary" not in str(caught.value)


def test_a_link_that_stays_inside_is_followed(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    (tmp_path / "b").symlink_to("a")
    assert read_text(tmp_path, "b") == "x"


def test_too_large_not_utf8_and_not_a_file(tmp_path: Path) -> None:
    (tmp_path / "large").write_text("x" * 11)
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="more than 10 bytes"):
        read_text(tmp_path, "large", max_bytes=10)
    with pytest.raises(ConfigError, match="not UTF-8"):
        read_text(tmp_path, "binary")
    with pytest.raises(ConfigError, match="not a regular file"):
        read_text(tmp_path, ".")


def test_what_became_a_link_or_a_pipe_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("canary")
    (tmp_path / "link").symlink_to("secret")
    os.mkfifo(tmp_path / "pipe")
    for name in ("link", "pipe"):
        with pytest.raises(OSError):
            read_regular(tmp_path / name, 100)


@pytest.mark.parametrize(
    ("at_most", "seen"), [(0, b"c"), (5, b"canary"), (6, b"canary"), (7, b"canary"), (99, b"canary")]
)
def test_one_byte_more_than_may_be_there_is_read(tmp_path: Path, at_most: int, seen: bytes) -> None:
    (tmp_path / "file").write_text("canary")
    assert read_regular(tmp_path / "file", at_most) == seen


@pytest.mark.parametrize(("at_most", "seen"), [(8, b"canary, an"), (99, b"canary, and its end")])
def test_what_is_added_meanwhile_is_read_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_most: int, seen: bytes
) -> None:
    file = tmp_path / "file"
    file.write_text("canary")
    look = os.fstat

    def grows(number: int) -> os.stat_result:
        found = look(number)
        file.write_text("canary, and its end")
        return found

    monkeypatch.setattr(os, "fstat", grows)
    assert read_regular(file, at_most) == seen[: at_most + 1]


@pytest.mark.parametrize(
    "relative",
    [
        "a/f",
        "./a//f",
        "a/./f",
        "a",
        ".",
        "",
        "a/f/g",
        "missing",
        "missing/f",
        "in",
        "in/f",
        "in/missing",
        "in/../a/f",
    ],
)
def test_a_path_is_resolved_as_by_the_system(tmp_path: Path, relative: str) -> None:
    (tmp_path / "real" / "a").mkdir(parents=True)
    (tmp_path / "real" / "a" / "f").write_text("x")
    (tmp_path / "real" / "in").symlink_to("a")
    (tmp_path / "link").symlink_to("real")
    for root in (tmp_path / "real", tmp_path / "link"):
        assert resolve_inside(root, relative) == Path(os.path.realpath(root / relative))


@pytest.mark.parametrize(
    "relative",
    ["out/f", "out", "a/up/real/f", "../outside/f", "a/../../outside/f", "/etc/hosts", "out/missing"],
)
def test_a_path_that_leads_out_is_refused_whichever_of_its_parts_does(tmp_path: Path, relative: str) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "f").write_text("x")
    (tmp_path / "real" / "a").mkdir(parents=True)
    (tmp_path / "real" / "out").symlink_to("../outside")
    (tmp_path / "real" / "a" / "up").symlink_to("/")
    with pytest.raises(ConfigError, match="leads out of the repository"):
        resolve_inside(tmp_path / "real", relative)
