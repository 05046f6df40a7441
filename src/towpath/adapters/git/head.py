"""The newest commit of a branch, asked without fetching: one request, whatever the repository's size."""

from pathlib import Path

from towpath.adapters.git.allowed_url import check_url
from towpath.adapters.git.command import git
from towpath.errors import UnknownNameError


def branch_head(
    url: str, branch: str, cache: Path, *, allow_file: bool = False, timeout: float = 15.0
) -> str:
    """The commit id that `branch` of `url` is at now.

    Raises TransientError when the other side does not answer within `timeout` seconds, UnknownNameError for a
    missing repository or branch, RefusedError for a URL that is not allowed.
    """
    remote = check_url(url, allow_file=allow_file)
    name = f"refs/heads/{branch}"
    # Of no repository here: there is none to find, and none is made.
    nowhere = cache / "no-repository"
    listed = git(
        nowhere, "ls-remote", "--quiet", "--end-of-options", remote.url, name, remote=remote, timeout=timeout
    )
    for line in listed.stdout.splitlines():
        commit, _, found = line.partition("\t")
        if found == name:
            return commit
    raise UnknownNameError("branch", branch, where=str(remote))
