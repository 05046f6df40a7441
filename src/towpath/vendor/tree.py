"""A vendored folder as a whole: which files it may have, which are wanted, and its digest."""

import hashlib
import os
import re
import stat
import unicodedata
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path

from towpath.errors import RefusedError, TerminalError
from towpath.files import read_regular

Tree = Mapping[str, bytes]
"""Path below the folder -> content of the file."""
MAX_FILES = 5_000
MAX_FILE_BYTES = 8 << 20
MAX_BYTES = 16 << 20
"""As much as may be rendered for one app."""
MAX_PATH = 1_000
_SIGNS = re.compile(r"[\x00-\x1f\x7f\\:]")
_GIT_FILES = (".gitattributes", ".gitignore", ".gitmodules")
"""Left out: in the environment repository they would change which files Git takes, and how."""
_LFS = b"version https://git-lfs.github.com/spec/"


def check_path(path: str, where: str) -> str:
    """`path`, without `./` before it, when it may be a file of a tree. RefusedError otherwise.

    `where` is what has it: an archive, a repository.
    """
    path = path.removeprefix("./")
    parts = path.split("/")
    if (
        not path.isprintable()
        or _SIGNS.search(path)
        or len(path) > MAX_PATH
        or any(part in ("", ".", "..") or len(part.encode(errors="replace")) > 255 for part in parts)
    ):
        raise RefusedError(
            f"{where} has a file whose path leads elsewhere or cannot be shown: {path[:200]!r}"
        )
    # Names that some file systems take for `.git`.
    if any(re.fullmatch(r"\.git|git~[0-9]+", part.rstrip(" ."), re.IGNORECASE) for part in parts):
        raise RefusedError(f"{where} has a file in a folder of Git itself: {path[:200]!r}")
    return path


def checked_tree(files: Iterable[tuple[str, bytes]], where: str) -> dict[str, bytes]:
    """The tree of some files. RefusedError for what a folder cannot hold, or may not be as large."""
    tree: dict[str, bytes] = {}
    folders: dict[str, str] = {}
    names: dict[str, str] = {}
    total = 0
    for given, content in files:
        path = check_path(given, where)
        if path.rpartition("/")[2] in _GIT_FILES:
            continue
        total += len(content)
        check_size(len(tree) + 1, len(content), total, path, where)
        key = unicodedata.normalize("NFC", path).casefold()  # as file systems may take it
        for end in (index for index, sign in enumerate(key) if sign == "/"):
            folders.setdefault(key[:end], path)
        if key in names:
            raise RefusedError(f"{where} has {path[:200]!r} twice (as {names[key][:200]!r})")
        names[key] = path
        if content.startswith(_LFS):
            raise RefusedError(
                f"{where}: {path[:200]!r} is kept by Git LFS, which is not followed",
                remedy="Leave it out by `include`, or vendor it from where its content is.",
            )
        tree[path] = content
    if both := names.keys() & folders.keys():
        raise RefusedError(f"{where} has {names[min(both)][:200]!r} as a file and as a folder")
    return tree


def check_size(files: int, size: int, total: int, path: str, where: str) -> None:
    """RefusedError when a tree of that many files and bytes, of which `path` has `size`, is too large."""
    if size > MAX_FILE_BYTES:
        raise RefusedError(f"{where}: {path[:200]!r} is larger than {MAX_FILE_BYTES >> 20} MiB")
    if files > MAX_FILES or total > MAX_BYTES:
        raise RefusedError(
            f"{where} has more than {MAX_FILES:,} files or {MAX_BYTES >> 20} MiB",
            remedy="`include` says which files are wanted.",
        )


def included(path: str, patterns: Iterable[str]) -> bool:
    """Whether one of the patterns is the path, or a folder above it; with no patterns every path is.

    `*` and `?` stand for signs of one name, `**` for any number of folders.
    """
    patterns = tuple(patterns)
    return not patterns or any(
        _matches(tuple(path.split("/")), tuple(each.strip("/").split("/"))) for each in patterns
    )


@lru_cache(maxsize=20_000)
def _matches(names: tuple[str, ...], steps: tuple[str, ...]) -> bool:
    if not steps:
        return True  # a folder, with all that is in it
    if steps[0] == "**":
        if len(steps) == 1:
            return bool(names)
        return _matches(names, steps[1:]) or (bool(names) and _matches(names[1:], steps))
    return bool(names) and fnmatchcase(names[0], steps[0]) and _matches(names[1:], steps[1:])


def tree_digest(tree: Tree) -> str:
    """`sha256:…` of all paths and contents; the same for the same files, wherever they are."""
    total = hashlib.sha256()
    for path in sorted(tree):
        line = f"{hashlib.sha256(tree[path]).hexdigest()}  {path}\n"
        total.update(line.encode(errors="surrogateescape"))
    return f"sha256:{total.hexdigest()}"


def read_tree(root: Path, folder: str) -> dict[str, bytes] | None:
    """The files of a folder of the repository, as they are; None when there is no such folder.

    A symbolic link, a pipe or a device is told as a file with its own content: nothing vendored has any.
    Raises TerminalError for what cannot be read or is too large.
    """
    place = root
    for part in folder.split("/"):
        place /= part
        if place.is_symlink():
            raise RefusedError(f"{folder}: is behind a symbolic link; refused")
    if not place.is_dir():
        if place.exists():
            raise RefusedError(f"{folder}: is a file, not a folder")
        return None
    tree: dict[str, bytes] = {}
    total = 0
    try:
        for path, entry in _entries(place):
            content = _content(entry)
            total += len(content)
            check_size(len(tree) + 1, len(content), total, path, folder)
            tree[path] = content
    except OSError as error:
        raise TerminalError(f"{folder} cannot be read: {error.strerror}") from error
    return tree


def _entries(place: Path) -> Iterable[tuple[str, Path]]:
    pending = [""]
    while pending:
        inner = pending.pop()
        with os.scandir(place / inner) as entries:
            for entry in entries:
                path = f"{inner}/{entry.name}".lstrip("/")
                if entry.is_dir(follow_symlinks=False):
                    pending.append(path)
                else:
                    yield path, place / path


def _content(file: Path) -> bytes:
    mode = file.lstat().st_mode
    if not stat.S_ISREG(mode):
        return f"not a file: {stat.S_IFMT(mode):o}".encode()
    return read_regular(file, MAX_FILE_BYTES)


def changed_files(before: Tree, after: Tree) -> tuple[str, ...]:
    """The paths whose content is not the same in both, sorted."""
    return tuple(sorted(path for path in {*before, *after} if before.get(path) != after.get(path)))
