"""Who signed each commit of a range: one walk and one `git cat-file` for all of them, judged in this process.

`git log --show-signature` starts two programs for each commit, and takes a commit of one person that another
signed for good: docs/decisions/0013-signatures.md.
"""

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from towpath.adapters.git.checkout import COMMIT
from towpath.adapters.git.command import git
from towpath.adapters.git.read import descends, open_mirror
from towpath.errors import ConflictError, RefusedError

if TYPE_CHECKING:
    from towpath.evidence.signed_commit import CommitVerdict
    from towpath.evidence.trusted_keys import TrustedKeys

MAX_COMMITS = 10_000


def verify_commits(  # noqa: PLR0913
    mirror: Path,
    base: str,
    head: str,
    trusted: "TrustedKeys",
    expected: Collection[str],
    *,
    received: datetime | None = None,
    limit: int = MAX_COMMITS,
) -> "list[CommitVerdict]":
    """A verdict for each commit after `base` up to `head`, parents first; a merge brings its other side.

    `base` was verified before; empty for the whole history. `expected` are those who may have signed.
    `received` is when the commits were first seen here; None for those that were verified before, of which
    the stated dates alone are judged. Raises ConflictError when `base` is not in the
    history of `head`, RefusedError for more commits than `limit`.
    """
    if not COMMIT.fullmatch(head) or (base and not COMMIT.fullmatch(base)):
        raise RefusedError(f"not a range of commits: {base[:100]!r} to {head[:100]!r}")
    if base and not descends(mirror, base, head):
        raise ConflictError(
            f"the branch was rewritten: {base[:7]}, which was verified, is not in the history of {head[:7]}",
            remedy="Somebody forced a push. Look at what is there now; nothing of it is trusted.",
        )
    walk = ("rev-list", "--reverse", "--topo-order", f"--max-count={limit + 1}", head)
    listed = git(mirror, *walk, *([f"^{base}"] if base else [])).stdout.split()
    if len(listed) > limit:
        raise RefusedError(
            f"there are more than {limit} commits between {base[:7] or 'the first'} and {head[:7]}",
            remedy="Verify them in parts, from an older to a newer commit.",
        )
    return [*judge_commits(mirror, listed, trusted, expected, received=received)]


def judge_commits(
    mirror: Path,
    commits: Iterable[str],
    trusted: "TrustedKeys",
    expected: Collection[str],
    *,
    received: datetime | None = None,
) -> "Iterator[CommitVerdict]":
    """A verdict for each of `commits` in turn, as verify_commits, by one Git process for all of them."""
    # Here: most who read the history verify nothing of it, and the library of keys is slow to import.
    from towpath.evidence.signed_commit import MAX_BYTES, CommitVerdict, judge_commit

    with open_mirror(mirror) as repo:
        for commit in commits:
            _, _, size, stream = repo.git.stream_object_data(commit)
            if size > MAX_BYTES:
                reason = f"it has {size} bytes, more than the {MAX_BYTES} that are read"
                yield CommitVerdict(commit, reason=reason)
                while stream.read(65536):
                    pass
                continue
            yield judge_commit(commit, stream.read(), trusted, expected, received)
