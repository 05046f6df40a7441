"""Files of a foreign repository at one commit, as bytes: nothing is checked out, no hook and no filter runs.

Submodules are not followed, symbolic links are refused, and what Git LFS keeps is not there.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from towpath.adapters.git.allowed_url import check_url
from towpath.adapters.git.checkout import COMMIT
from towpath.adapters.git.command import git
from towpath.adapters.git.mirror import fetch_commit
from towpath.adapters.git.read import open_mirror
from towpath.errors import RefusedError, UnknownNameError
from towpath.vendor.tree import check_path, check_size, checked_tree

MAX_REFS = 8 << 20
"""Bytes of the list of branches and tags."""
MAX_FETCHED = 1 << 30
"""Bytes that one fetch may write."""
_PEELED = "^{}"


def remote_refs(
    url: str, cache: Path, *, allow_file: bool = False, timeout: float = 30.0
) -> Mapping[str, str]:
    """The commit of every branch and tag, by whole name (`refs/tags/v1`), asked without fetching.

    Raises TransientError when the other side does not answer within `timeout` seconds, UnknownNameError for a
    missing repository, RefusedError for a URL that is not allowed.
    """
    remote = check_url(url, allow_file=allow_file)
    nowhere = cache / "no-repository"
    args = ("ls-remote", "--quiet", "--heads", "--tags", "--end-of-options", remote.url)
    listed = git(nowhere, *args, remote=remote, timeout=timeout, max_output=MAX_REFS).stdout
    refs: dict[str, str] = {}
    for line in listed.splitlines():
        commit, _, name = line.partition("\t")
        if COMMIT.fullmatch(commit):
            # Of a tag with a message, the commit that it names comes after the tag itself.
            refs[name.removesuffix(_PEELED)] = commit
    return refs


def remote_tree(  # noqa: PLR0913
    url: str,
    commit: str,
    folder: str,
    wanted: Callable[[str], bool],
    cache: Path,
    *,
    allow_file: bool = False,
    timeout: float = 300.0,
) -> dict[str, bytes]:
    """The wanted files below a folder (empty: of all) at a whole commit id.

    `wanted` gets paths below the folder. UnknownNameError when there is no such folder, RefusedError for a
    submodule, a symbolic link, a path that leads elsewhere, and too much of it.
    """
    remote = check_url(url, allow_file=allow_file)
    mirror = fetch_commit(remote, commit, cache, timeout=timeout, max_file=MAX_FETCHED)
    where = f"{remote} at {commit[:12]}"
    found = dict(_listed(mirror, commit, folder, wanted, where))
    if not found:
        raise UnknownNameError("folder", folder or ".", where=f"{where}, or no file of it is included")
    return checked_tree(_contents(mirror, found), where)


def _listed(
    mirror: Path, commit: str, folder: str, wanted: Callable[[str], bool], where: str
) -> Iterator[tuple[str, str]]:
    """(path below the folder, id) of each wanted file, by what Git says of their sizes."""
    below = f"{folder.strip('/')}/" if folder.strip("/.") else ""
    args = ("ls-tree", "-r", "-z", "--long", "--full-tree", commit, *([below] if below else []))
    total = files = 0
    for line in filter(None, git(mirror, *args).stdout.split("\0")):
        head, _, path = line.partition("\t")
        mode, _, blob, size = head.split()
        path = path.removeprefix(below)
        if not wanted(path):
            continue
        check_path(path, where)
        if mode == "160000":
            raise _left_out(path, where, "a submodule, which is not followed")
        if mode not in ("100644", "100755", "100664"):
            raise _left_out(path, where, "a symbolic link; refused")
        files, total = files + 1, total + int(size)
        check_size(files, int(size), total, path, where)
        yield path, blob


def _left_out(path: str, where: str, what: str) -> RefusedError:
    return RefusedError(
        f"{where}: {path[:200]!r} is {what}", remedy="Leave it out: `include` says which files are wanted."
    )


def _contents(mirror: Path, blobs: Mapping[str, str]) -> Iterator[tuple[str, bytes]]:
    with open_mirror(mirror) as repo:
        for path, blob in blobs.items():
            _, _, _, stream = repo.git.stream_object_data(blob)
            yield path, stream.read()
