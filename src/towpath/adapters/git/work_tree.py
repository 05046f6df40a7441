"""A person's own clone, which is looked at and never written."""

from pathlib import Path

from towpath.adapters.git.checkout import COMMIT, Checkout
from towpath.adapters.git.command import environment
from towpath.adapters.process import CommandError, run
from towpath.errors import MissingPartError


def is_tracked(file: Path, *, timeout: float = 10.0) -> bool:
    """Whether Git has the file in the repository that it lies in; False outside of one, and without git."""
    command = ["git", "-C", str(file.absolute().parent), "ls-files", "--error-unmatch", "--", file.name]
    try:
        return run(command, env=environment(), timeout=timeout, codes=(0, 1, 128)).code == 0
    except (CommandError, MissingPartError):
        return False


def work_tree_checkout(folder: Path, *, timeout: float = 10.0) -> Checkout | None:
    """A person's clone as a checkout of its own history, its files as they are now.

    None where the folder is not the top of a clone, or has no commit. `branch` is where the work began: what
    the commits of its branch come after in the branch that it follows, or the newest commit itself.
    """
    asked = ("rev-parse", "--show-prefix", "--absolute-git-dir", "--verify", "HEAD^{commit}")
    try:
        told = run(
            ["git", "-C", str(folder.absolute()), *asked], env=environment(), timeout=timeout, codes=(0, 128)
        )
    except (CommandError, MissingPartError):
        return None
    lines = told.stdout.splitlines()
    if told.code or len(lines) != 3 or lines[0] or not COMMIT.fullmatch(lines[2]):
        return None
    git_folder, head = Path(lines[1]), lines[2]
    return Checkout(folder.absolute(), str(folder), head, _base(folder, head, timeout), git_folder)


def _base(folder: Path, head: str, timeout: float) -> str:
    """The newest commit that the other side has, too: a squash merge loses those that it has not."""
    for other in ("@{upstream}", "origin/HEAD", "origin/main"):
        command = ["git", "-C", str(folder.absolute()), "merge-base", "HEAD", other]
        found = run(command, env=environment(), timeout=timeout, codes=(0, 1, 128)).stdout.strip()
        if COMMIT.fullmatch(found):
            return found
    return head


def origin_url(folder: Path, *, timeout: float = 10.0) -> str:
    """The URL of a clone's `origin`; empty without one, and outside of a clone."""
    command = ["git", "-C", str(folder.absolute()), "config", "--get", "remote.origin.url"]
    try:
        return run(command, env=environment(), timeout=timeout, codes=(0, 1, 128)).stdout.strip()
    except (CommandError, MissingPartError):
        return ""
