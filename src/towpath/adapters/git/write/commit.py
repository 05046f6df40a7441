"""One commit on top of the branch's newest: raced for, never forced, and never made twice."""

import random
import re
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from towpath.adapters.git.allowed_url import Remote, check_url
from towpath.adapters.git.checkout import COMMIT, find_commit, materialise
from towpath.adapters.git.command import git
from towpath.adapters.git.mirror import advance, fetch, is_ready, mirror_path
from towpath.adapters.git.read import descends, log_range, object_id
from towpath.adapters.git.write.blobs import FileEdits, content_of, modes_of, write_blobs
from towpath.adapters.git.write.sign import not_signed, signing_options
from towpath.adapters.process import CommandError
from towpath.errors import (
    ConflictError,
    RefusedError,
    TowpathError,
    TransientError,
    UnknownNameError,
)
from towpath.fence import require_leadership
from towpath.files import Edits
from towpath.redact import redact
from towpath.release.commit_message import one_line

ATTEMPTS = 10
RACE = re.compile(
    r"\((fetch first|non-fast-forward|cannot lock ref|failed to (update|lock) ref|incorrect old value"
    r"|stale info)|reference already exists"
)
"""What a push says that lost against another one."""
_SEARCHED = 1000
_COMMITTER = ("Towpath", "towpath@localhost")


class LostRaceError(Exception):
    """Somebody else pushed first."""


@dataclass(frozen=True, slots=True)
class Work:
    """What was asked for, the same for every attempt."""

    remote: Remote
    branch: str
    base: str
    edits: Callable[[Path], FileEdits]
    message: str
    author: tuple[str, str]
    marker: tuple[str, str]
    unchanged: tuple[str, ...]
    cache: Path
    timeout: float
    signing_key: Path | None = None


def commit_files(  # noqa: PLR0913
    url: str,
    branch: str,
    base_commit: str,
    edits: Callable[[Path], Edits],
    message: str,
    *,
    author: str,
    cache: Path,
    marker: tuple[str, str],
    expected_unchanged: tuple[str, ...] = (),
    signing_key: Path | None = None,
    allow_file: bool = False,
    timeout: float = 60.0,
) -> str:
    """Commit `edits` to `branch` of `url` and push; returns the commit that has them.

    `edits` is the intent: it is called with the files of the newest commit, again after every lost race,
    at most ATTEMPTS times. The newest commit is first the one that was fetched last, if it has
    `base_commit` in its history: the push succeeds only while the branch is exactly there. `base_commit`
    is what the decision was based on: when a file that is edited, or one of `expected_unchanged`, is
    different now, ConflictError says who changed it. `marker` is a trailer in `message` that no other
    commit has: a commit that carries it is ours, also when the reply to its push was lost. When there is
    nothing to change, nothing is committed and the branch's head is returned. `author` is `Name` or `Name
    <mail>`; `signing_key` is the private key file that signs the commit. Raises TransientError when the
    repository does not answer, RefusedError when it refuses.
    """
    if not COMMIT.fullmatch(base_commit):
        raise RefusedError(f"not a whole commit id: {base_commit[:100]!r}")
    if f"\n{marker[0]}: {marker[1]}\n" not in f"{message}\n":
        raise ValueError("the message lacks its marker")
    remote, named = check_url(url, allow_file=allow_file), person(author)
    work = Work(
        *(remote, branch, base_commit, edits, message, named, marker, expected_unchanged, cache, timeout),
        signing_key=signing_key,
    )
    for attempt in range(ATTEMPTS):
        try:
            mirror, head = (_last_fetched(work) if attempt == 0 else None) or _newest(work)
            return _attempt(work, mirror, head)
        except LostRaceError:
            time.sleep(random.uniform(0.0, 0.05 * (attempt + 1)))  # noqa: S311
        except OSError as error:
            raise TransientError(f"cannot write the Git cache {cache}: {error.strerror}") from error
    raise TransientError(f"lost {ATTEMPTS} races to push to {branch} of {remote}; others push all the time")


