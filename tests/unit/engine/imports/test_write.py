"""A new repository is written as a whole, over nothing."""

from pathlib import Path

import pytest

from towpath.engine.imports.write import write_new
from towpath.errors import RefusedError

FILES = {"towpath.yaml": b"a", "apps/a/dev/x.yaml": b"\xff", "apps/b/dev/x.yaml": b"c"}


def test_all_files_are_written(tmp_path: Path) -> None:
    write_new(tmp_path / "new", FILES)
    assert (tmp_path / "new/apps/a/dev/x.yaml").read_bytes() == b"\xff"
    with pytest.raises(RefusedError, match=r"towpath.yaml is there already, and 2 more"):
        write_new(tmp_path / "new", FILES)


@pytest.mark.parametrize("taken", ["apps/b/dev/x.yaml", "apps/b", "apps"])
def test_nothing_is_left_of_what_fails(tmp_path: Path, taken: str) -> None:
    (tmp_path / taken).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / taken).write_text("mine")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(RefusedError):
        write_new(tmp_path, FILES)
    assert sorted(tmp_path.rglob("*")) == before
    assert (tmp_path / taken).read_text() == "mine"


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "towpath.yaml").symlink_to(tmp_path / "outside")
    with pytest.raises(RefusedError):
        write_new(tmp_path, FILES)
    assert not (tmp_path / "outside").exists()


@pytest.mark.parametrize("path", ["../x", "a/../../x", "/tmp/x", "a//x", "./x", "a\\x", "a/\x1b[2J", ""])
def test_a_path_out_of_the_folder_is_refused(tmp_path: Path, path: str) -> None:
    with pytest.raises(RefusedError, match="leads out of"):
        write_new(tmp_path / "new", {"towpath.yaml": b"", path: b"x"})
    assert not any(tmp_path.iterdir())


def test_a_link_to_a_folder_elsewhere_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "new").mkdir()
    (tmp_path / "new/apps").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(RefusedError, match="leads out of"):
        write_new(tmp_path / "new", FILES)
    assert not any((tmp_path / "elsewhere").iterdir())
