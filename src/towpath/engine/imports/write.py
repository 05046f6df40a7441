"""Writes a new repository: every file, or none; nothing is overwritten."""

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from towpath.errors import RefusedError


def write_new(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files into a folder. RefusedError when one is there already; a failure takes all back.

    Also refused: a path that leads out of the folder, by its steps or by a link that is there.
    """
    for path in files:
        _check_inside(folder, path)
    taken = [path for path in files if os.path.lexists(folder / path)]
    if taken:
        raise RefusedError(
            f"{folder / taken[0]} is there already" + (f", and {len(taken) - 1} more" if taken[1:] else ""),
            remedy="Nothing was written. Choose another folder, or move these away.",
        )
    made: list[Path] = []
    try:
        for path, content in files.items():
            for parent in reversed((folder / path).parents):
                if not parent.exists():
                    parent.mkdir()
                    made.append(parent)
            with (folder / path).open("xb") as stream:
                made.append(folder / path)
                stream.write(content)
    except BaseException as error:
        for each in reversed(made):
            with suppress(OSError):
                each.rmdir() if each.is_dir() else each.unlink()
        if isinstance(error, FileExistsError | NotADirectoryError):
            raise RefusedError(f"{error.filename} is in the way", remedy="Nothing was written.") from error
        raise


def _check_inside(folder: Path, path: str) -> None:
    parts = path.split("/")
    clean = all(part not in ("", ".", "..") for part in parts) and path.isprintable() and "\\" not in path
    if not clean or not (folder / path).parent.resolve().is_relative_to(folder.resolve()):
        raise RefusedError(f"{path[:200]!r} leads out of {folder}", remedy="Nothing was written.")