def _attempt(work: Work, mirror: Path, head: str) -> str:
    done = _find_marker(mirror, head, work)
    if done:
        return done
    if not _follows(mirror, work, head):
        raise ConflictError(
            f"branch {work.branch} of {work.remote} was rewritten: {work.base[:7]} is not in its history",
            remedy="Somebody forced a push. Look at what is there now, then run this again.",
        )
    _check_unchanged(mirror, head, work, work.unchanged)
    folder = materialise(mirror, head, work.cache / "checkouts" / mirror.stem, work.timeout)
    edits = {path: text for path, text in work.edits(folder).items() if differs(folder, path, text)}
    if not edits:
        return head
    _check_unchanged(mirror, head, work, tuple(edits))
    commit = make_commit(mirror, head, edits, work)
    pushed = push(mirror, commit, work, expected=head)
    if pushed == commit:
        advance(work.remote, work.cache, work.branch, head, commit, timeout=work.timeout)
    return pushed


def _last_fetched(work: Work) -> tuple[Path, str] | None:
    """The mirror and the branch as they were fetched last; None when older than what was decided on."""
    mirror = mirror_path(work.remote, work.cache)
    head = find_commit(mirror, work.branch) if is_ready(mirror) else None
    return (mirror, head) if head and _follows(mirror, work, head) else None


def _follows(mirror: Path, work: Work, head: str) -> bool:
    """Whether what was decided on is in the history of `head`, or is it."""
    return head == work.base or descends(mirror, work.base, head)


def _newest(work: Work) -> tuple[Path, str]:
    mirror = fetch(work.remote, work.cache, timeout=work.timeout)
    head = find_commit(mirror, work.branch)
    if head is None:
        raise UnknownNameError("branch", work.branch, where=str(work.remote))
    return mirror, head


def _find_marker(mirror: Path, head: str, work: Work) -> str | None:
    if head == work.base:
        return None
    name, value = work.marker
    revisions = f"{work.base}..{head}" if descends(mirror, work.base, head) else head
    for commit in log_range(mirror, revisions, limit=_SEARCHED):
        if value in commit.trailers.get(name, []):
            return commit.sha
    return None


def _check_unchanged(mirror: Path, head: str, work: Work, paths: tuple[str, ...]) -> None:
    if head == work.base:
        return
    for path in paths:
        if object_id(mirror, work.base, path) != object_id(mirror, head, path):
            by = log_range(mirror, f"{work.base}..{head}", [path], limit=1)
            who = f" by {by[0].author} in {by[0].sha[:7]} ({by[0].subject})" if by else ""
            raise ConflictError(
                f"{path} was changed meanwhile{redact(who)}",
                remedy="Look at that change, then run this again.",
            )


def differs(folder: Path, path: str, text: str | bytes | None) -> bool:
    """Whether a file of a checkout is not as `text`; refuses paths that leave it."""
    parts = PurePosixPath(path).parts
    if (
        path.startswith(("/", "-"))
        or not parts
        or any(part in ("..", ".git") for part in parts)
        or re.search(r"[\x00-\x1f]", path)
    ):
        raise RefusedError(f"not a path inside of the repository: {path!r}")
    place = folder
    for part in parts:
        place /= part
        if place.is_symlink():
            raise RefusedError(f"{path}: is behind a symbolic link; refused")
    if text is None:
        return place.exists()
    return not place.is_file() or place.read_bytes() != content_of(text)


