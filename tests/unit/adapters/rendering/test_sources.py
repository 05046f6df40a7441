from pathlib import Path

import pytest

from towpath.adapters.rendering import sources
from towpath.adapters.rendering.sources import Sources
from towpath.errors import ConfigError


def test_hidden_files_are_left_out(tmp_path: Path) -> None:
    for name in ("b.yaml", "a/c.yaml", ".hidden.yaml", ".git/config"):
        (tmp_path / "f" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "f" / name).write_text("a: 1")
    assert Sources(tmp_path).walk("f") == ["f/a/c.yaml", "f/b.yaml"]


def test_a_symlink_to_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "f").mkdir()
    (tmp_path / "f/loop").symlink_to(tmp_path / "f")
    with pytest.raises(ConfigError, match="symbolic link to a folder"):
        Sources(tmp_path).walk("f")


def test_a_symlink_inside_the_checkout_is_followed(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("a: 1")
    (tmp_path / "b.yaml").symlink_to("a.yaml")
    assert Sources(tmp_path).read("b.yaml", file="x") == b"a: 1"


def test_an_endless_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "MAX_FILE_BYTES", 10)
    (tmp_path / "a").write_bytes(b"x" * 11)
    with pytest.raises(ConfigError, match="larger than"):
        Sources(tmp_path).read("a", file="x")


def test_all_files_together_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "MAX_BYTES", 15)
    for name in "ab":
        (tmp_path / name).write_bytes(b"x" * 10)
    reader = Sources(tmp_path)
    reader.read("a", file="x")
    reader.read("a", file="x")
    with pytest.raises(ConfigError, match="rendered from more than"):
        reader.read("b", file="x", line=3)


@pytest.mark.parametrize("path", ["nothing", "folder", "\0"])
def test_what_is_no_file_is_refused(tmp_path: Path, path: str) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(ConfigError, match="x:3"):
        Sources(tmp_path).read(path, file="x", line=3)
