"""Commits that are noted in the mirror of this machine, where neither Git server nor cluster writes."""

from towpath.adapters.git.checkout import Checkout
from towpath.adapters.git.command import git


def note_head(checkout: Checkout, name: str) -> None:
    """Note the checkout's commit as that of `name` (a DNS label); the mirror keeps it from now on."""
    # Another process may be noting one; the next call notes it again.
    git(checkout.mirror, "update-ref", _ref(name), checkout.commit, codes=(0, 1, 128))


def noted_head(checkout: Checkout, name: str) -> str:
    """The commit that was noted last; empty when none was."""
    asked = ("rev-parse", "--verify", "--quiet", "--end-of-options", f"{_ref(name)}^{{commit}}")
    return git(checkout.mirror, *asked, codes=(0, 1, 128)).stdout.strip()


def _ref(name: str) -> str:
    return f"refs/noted/{name}"
