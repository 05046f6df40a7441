"""Checkouts: one immutable folder per commit, made beside its place and renamed into it."""

import re
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from towpath.adapters.git.allowed_url import Remote, check_url
from towpath.adapters.git.command import git
from towpath.adapters.git.mirror import fetch, fetch_commit, is_ready, mirror_path
from towpath.errors import RefusedError, TransientError, UnknownNameError

COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_SHORT_COMMIT = re.compile(r"[0-9a-f]{4,64}")
_REVISION = re.compile(r"(?!-)(?!.*(?:\.\.|@\{|//|\.lock$|/$))[A-Za-z0-9._/+@-]{1,200}")
_KEPT, _KEPT_SECONDS = 50, 24 * 3600


@dataclass(frozen=True, slots=True)
class Checkout:
    """The files of one commit. `branch` is the revision that was asked for; `mirror` holds the history."""

    path: Path
    url: str
    commit: str
    branch: str
    mirror: Path


def fetch_checkout(
    url: str, revision: str, cache: Path, *, allow_file: bool = False, timeout: float = 60.0
) -> Checkout:
    """Fetch `url` and check out `revision` (branch, tag or commit id). Safe to call in parallel.

    A whole commit id that is in the cache needs no network. Raises TransientError when the other side does
    not answer within `timeout` seconds, UnknownNameError for a missing repository or revision, RefusedError
    for a URL that is not allowed.
    """
    remote = check_url(url, allow_file=allow_file)
    mirror, commit = _resolve(remote, revision, cache, timeout)
    return _checkout(remote, mirror, commit, revision, cache, timeout)


def last_checkout(
    url: str, revision: str, cache: Path, *, allow_file: bool = False, timeout: float = 60.0
) -> Checkout:
    """As fetch_checkout, of what was fetched or pushed last: the other side is not asked.

    Raises UnknownNameError for a revision that was never fetched.
    """
    remote = check_url(url, allow_file=allow_file)
    mirror = mirror_path(remote, cache)
    commit = find_commit(mirror, revision) if is_ready(mirror) else None
    if commit is None:
        raise UnknownNameError("revision", revision, where=f"what was fetched of {remote}")
    return _checkout(remote, mirror, commit, revision, cache, timeout)


def _checkout(  # noqa: PLR0913, PLR0917
    remote: Remote, mirror: Path, commit: str, revision: str, cache: Path, timeout: float
) -> Checkout:
    try:
        path = materialise(mirror, commit, _checkouts(mirror, cache), timeout)
    except OSError as error:
        raise TransientError(f"cannot write the Git cache {cache}: {error.strerror}") from error
    return Checkout(path, remote.url, commit, revision, mirror)


def earlier_checkout(checkout: Checkout, commit: str, *, timeout: float = 60.0) -> Checkout | None:
    """The files of a commit in the same mirror, which is not fetched; None when it is not there."""
    if not COMMIT.fullmatch(commit) or find_commit(checkout.mirror, commit) != commit:
        return None
    path = materialise(checkout.mirror, commit, checkout.path.parent, timeout)
    return Checkout(path, checkout.url, commit, commit, checkout.mirror)


def folder_checkout(folder: Path, commit: str, cache: Path, *, timeout: float = 60.0) -> Checkout:
    """The files of a commit that the Git repository in a folder has, whether or not a branch leads to it.

    Raises as fetch_checkout when the folder is no repository, or a shallow one without the commit.
    """
    if not COMMIT.fullmatch(commit):
        raise UnknownNameError("commit", commit[:100], where=str(folder))
    remote = check_url(str(folder.resolve()), allow_file=True)
    mirror = fetch_commit(remote, commit, cache, timeout=timeout)
    return _checkout(remote, mirror, commit, commit, cache, timeout)


def checkouts_of(url: str, cache: Path, *, allow_file: bool = False) -> Path:
    """The folder of a URL's checkouts, one per commit that was fetched; asks nobody."""
    return _checkouts(mirror_path(check_url(url, allow_file=allow_file), cache), cache)


def _checkouts(mirror: Path, cache: Path) -> Path:
    return cache / "checkouts" / mirror.stem


def resolve_revision(
    url: str, revision: str, cache: Path, *, allow_file: bool = False, timeout: float = 60.0
) -> str:
    """The commit id of a branch, tag or (abbreviated) commit id; UnknownNameError when there is none."""
    return _resolve(check_url(url, allow_file=allow_file), revision, cache, timeout)[1]


def find_commit(mirror: Path, revision: str) -> str | None:
    """The commit id of `revision` in a mirror: a branch before a tag before an abbreviated commit id."""
    if not _REVISION.fullmatch(revision):
        return None
    names = [f"refs/heads/{revision}", f"refs/tags/{revision}"]
    if _SHORT_COMMIT.fullmatch(revision):
        names.append(revision)
    asked = "".join(f"{name}^{{commit}}\n" for name in names)
    args = ("cat-file", "--batch-check=%(objectname)")
    told = git(mirror, *args, input=asked, codes=(0, 128)).stdout.splitlines()
    return next((line for line in told if COMMIT.fullmatch(line)), None)  # of the others: "NAME missing"


def _resolve(remote: Remote, revision: str, cache: Path, timeout: float) -> tuple[Path, str]:
    if not _REVISION.fullmatch(revision):
        raise RefusedError(f"not a Git revision: {revision[:100]!r}")
    mirror = mirror_path(remote, cache)
    # A branch may move, a commit cannot.
    if COMMIT.fullmatch(revision) and is_ready(mirror) and find_commit(mirror, revision) == revision:
        return mirror, revision
    mirror = fetch(remote, cache, timeout=timeout)
    commit = find_commit(mirror, revision)
    if commit is None:
        names = git(mirror, "for-each-ref", "--format=%(refname:lstrip=2)", "--count=200").stdout.split()
        raise UnknownNameError("revision", revision, names, where=str(remote))
    return mirror, commit


def materialise(mirror: Path, commit: str, folder: Path, timeout: float) -> Path:
    path = folder / commit
    if path.is_dir():
        return path
    folder.mkdir(parents=True, exist_ok=True)
    _forget_old(folder)
    temporary = Path(tempfile.mkdtemp(prefix=".new-", dir=folder))
    try:
        tree = temporary / "tree"
        tree.mkdir()
        env = {"GIT_INDEX_FILE": str(temporary / "index"), "GIT_WORK_TREE": str(tree)}
        git(mirror, "read-tree", "--end-of-options", commit, env=env, timeout=timeout)
        git(mirror, "checkout-index", "--all", "--quiet", f"--prefix={tree}/", env=env, timeout=timeout)
        try:
            tree.rename(path)
        except OSError:
            # Somebody else was faster; the commit is the same, so the files are.
            if not path.is_dir():
                raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return path


def _forget_old(folder: Path) -> None:
    """Keep the newest checkouts, and every one that a running flow may still read."""
    old = sorted((path for path in folder.iterdir()), key=lambda path: path.stat().st_mtime)[:-_KEPT]
    for path in old:
        if time.time() - path.stat().st_mtime > _KEPT_SECONDS:
            shutil.rmtree(path, ignore_errors=True)
