"""The mirror of a URL: a bare repository in the cache, fetched under a lock."""

import contextlib
import hashlib
import time
from collections.abc import Iterator
from pathlib import Path

from towpath.adapters.file_lock import try_lock
from towpath.adapters.git.allowed_url import Remote
from towpath.adapters.git.command import git
from towpath.errors import TransientError

# Of all attributes a repository can set for itself, none may change a byte on the way to the checkout.
_ATTRIBUTES = "* -text -ident -filter -working-tree-encoding\n"


def mirror_path(remote: Remote, cache: Path) -> Path:
    """The folder of the mirror: readable name, and a hash of the URL."""
    key = hashlib.sha256(remote.url.encode()).hexdigest()[:16]
    name = remote.url.rstrip("/").rpartition("/")[2].removesuffix(".git")
    safe = "".join(char if char.isalnum() or char in "-_" else "-" for char in name)[:40]
    return cache / "git" / f"{safe}-{key}.git"


def is_ready(path: Path) -> bool:
    """Whether the mirror was made to the end."""
    return (path / "info" / "attributes").exists()


def fetch(remote: Remote, cache: Path, *, timeout: float) -> Path:
    """Bring the mirror's branches and tags up to date and return its folder."""
    path = mirror_path(remote, cache)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _locked(path.with_suffix(".lock"), remote, timeout):
            _prepare(path)
            options = ("--quiet", "--prune", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head")
            refs = ("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")
            git(
                path, "fetch", *options, "--end-of-options", remote.url, *refs, remote=remote, timeout=timeout
            )
    except OSError as error:
        raise TransientError(f"cannot write the Git cache {cache}: {error.strerror}") from error
    return path


def fetch_commit(
    remote: Remote, commit: str, cache: Path, *, timeout: float, max_file: int | None = None
) -> Path:
    """Fetch one commit without its history, also one that no branch has, into a mirror for such commits.

    `max_file` are the bytes that it may have; RefusedError beyond them.
    """
    path = mirror_path(remote, cache)
    path = path.with_name(f"{path.stem}-commits.git")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _locked(path.with_suffix(".lock"), remote, timeout):
            _prepare(path)
            options = (
                "--quiet",
                "--no-tags",
                "--depth=1",
                "--no-recurse-submodules",
                "--no-write-fetch-head",
            )
            ref = f"+{commit}:refs/commits/{commit}"
            # In one file, so that its size is that of all.
            pack = ("-c", "fetch.unpackLimit=1", "-c", "transfer.unpackLimit=1") if max_file else ()
            git(
                *(path, *pack, "fetch", *options, "--end-of-options", remote.url, ref),
                remote=remote,
                timeout=timeout,
                max_file=max_file,
            )
    except OSError as error:
        raise TransientError(f"cannot write the Git cache {cache}: {error.strerror}") from error
    return path


def advance(  # noqa: PLR0913
    remote: Remote, cache: Path, branch: str, before: str, commit: str, *, timeout: float
) -> None:
    """Note that `branch` has moved from `before` to our `commit`: what was pushed need not be fetched.

    A branch that a fetch has moved meanwhile stays as it is.
    """
    path = mirror_path(remote, cache)
    with _locked(path.with_suffix(".lock"), remote, timeout):
        git(path, "update-ref", f"refs/heads/{branch}", commit, before, codes=(0, 1, 128))


def _prepare(path: Path) -> None:
    """Make the mirror, or clear up behind a fetch that was killed; nobody else is in here now."""
    if not is_ready(path):
        git(path, "init", "--quiet", "--bare", "--template=")
        (path / "info").mkdir(exist_ok=True)
        (path / "info" / "attributes.new").write_text(_ATTRIBUTES)
        (path / "info" / "attributes.new").replace(path / "info" / "attributes")
    packs = (path / "objects" / "pack").glob("tmp_*")
    for left in (*path.glob("*.lock"), *(path / "refs").rglob("*.lock"), *packs):
        left.unlink(missing_ok=True)


@contextlib.contextmanager
def _locked(path: Path, remote: Remote, timeout: float) -> Iterator[None]:
    deadline = time.monotonic() + timeout
    with path.open("w") as file:
        while not try_lock(file):
            if time.monotonic() > deadline:
                raise TransientError(f"another fetch of {remote} does not end")
            time.sleep(0.02)
        yield
