"""All that one file has said: one walk through the history, and two Git processes for all of its texts."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path

from towpath.adapters.git.checkout import Checkout
from towpath.adapters.git.command import git
from towpath.adapters.git.read import COMMIT_FORM, MAX_FILE_BYTES, CommitInfo, described

_AT_ONCE = 16 * MAX_FILE_BYTES
"""Bytes of texts that are held at a time."""
_FILE_MODES = ("100644", "100755")


def file_history(checkout: Checkout, path: str, limit: int) -> Iterator[tuple[CommitInfo, str | None]]:
    """The newest `limit` commits that touch the file `path`, newest first, and its text after each.

    None where there is no such file after it: it was removed, is a symbolic link, or has more than
    MAX_FILE_BYTES.
    """
    options = ("-c", "--raw", "--no-abbrev", "--no-renames", "-z", f"--max-count={limit}")
    walk = ("log", *options, f"--format={COMMIT_FORM}", checkout.commit, "--", path)
    # Nothing that a person writes into a commit has a NUL in it, so nothing can pass for a commit's head.
    parts = iter(git(checkout.mirror, *walk).stdout.split("\0"))
    found: list[tuple[CommitInfo, str]] = []
    for part in parts:
        change = part.lstrip("\n")
        if change.startswith(":"):
            if next(parts) == path:
                found[-1] = (found[-1][0], _blob(change))
        elif change:
            author, email, when, message = islice(parts, 4)
            found.append((described(change, author, email, int(when), message), ""))
    for some in _portions(checkout.mirror, found):
        texts = _texts(checkout.mirror, {blob for _, blob in some if blob})
        yield from ((commit, texts.get(blob)) for commit, blob in some)


def _blob(change: str) -> str:
    """The id of a file after a change; empty where there is none.

    A change is `:MODES IDS WHAT`; a merge has a colon, a mode and an id more for each further parent.
    """
    words = change.lstrip(":").split(" ")
    parents = len(change) - len(change.lstrip(":"))
    return words[2 * parents + 1] if words[parents] in _FILE_MODES else ""


def _portions(mirror: Path, found: list[tuple[CommitInfo, str]]) -> Iterator[list[tuple[CommitInfo, str]]]:
    """The same, in lists of which the texts are not too large to be held at a time."""
    blobs = list(dict.fromkeys(blob for _, blob in found if blob))
    sizes: dict[str, int] = {}
    if blobs:
        told = git(mirror, "cat-file", "--batch-check=%(objectsize)", input="".join(f"{b}\n" for b in blobs))
        sizes = dict(zip(blobs, map(int, told.stdout.split()), strict=True))
    some: list[tuple[CommitInfo, str]] = []
    held = 0
    for commit, blob in found:
        size = sizes.get(blob, 0)
        if size > MAX_FILE_BYTES:
            size, blob = 0, ""  # noqa: PLW2901
        if held + size > _AT_ONCE:
            yield some
            some, held = [], 0
        some.append((commit, blob))
        held += size
    yield some


def _texts(mirror: Path, blobs: Iterable[str]) -> Mapping[str, str]:
    """Blob -> text."""
    asked = "".join(f"{blob}\n" for blob in blobs)
    if not asked:
        return {}
    data = git(mirror, "cat-file", "--batch", input=asked).data
    texts: dict[str, str] = {}
    start = 0
    while start < len(data):
        end = data.index(b"\n", start)
        blob, _, size = data[start:end].decode().split(" ")
        start = end + 1 + int(size)
        texts[blob] = data[end + 1 : start].decode("utf-8-sig", errors="replace")
        start += 1
    return texts
