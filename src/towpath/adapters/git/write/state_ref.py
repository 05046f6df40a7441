"""A ref of its own for one file that is written again and again: one commit without parents, replaced.

It lies outside of branches and tags, so that no clone, webhook or build sees it, and no history grows. Both
sides work in a repository that is thrown away: the cache keeps nothing of what was replaced.
"""

import re
import shutil
import tempfile
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from towpath.adapters.git.allowed_url import Remote, check_url
from towpath.adapters.git.command import git
from towpath.adapters.git.verify import judge_commits
from towpath.adapters.git.write.commit import RACE, person
from towpath.adapters.git.write.sign import not_signed, signing_options
from towpath.adapters.process import CommandError
from towpath.errors import MalformedEvidenceError, RefusedError, TransientError
from towpath.evidence.signed_commit import CommitVerdict
from towpath.evidence.trusted_keys import TrustedKeys
from towpath.fence import require_leadership
from towpath.redact import redact

PREFIX = "refs/towpath/"
"""Refs below this are ours."""
MAX_BYTES = 8 * 1024 * 1024
"""Of the file."""
_SCRATCH = "state-"
_LEFT_AFTER = 24 * 3600
_NAME = re.compile(r"refs/towpath/(?!.*(?:\.\.|//|\.lock$))[A-Za-z0-9._/-]{1,200}[A-Za-z0-9]")
_REJECTED = re.compile(r"\[(?:remote )?rejected\] \((?P<why>.*)\)")


@dataclass(frozen=True, slots=True)
class StateFile:
    """What a ref holds. `verdict` says who signed it; None: there were no keys to verify it with."""

    commit: str
    content: bytes
    verdict: CommitVerdict | None


def write_state_ref(  # noqa: PLR0913
    url: str,
    ref: str,
    name: str,
    content: bytes,
    message: str,
    *,
    author: str,
    signing_key: Path,
    cache: Path,
    allow_file: bool = False,
    timeout: float = 60.0,
) -> str:
    """Replace what `ref` holds by one file, signed; the new commit.

    Raises RefusedError when the other side takes no such ref, TransientError when it does not answer, or
    somebody else wrote the ref meanwhile.
    """
    remote = _remote(url, ref, allow_file=allow_file)
    with _scratch(cache) as folder:
        # Only in place of what is there now: what has been held up since then changes nothing any more.
        there = f"--force-with-lease={ref}:{_commit_of(folder, remote, ref, timeout)}"
        commit = _commit(folder, name, content, message, author, signing_key)
        options = ("--porcelain", "--no-verify", "--no-follow-tags", "--recurse-submodules=no", there)
        target = f"{commit}:{ref}"
        require_leadership(f"push to {ref} of {remote}")
        done = git(
            folder,
            *("push", *options, "--end-of-options", remote.url, target),
            remote=remote,
            timeout=timeout,
            codes=(0, 1),
        )
    if done.code != 0:
        raise _refused(remote, ref, f"{done.stdout}\n{done.stderr}")
    return commit


def read_state_ref(  # noqa: PLR0913
    url: str,
    ref: str,
    name: str,
    *,
    trusted: TrustedKeys | None,
    signers: Collection[str],
    cache: Path,
    allow_file: bool = False,
    timeout: float = 60.0,
) -> StateFile | None:
    """What `ref` holds; None when the other side has no such ref.

    Raises MalformedEvidenceError for a commit that has parents, or other files: an agent signs such commits
    of branches, and what others put into them would count as the agent's.
    """
    remote = _remote(url, ref, allow_file=allow_file)
    with _scratch(cache) as folder:
        if not _commit_of(folder, remote, ref, timeout):
            return None
        options = ("--quiet", "--no-tags", "--depth=1", "--no-recurse-submodules", "--no-write-fetch-head")
        wanted = ("fetch", *options, "--end-of-options", remote.url, f"+{ref}:refs/heads/state")
        git(folder, *wanted, remote=remote, timeout=timeout)
        commit = git(folder, "rev-parse", "--verify", "refs/heads/state^{commit}").stdout.strip()
        content = _only_file(folder, commit, ref, name)
        if trusted is None:
            return StateFile(commit, content, None)
        (verdict,) = judge_commits(folder, [commit], trusted, signers, received=datetime.now(UTC))
        return StateFile(commit, content, verdict)


