"""All that some files have ever said after a commit, on all sides of merges."""

import re
from collections.abc import Sequence

from towpath.adapters.git.checkout import COMMIT, Checkout
from towpath.adapters.git.command import git
from towpath.adapters.git.read import MAX_FILE_BYTES, open_mirror
from towpath.errors import RefusedError

_CHANGE = re.compile(r":[0-7]{6} ([0-7]{6}) [0-9a-f]+ ([0-9a-f]+) [A-Z][0-9]*\0([^\0]+)\0")
_FILE_MODES = ("100644", "100755")


def commits_touching(checkout: Checkout, paths: Sequence[str], limit: int) -> list[str]:
    """The newest commits that touch one of `paths`, on all sides of merges, newest first.

    `git log -- PATH` follows one side only where that side alone gave a merge its file.
    """
    walk = ("rev-list", "--full-history", f"--max-count={limit}", checkout.commit, "--", *paths)
    return git(checkout.mirror, *walk).stdout.split()


def texts_after(checkout: Checkout, base: str, patterns: Sequence[str], limit: int) -> dict[str, list[str]]:
    """Path -> each text that a file that matches one of `patterns` had in a commit after `base`, once.

    `*` in a pattern stands for one name of a path. What a file lost in a merge is there, too. RefusedError
    where there are more than `limit` such commits.
    """
    if not COMMIT.fullmatch(base):
        raise RefusedError(f"not a whole commit id: {base[:100]!r}")
    specs = [f":(glob){pattern}" for pattern in patterns]
    span = (f"--max-count={limit + 1}", checkout.commit, f"^{base}", "--", *specs)
    magic = {"GIT_LITERAL_PATHSPECS": "0"}
    if len(git(checkout.mirror, "rev-list", "--full-history", *span, env=magic).stdout.split()) > limit:
        raise RefusedError(f"there are more than {limit} such commits since {base[:7]}")
    form = ("--full-history", "-m", "--raw", "--no-abbrev", "--no-renames", "-z", "--format=")
    told = git(checkout.mirror, "log", *form, *span, env=magic).stdout
    blobs = dict.fromkeys((path, blob) for mode, blob, path in _CHANGE.findall(told) if mode in _FILE_MODES)
    texts: dict[str, list[str]] = {}
    with open_mirror(checkout.mirror) as repo:
        for path, blob in blobs:
            _, _, size, stream = repo.git.stream_object_data(blob)
            data = stream.read()
            if size <= MAX_FILE_BYTES:
                texts.setdefault(path, []).append(data.decode("utf-8-sig", errors="replace"))
    return texts
