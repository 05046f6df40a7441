"""Folders on the way to what the users need."""

import stat
import sys
from pathlib import Path

import pytest

from towpath.local.common.layout import Layout
from towpath.local.users.ways import close_ways, folders_above, open_ways, opened_ways

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the local stack runs on Linux")


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    made = Layout(tmp_path / "home" / "local")
    made.root.mkdir(parents=True)
    return made


def test_folders_of_links_count_too(tmp_path: Path) -> None:
    (tmp_path / "programs" / "v1").mkdir(parents=True)
    (tmp_path / "programs" / "v1" / "tool").write_text("")
    (tmp_path / "bin").mkdir()
    (tmp_path / "current").symlink_to("programs/v1")
    (tmp_path / "bin" / "tool").symlink_to("../current/tool")
    found = folders_above([tmp_path / "bin" / "tool"])
    assert {tmp_path / "bin", tmp_path, tmp_path / "programs", tmp_path / "programs" / "v1"} <= set(found)


def test_links_in_a_circle_end(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises((RuntimeError, OSError)):
        folders_above([tmp_path / "a" / "x"])


def test_only_closed_folders_are_opened_and_all_are_closed_again(layout: Layout, tmp_path: Path) -> None:
    closed, public = tmp_path / "closed", tmp_path / "public"
    for folder, mode in ((closed, 0o700), (public, 0o755)):
        (folder / "inner").mkdir(parents=True)
        folder.chmod(mode)
        (folder / "inner").chmod(0o755)
    modes = {folder: folder.stat().st_mode for folder in tmp_path.rglob("*")}
    try:
        opened = open_ways(
            layout, [closed / "inner" / "x", public / "inner" / "x", layout.root / "x"], [4001]
        )
    except OSError:
        pytest.skip("this file system has no access control lists")
    assert closed in opened
    assert not {public, closed / "inner", layout.root} & set(opened)
    assert opened_ways(layout) == sorted(opened)
    assert stat.S_IMODE(closed.stat().st_mode) == 0o710  # the group's bits show what named users have at most
    close_ways(layout, [4001])
    assert {folder: folder.stat().st_mode for folder in modes} == modes
    assert not layout.opened.exists()


def test_a_folder_that_is_gone_is_no_obstacle(layout: Layout, tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0o700)
    try:
        open_ways(layout, [tmp_path / "closed" / "x"], [4001])
    except OSError:
        pytest.skip("this file system has no access control lists")
    (tmp_path / "closed").rmdir()
    close_ways(layout, [4001])
    assert not layout.opened.exists()
