"""A proposal: a branch of ours with one commit on top of the newest, for people to review and merge."""

import random
import time
from dataclasses import replace
from pathlib import Path

from towpath.adapters.git.allowed_url import check_url
from towpath.adapters.git.checkout import find_commit, materialise
from towpath.adapters.git.mirror import fetch
from towpath.adapters.git.read import descends, log_range
from towpath.adapters.git.write.blobs import FileEdits
from towpath.adapters.git.write.commit import (
    ATTEMPTS,
    LostRaceError,
    Work,
    differs,
    make_commit,
    person,
    push,
)
from towpath.errors import ConflictError, TransientError, UnknownNameError
from towpath.release.commit_message import INTENT_TRAILER

PREFIX = "towpath/"
"""Branches below this are ours."""


def propose_files(  # noqa: PLR0913
    url: str,
    branch: str,
    onto: str,
    edits: FileEdits,
    message: str,
    *,
    author: str,
    cache: Path,
    marker: tuple[str, str],
    base: str = "",
    signing_key: Path | None = None,
    allow_file: bool = False,
    timeout: float = 60.0,
) -> tuple[str, bool]:
    """Put `edits` on `branch`, on top of the newest commit of `onto`; its commit, and whether that is new.

    A branch that proposes the same already stays as it is. One that proposes something else gets a commit
    that replaces that; it is never forced. Raises ConflictError when a person has committed to the branch,
    and when one of the files has changed since `base`, the commit that the edits were made of. `signing_key`
    is the private key file that signs the commit.
    """
    if not branch.startswith(PREFIX):
        raise ValueError(f"not a branch of ours: {branch}")
    remote = check_url(url, allow_file=allow_file)
    named = person(author)
    work = Work(
        *(remote, branch, "", lambda _: edits, message, named, marker, (), cache, timeout),
        signing_key=signing_key,
    )
    for attempt in range(ATTEMPTS):
        try:
            return _attempt(work, onto, edits, base)
        except LostRaceError:
            time.sleep(random.uniform(0.0, 0.05 * (attempt + 1)))  # noqa: S311
        except OSError as error:
            raise TransientError(f"cannot write the Git cache {cache}: {error.strerror}") from error
    raise TransientError(f"lost {ATTEMPTS} races to push to {branch} of {remote}; others push all the time")


def _attempt(work: Work, onto: str, edits: FileEdits, base: str) -> tuple[str, bool]:
    mirror = fetch(work.remote, work.cache, timeout=work.timeout)
    head = find_commit(mirror, onto)
    if head is None:
        raise UnknownNameError("branch", onto, where=str(work.remote))
    before = find_commit(mirror, work.branch)
    if before and descends(mirror, before, head):
        before = None  # it was merged: the proposal begins anew
    if before and _proposes(mirror, before, edits, work):
        return before, False
    if before:
        _check_ours(mirror, head, before, work)
    folder = materialise(mirror, head, work.cache / "checkouts" / mirror.stem, work.timeout)
    wanted = {path: text for path, text in edits.items() if differs(folder, path, text)}
    if base and base != head:
        _check_unchanged(folder, materialise(mirror, base, folder.parent, work.timeout), wanted, onto)
    if not wanted:
        return head, False
    parents = (before, *(() if descends(mirror, head, before) else (head,))) if before else (head,)
    commit = make_commit(mirror, head, wanted, work, parents=parents)
    return push(mirror, commit, replace(work, base=before or head)), True


def _proposes(mirror: Path, commit: str, edits: FileEdits, work: Work) -> bool:
    folder = materialise(mirror, commit, work.cache / "checkouts" / mirror.stem, work.timeout)
    return not any(differs(folder, path, text) for path, text in edits.items())


def _check_unchanged(now: Path, before: Path, edits: FileEdits, onto: str) -> None:
    """Whole files are proposed: of one that has changed meanwhile, that change would be undone."""
    for path in edits:
        texts = [file.read_bytes() if (file := root / path).is_file() else None for root in (before, now)]
        if texts[0] != texts[1]:
            raise ConflictError(
                f"{path} has changed on {onto} meanwhile",
                remedy="Nothing was pushed; the next reconcile looks again.",
            )


def _check_ours(mirror: Path, head: str, branch: str, work: Work) -> None:
    for each in log_range(mirror, f"{head}..{branch}"):
        if INTENT_TRAILER not in each.trailers:
            raise ConflictError(
                f"branch {work.branch} of {work.remote} has a commit of {each.author} ({each.sha[:7]}),"
                " so it is left as it is",
                remedy="Merge the branch or delete it; the next proposal begins anew.",
            )