def make_commit(
    mirror: Path, head: str, edits: FileEdits, work: Work, *, parents: tuple[str, ...] = ()
) -> str:
    """Write blobs, tree and commit by plumbing: no working tree, no hooks, no filters.

    The tree is that of `head` with the edits; `head` is also the parent, unless others are named.
    """
    with tempfile.TemporaryDirectory(prefix="index-", dir=mirror) as folder:
        env = {"GIT_INDEX_FILE": f"{folder}/index"}
        git(mirror, "read-tree", "--end-of-options", head, env=env)
        written = {path: content_of(text) for path, text in sorted(edits.items()) if text is not None}
        blobs = write_blobs(mirror, Path(folder), written.values())
        modes = modes_of(mirror, written, env)
        lines = [f"0 {'0' * 40}\t{path}\0" for path, text in sorted(edits.items()) if text is None]
        # Removed first: what was a file may have become a folder.
        lines += [f"{modes[path]} {blob}\t{path}\0" for path, blob in zip(written, blobs, strict=True)]
        git(mirror, "update-index", "-z", "--index-info", env=env, input="".join(lines))
        tree = git(mirror, "write-tree", env=env).stdout.strip()
    (name, mail), (committer, committer_mail) = work.author, _COMMITTER
    env = {
        "GIT_AUTHOR_NAME": name,
        "GIT_AUTHOR_EMAIL": mail,
        "GIT_COMMITTER_NAME": committer,
        "GIT_COMMITTER_EMAIL": committer_mail,
    }
    named = (part for parent in parents or (head,) for part in ("-p", parent))
    options, sign = signing_options(work.signing_key)
    args = (*options, "commit-tree", sign, *named, "-F", "-", tree)
    try:
        return git(mirror, *args, env=env, input=work.message).stdout.strip()
    except CommandError as error:
        if work.signing_key is None:
            raise
        raise not_signed(work.signing_key, error) from error


def push(mirror: Path, commit: str, work: Work, *, expected: str = "") -> str:
    """Push fast-forward; LostRaceError when somebody was faster.

    With `expected`, the branch must be exactly at that commit, the parent of `commit`: one that was set back
    meanwhile does not get again what was taken out of it.
    """
    options = ["--porcelain", "--no-verify", "--no-follow-tags", "--recurse-submodules=no"]
    options += [f"--force-with-lease=refs/heads/{work.branch}:{expected}"] if expected else []
    target = f"{commit}:refs/heads/{work.branch}"
    require_leadership(f"push to {work.branch} of {work.remote}")
    try:
        done = git(
            mirror,
            *("push", *options, "--end-of-options", work.remote.url, target),
            remote=work.remote,
            timeout=work.timeout,
            codes=(0, 1),
        )
    except TowpathError as error:
        return _after_lost_reply(error, work)
    if done.code == 0:
        return commit
    said = f"{done.stdout}\n{done.stderr}"
    if RACE.search(said):
        raise LostRaceError
    rejected = re.search(r"\[(?:remote )?rejected\] \((?P<why>.*)\)", said)
    if rejected:
        remote_says = " ".join(re.findall(r"^remote: (.*\S)", done.stderr, re.MULTILINE))
        raise RefusedError(
            redact(
                f"{work.remote} refused the push to {work.branch}: {rejected['why']}. {remote_says}".strip()
            )
        )
    return _after_lost_reply(
        TransientError(f"push to {work.remote} failed: {redact(said).strip()[-300:]}"), work
    )


def _after_lost_reply(error: TowpathError, work: Work) -> str:
    """The push failed, or only its reply did: the repository knows."""
    try:
        mirror, head = _newest(work)
        done = _find_marker(mirror, head, work)
    except TowpathError:
        raise error from None
    if done:
        return done
    raise error


def person(author: str) -> tuple[str, str]:
    """`Name <mail>` or `Name` -> (name, mail), safe for a commit."""
    name, _, rest = one_line(author).partition("<")
    name = re.sub(r"[<>]", "", name).strip(" .,:;\"'") or "unknown"
    mail = re.sub(r"[<>\s]", "", rest.partition(">")[0])
    return name, mail or f"{re.sub(r'[^A-Za-z0-9._-]+', '.', name).strip('.').lower() or 'unknown'}@localhost"
