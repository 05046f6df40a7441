"""Files of a commit that is made without a working tree: their bytes, ids and modes."""

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from towpath.adapters.git.command import git

FileEdits = Mapping[str, str | bytes | None]
"""As Edits, of files that may be no text."""


def content_of(text: str | bytes) -> bytes:
    """The bytes of a file of an edit."""
    return text.encode() if isinstance(text, str) else text


def write_blobs(mirror: Path, folder: Path, contents: Iterable[bytes]) -> list[str]:
    """The ids of new blobs, by one Git process for all of them; files are put into `folder` meanwhile."""
    files: list[Path] = []
    for number, content in enumerate(contents):
        files.append((folder / str(number)).absolute())
        files[-1].write_bytes(content)
    if not files:
        return []
    named = "".join(f"{file}\n" for file in files)
    return git(mirror, "hash-object", "-w", "--no-filters", "--stdin-paths", input=named).stdout.split()


def modes_of(mirror: Path, paths: Collection[str], env: dict[str, str]) -> dict[str, str]:
    """The mode of each path: a file that can be run stays one."""
    modes = dict.fromkeys(paths, "100644")
    if paths:
        for line in filter(None, git(mirror, "ls-files", "--stage", "-z", env=env).stdout.split("\0")):
            head, _, path = line.partition("\t")
            if path in modes and head.startswith("100755"):
                modes[path] = "100755"
    return modes
