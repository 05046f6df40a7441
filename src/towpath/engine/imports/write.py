"""Writes a new repository: every file, or none; nothing is overwritten."""

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from towpath.errors import RefusedError


def write_new(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files into a folder. RefusedError when one is there already; a failure takes all back."""
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
    except BaseException:
        for each in reversed(made):
            with suppress(OSError):
                each.rmdir() if each.is_dir() else each.unlink()
        raise
