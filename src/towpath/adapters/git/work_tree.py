"""A person's own clone, which is looked at and never written."""

from pathlib import Path

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
