"""Folders that only root may enter, on the way to what the stack's users need.

A stack in root's home, as by default, is below such folders, and often its programs and its Python are.
"""

from collections.abc import Collection, Iterable
from pathlib import Path

from towpath.local.common.files import read_json, write_json
from towpath.local.common.layout import Layout
from towpath.local.users import acl

_OTHERS_SEARCH = 0o001


def open_ways(layout: Layout, paths: Iterable[Path], users: Collection[int]) -> list[Path]:
    """Let the users pass to these paths; the folders that were closed. OSError where that is not possible."""
    closed = [
        folder
        for folder in folders_above(paths)
        if not folder.stat().st_mode & _OTHERS_SEARCH and not folder.is_relative_to(layout.root)
    ]
    opened = {*opened_ways(layout), *closed}
    write_json(layout.opened, sorted(map(str, opened)))  # before: what is interrupted is found again
    for folder in closed:
        acl.allow_search(folder, users)
    return closed


def close_ways(layout: Layout, users: Collection[int]) -> None:
    """Take back what `open_ways` gave."""
    for folder in opened_ways(layout):
        if folder.is_dir():
            acl.forget(folder, users)
    layout.opened.unlink(missing_ok=True)


def opened_ways(layout: Layout) -> list[Path]:
    """The folders that were opened."""
    return [Path(folder) for folder in read_json(layout.opened) or ()]


def folders_above(paths: Iterable[Path]) -> list[Path]:
    """The folders that lead to these paths, as they are named and as they are, the outermost first."""
    folders = {folder for path in paths for one in _links(path.absolute()) for folder in one.parents}
    return sorted(folders)


def _links(path: Path) -> list[Path]:
    """The path, each path that a symbolic link on it leads to, and where it ends."""
    found = [path]
    for part in (path, *path.parents):
        if part.is_symlink():
            target = part.parent / part.readlink() / path.relative_to(part)
            if target not in found and len(found) < 40:
                found += _links(target)
    return [*found, path.resolve()]
