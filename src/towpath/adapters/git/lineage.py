"""What lies between two releases of a source: which earlier commits there are, and who wrote what is new."""

import re
from collections.abc import Collection

from towpath.adapters.git.checkout import COMMIT, Checkout
from towpath.adapters.git.command import git
from towpath.errors import RefusedError
from towpath.printable import printable

MAX_COMMITS = 50_000
"""Of a history that are looked through."""
_FORM = "%an <%ae>%x00%(trailers:key=Co-authored-by,valueonly,unfold,separator=%x00)"


def earlier_commits(checkout: Checkout, known: Collection[str]) -> list[str]:
    """Those of `known` that the checkout's commit comes after, the nearest first."""
    walk = ("rev-list", "--topo-order", f"--max-count={MAX_COMMITS}", checkout.commit)
    wanted = set(known) - {checkout.commit}
    return [each for each in git(checkout.mirror, *walk).stdout.split() if each in wanted] if wanted else []


def commits_after(checkout: Checkout, base: str, path: str, limit: int) -> list[str]:
    """The newest commits that touch `path` and do not come before `base`, on all sides of merges.

    `git log -- PATH` follows one side only where that side alone gave a merge its file.
    """
    if not COMMIT.fullmatch(base):
        raise RefusedError(f"not a whole commit id: {base[:100]!r}")
    walk = ("rev-list", "--full-history", f"--max-count={limit}", checkout.commit, f"^{base}", "--", path)
    return git(checkout.mirror, *walk).stdout.split()


def authors_since(checkout: Checkout, base: str = "") -> tuple[str, ...]:
    """Every author and co-author (`Name <mail>`) of the commits after `base` up to the checkout's, sorted.

    `base` is in its history; empty for all of it.
    """
    if base and not COMMIT.fullmatch(base):
        raise RefusedError(f"not a whole commit id: {base[:100]!r}")
    walk = ("log", "--no-mailmap", f"--max-count={MAX_COMMITS}", f"--format={_FORM}", checkout.commit)
    told = git(checkout.mirror, *walk, *([f"^{base}"] if base else [])).stdout
    people = (" ".join(printable(each).split()) for each in re.split(r"[\x00\n]", told))
    return tuple(sorted({each for each in people if each}))