@contextmanager
def _scratch(cache: Path) -> Iterator[Path]:
    try:
        cache.mkdir(parents=True, exist_ok=True)
        _clear(cache)
        with tempfile.TemporaryDirectory(prefix=_SCRATCH, dir=cache) as folder:
            path = Path(folder)
            git(path, "init", "--quiet", "--bare", "--template=")
            yield path
    except OSError as error:
        raise TransientError(f"cannot write the Git cache {cache}: {error.strerror}") from error


def _clear(cache: Path) -> None:
    """Delete what processes left that were killed; folders of others may vanish meanwhile."""
    for left in cache.glob(f"{_SCRATCH}*"):
        with suppress(OSError):
            if time.time() - left.stat().st_mtime > _LEFT_AFTER:
                shutil.rmtree(left, ignore_errors=True)


def _remote(url: str, ref: str, *, allow_file: bool) -> Remote:
    if not _NAME.fullmatch(ref):
        raise RefusedError(f"not a ref of ours: {ref[:100]!r}")
    return check_url(url, allow_file=allow_file)


def _commit_of(folder: Path, remote: Remote, ref: str, timeout: float) -> str:
    """What `ref` is at on the other side; empty when it has no such ref."""
    asked = ("ls-remote", "--quiet", "--end-of-options", remote.url, ref)
    listed = git(folder, *asked, remote=remote, timeout=timeout).stdout.splitlines()
    found = (line.partition("\t") for line in listed)
    return next((commit for commit, _, name in found if name == ref), "")


def _commit(  # noqa: PLR0913, PLR0917
    folder: Path, name: str, content: bytes, message: str, author: str, key: Path
) -> str:
    text = content.decode()
    blob = git(folder, "hash-object", "-w", "--no-filters", "--stdin", input=text).stdout.strip()
    tree = git(folder, "mktree", input=f"100644 blob {blob}\t{name}\n").stdout.strip()
    who, mail = person(author)
    env = {f"GIT_{role}_{what}": value for role in ("AUTHOR", "COMMITTER") for what, value in _who(who, mail)}
    options, sign = signing_options(key)
    try:
        made = git(folder, *options, "commit-tree", sign, "-F", "-", tree, env=env, input=message)
    except CommandError as error:
        raise not_signed(key, error) from error
    return made.stdout.strip()


def _who(name: str, mail: str) -> tuple[tuple[str, str], ...]:
    return ("NAME", name), ("EMAIL", mail)


def _only_file(folder: Path, commit: str, ref: str, name: str) -> bytes:
    # A shallow repository hides parents from `git log`; the commit itself names them.
    header = git(folder, "cat-file", "commit", commit).stdout.partition("\n\n")[0]
    if any(line.startswith("parent ") for line in header.splitlines()):
        raise _not_ours(ref, commit, "has parents")
    listed = git(folder, "ls-tree", "-z", "--long", commit).stdout.split("\0")
    entries = [entry for entry in listed if entry]
    head, _, found = entries[0].partition("\t") if entries else ("", "", "")
    mode, kind, blob, size = head.split() if len(head.split()) == 4 else ("", "", "", "")
    if len(entries) != 1 or (found, mode, kind) != (name, "100644", "blob"):
        raise _not_ours(ref, commit, f"holds something else than one file {name}")
    if int(size) > MAX_BYTES:
        raise _not_ours(ref, commit, f"holds {size} bytes, more than the {MAX_BYTES} that are read")
    return git(folder, "cat-file", "blob", blob).stdout.encode()


def _not_ours(ref: str, commit: str, what: str) -> MalformedEvidenceError:
    return MalformedEvidenceError(
        f"{ref} was not published by an agent: its commit {commit[:7]} {what}",
        remedy=f"Whoever may push has written it. Delete the ref (`git push origin :{ref}`); the agent"
        " publishes it anew.",
    )


def _refused(remote: Remote, ref: str, said: str) -> RefusedError | TransientError:
    rejected = _REJECTED.search(said)
    if rejected is not None and RACE.search(said):
        return TransientError(f"{remote}: {ref} was written by somebody else meanwhile")
    if rejected is None:
        return TransientError(f"push to {remote} failed: {redact(said).strip()[-300:]}")
    remote_says = " ".join(re.findall(r"^remote: (.*\S)", said, re.MULTILINE))
    return RefusedError(
        redact(f"{remote} takes no {ref}: {rejected['why']}. {remote_says}".strip()),
        remedy=f"Let the agent's account push {PREFIX}*, or turn this off: `repository.publish: false` in"
        " agent.yaml.",
    )
