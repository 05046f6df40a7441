"""History: commits, files and trees, read from a mirror; its objects with GitPython."""

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from towpath.adapters.git.allowed_url import check_url
from towpath.adapters.git.checkout import COMMIT, Checkout, find_commit
from towpath.adapters.git.command import environment, git
from towpath.adapters.git.mirror import fetch
from towpath.errors import MissingPartError, RefusedError, UnknownNameError
from towpath.printable import printable
from towpath.release.commit_message import parse_trailers

if TYPE_CHECKING:
    from git import Commit, Repo

MAX_FILE_BYTES = 1024 * 1024
COMMIT_FORM = "%x00".join(("%H", "%an", "%ae", "%ct", "%B"))
"""A commit as `git log` tells it, for `described`."""
_open: "ContextVar[tuple[Path, Repo] | None]" = ContextVar("open mirror", default=None)


@dataclass(frozen=True, slots=True)
class CommitInfo:
    """One commit. `committed_at` is RFC 3339 in UTC; `trailers` are those of the message's last paragraph."""

    sha: str
    subject: str
    author: str
    author_email: str
    committed_at: str
    message: str
    trailers: dict[str, list[str]]


def read_commit(checkout: Checkout, commit: str | None = None) -> CommitInfo:
    """The commit `commit` (default: the checkout's own) of the checkout's repository."""
    with open_mirror(checkout.mirror) as repo:
        return _info(_commit(repo, commit or checkout.commit))


def tree_id(checkout: Checkout, path: str = ".") -> str | None:
    """The id of the tree or blob at `path`, equal exactly when the content is; None: nothing there."""
    return object_id(checkout.mirror, checkout.commit, path)


def object_id(mirror: Path, commit: str, path: str) -> str | None:
    """As tree_id, for any commit of a mirror."""
    with open_mirror(mirror) as repo:
        tree = _commit(repo, commit).tree
        path = path.strip("/")
        if path in ("", "."):
            return str(tree.hexsha)
        try:
            return str(tree[path].hexsha)
        except KeyError:
            return None


def read_file(checkout: Checkout, path: str, commit: str | None = None) -> str | None:
    """The text of the file `path` at `commit` (default: the checkout's own); None: no such file there."""
    with open_mirror(checkout.mirror) as repo:
        return _text_at(_commit(repo, commit or checkout.commit), path)


def read_file_at(checkout: Checkout, path: str, commits: Iterable[str]) -> Iterator[str | None]:
    """As read_file for each of `commits` in turn, by one Git process for all of them."""
    with open_mirror(checkout.mirror) as repo:
        for commit in commits:
            yield _text_at(_commit(repo, commit), path)


def log(  # noqa: PLR0913
    where: Checkout | str,
    paths: Sequence[str] = (),
    limit: int = 100,
    *,
    branch: str = "main",
    cache: Path | None = None,
    allow_file: bool = False,
    timeout: float = 60.0,
) -> list[CommitInfo]:
    """The newest `limit` commits that touch `paths` (all when empty), newest first.

    `where` is a checkout, which is not fetched again, or a URL, whose `branch` is fetched into `cache`.
    """
    if isinstance(where, Checkout):
        return log_range(where.mirror, where.commit, paths, limit)
    if cache is None:
        raise ValueError("a URL needs a cache")
    remote = check_url(where, allow_file=allow_file)
    mirror = fetch(remote, cache, timeout=timeout)
    commit = find_commit(mirror, branch)
    if commit is None:
        raise UnknownNameError("branch", branch, where=str(remote))
    return log_range(mirror, commit, paths, limit)


def log_range(mirror: Path, revisions: str, paths: Sequence[str] = (), limit: int = 100) -> list[CommitInfo]:
    """The newest commits of COMMIT or COMMIT..COMMIT that touch `paths`."""
    if not all(COMMIT.fullmatch(part) for part in revisions.split("..")):
        raise RefusedError(f"not a range of commits: {revisions[:100]!r}")
    walk = ("log", "-z", f"--max-count={limit}", f"--format={COMMIT_FORM}", revisions, "--", *paths)
    parts = iter(git(mirror, *walk).stdout.split("\0"))
    found: list[CommitInfo] = []
    while sha := next(parts, ""):
        author, email, when, message = islice(parts, 4)
        found.append(described(sha, author, email, int(when), message))
    return found


def log_files(checkout: Checkout, paths: Sequence[str], limit: int) -> dict[str, list[CommitInfo]]:
    """Of the newest `limit` commits that touch any of `paths`, those of each file, newest first.

    One walk through the history for all of them: it costs as much as for one.
    """
    options = ("-c", "--name-only", "--no-renames", "-z", f"--max-count={limit}", f"--format={COMMIT_FORM}")
    asked = "\n".join([checkout.commit, "--", *paths, ""])
    # Nothing that a person writes into a commit has a NUL in it, so nothing can pass for a commit's head.
    parts = iter(git(checkout.mirror, "log", *options, "--stdin", input=asked).stdout.split("\0"))
    found: dict[str, list[CommitInfo]] = {path: [] for path in paths}
    commit: CommitInfo | None = None
    for part in parts:
        if COMMIT.fullmatch(part):
            author, email, when, message = islice(parts, 4)
            commit = described(part, author, email, int(when), message)
        elif commit and part.strip("\n") in found:
            found[part.strip("\n")].append(commit)
    return found


def is_ancestor(checkout: Checkout, ancestor: str, descendant: str | None = None) -> bool:
    """Whether `descendant` (default: the checkout's commit) has `ancestor` in its history, or is it.

    False for a commit that is not known: after a forced push the old head may be gone.
    """
    return descends(checkout.mirror, ancestor, descendant or checkout.commit)


def descends(mirror: Path, ancestor: str, descendant: str) -> bool:
    """As is_ancestor, for any two commits of a mirror."""
    if not COMMIT.fullmatch(ancestor) or not COMMIT.fullmatch(descendant):
        return False
    args = ("merge-base", "--is-ancestor", "--end-of-options", ancestor, descendant)
    return git(mirror, *args, codes=(0, 1, 128)).code == 0


def outside_history(checkout: Checkout, commits: Iterable[str]) -> list[str]:
    """Those of `commits` that are not in the history of the checkout's commit, unknown ones too; sorted."""
    wanted = sorted(set(commits) - {checkout.commit})
    if not wanted:
        return []
    whole = [commit for commit in wanted if COMMIT.fullmatch(commit)]
    asked = "".join(f"{commit}^{{commit}}\n" for commit in whole)
    told = git(checkout.mirror, "cat-file", "--batch-check", input=asked).stdout.splitlines()
    known = [commit for commit, line in zip(whole, told, strict=True) if f"{commit} commit " in line]
    # One walk for all of them; which ones it is, is asked only when there are any.
    walk = ("rev-list", "--max-count=1", "--stdin")
    text = "\n".join([*known, f"^{checkout.commit}", ""])
    if known and not git(checkout.mirror, *walk, input=text).stdout.strip():
        inside = set(known)
    else:
        inside = {each for each in known if is_ancestor(checkout, each)}
    return [commit for commit in wanted if commit not in inside]


def list_trees(checkout: Checkout) -> dict[str, str]:
    """The ids of the checkout's folders and top files, two levels deep, by path; `.` is the whole.

    A symbolic link anywhere is told as `@links`: with it, one folder's content may stand in another.
    """
    listed = git(checkout.mirror, "ls-tree", "-r", "-t", "-z", "--full-tree", checkout.commit).stdout
    trees = {".": checkout.commit}
    for line in filter(None, listed.split("\0")):
        head, _, path = line.partition("\t")
        mode, _, rest = head.partition(" ")
        if mode == "120000":
            trees["@links"] = checkout.commit
        if path.count("/") < 2:
            trees[path] = rest.rpartition(" ")[2]
    return trees


def list_files(checkout: Checkout, folder: str) -> Iterator[tuple[str, str]]:
    """(path, id) of every file below a folder of the checkout's commit, sorted by path."""
    tree = ("ls-tree", "-r", "-z", "--full-tree", checkout.commit, f"{folder.strip('/')}/")
    for line in filter(None, git(checkout.mirror, *tree).stdout.split("\0")):
        head, _, path = line.partition("\t")
        yield path, head.rpartition(" ")[2]


@contextlib.contextmanager
def keep_open(mirror: Path) -> Iterator[None]:
    """Whatever reads the mirror meanwhile asks the same Git processes: each takes milliseconds to start."""
    with open_mirror(mirror) as repo:
        token = _open.set((mirror, repo))
        try:
            yield
        finally:
            _open.reset(token)


@contextlib.contextmanager
def open_mirror(mirror: Path) -> "Iterator[Repo]":
    """GitPython's view of a mirror, with our configuration alone."""
    if (open_before := _open.get()) and open_before[0] == mirror:
        yield open_before[1]
        return
    try:  # it runs `git version` when it is imported
        from git import GitCmdObjectDB, Repo
    except ImportError as error:
        raise MissingPartError(
            "cannot run git: it is not on PATH",
            remedy="Run `towpath doctor`: it says what is missing and how to get it.",
        ) from error
    with Repo(mirror, odbt=GitCmdObjectDB, search_parent_directories=False) as repo:
        repo.git.update_environment(**environment())
        yield repo


def _commit(repo: "Repo", commit: str) -> "Commit":
    from git.exc import GitCommandError, ODBError

    if not COMMIT.fullmatch(commit):
        raise RefusedError(f"not a whole commit id: {commit[:100]!r}")
    try:
        return repo.commit(commit)
    except (GitCommandError, ODBError, ValueError) as error:
        raise UnknownNameError("commit", commit) from error


def _text_at(commit: "Commit", path: str) -> str | None:
    try:
        blob = commit.tree[path]
    except KeyError:
        return None
    if blob.type != "blob" or blob.mode & 0o170000 == 0o120000 or blob.size > MAX_FILE_BYTES:
        return None
    data: bytes = blob.data_stream.read()
    return data.decode("utf-8-sig", errors="replace")


def _info(commit: "Commit") -> CommitInfo:
    message = commit.message if isinstance(commit.message, str) else commit.message.decode(errors="replace")
    author, email = commit.author.name or "", commit.author.email or ""
    return described(commit.hexsha, author, email, commit.committed_date, message)


def described(sha: str, author: str, email: str, when: int, message: str) -> CommitInfo:
    """A commit; `when` are the seconds since 1970 at which it was committed."""
    return CommitInfo(
        sha=sha,
        subject=printable(message.partition("\n")[0]).strip(),
        author=printable(author),
        author_email=printable(email),
        committed_at=datetime.fromtimestamp(when, UTC).isoformat().replace("+00:00", "Z"),
        message=message,
        trailers=parse_trailers(message),
    )
