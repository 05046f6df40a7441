"""What was released where, by whom and when: read from Git alone, from the changes of each `release.yaml`."""

import dataclasses
import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from towpath.adapters.git import (
    Checkout,
    CommitInfo,
    commits_after,
    fetch_checkout,
    file_history,
    judge_commits,
    keep_open,
    read_file_at,
)
from towpath.errors import ConfigError
from towpath.files import read_text
from towpath.formats.outline import read_outline
from towpath.formats.versions import CONFIG, LATEST
from towpath.release.codec import encode_state
from towpath.release.model import EnvironmentRelease, Release
from towpath.release.quarantine import QuarantineEntry, find_quarantined, load_quarantine, quarantine_path
from towpath.release.release_file import parse_release_file, release_path
from towpath.settings import GIT_TIMEOUT, Settings

if TYPE_CHECKING:
    from towpath.config import Config
    from towpath.engine.source.repository import EnvironmentRepo
    from towpath.evidence.trusted_keys import TrustedKeys

LIMIT = 200
"""Commits of one `release.yaml` that are read."""
NEWEST = 4
"""Commits that are read first: mostly one of them tells what is asked."""
EARLIER_LIMIT = 100
"""Commits of one `release.yaml` that are searched for an earlier release."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One release's time in one environment. `quarantined` is the reason."""

    environment: str
    state: EnvironmentRelease
    commit: str
    committed_at: str
    rolled_back_at: str | None = None
    quarantined: str | None = None

    @property
    def release(self) -> Release:
        """The release itself."""
        return self.state.release

    @property
    def what(self) -> str:
        """`promoted` or `rolled back to`, and whose override let it in."""
        override = f" (override of {self.state.override.by})" if self.state.override else ""
        return ("rolled back to" if self.state.rolls_back else "promoted") + override

    def to_json(self) -> dict[str, Any]:
        """Plain JSON data: as release.yaml, with the id of the release, and `image` and `digest` of one."""
        state = encode_state(self.state, LATEST)
        one = self.release.images[0] if len(self.release.images) == 1 else None
        named = {"image": one.image, "digest": one.digest} if one else {}
        state["release"] = {"id": self.release.id, **state["release"], **named}
        fields = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return {**fields, "state": state, "what": self.what}


def release_history(
    checkout: Checkout, config: "Config", app: str, environment: str, *, limit: int = LIMIT
) -> tuple[Entry, ...]:
    """The releases of `app` in `environment`, newest first. One that was broken is skipped."""
    config.app(app)
    config.environment(environment)
    return _releases(checkout, app, environment, limit)


def outlined_history(settings: Settings, app: str, environment: str | None) -> tuple[Entry, ...] | None:
    """As release_history, of one environment or all, by the names in `towpath.yaml` alone.

    None where the whole file must be read: the app has no images, or a name or the file itself is not as it
    should be.
    """
    checkout = fetch_checkout(
        settings.environments_url(),
        settings.branch,
        settings.cache,
        allow_file=settings.git_allow_file,
        timeout=GIT_TIMEOUT,
    )
    outline = read_outline(read_text(checkout.path, CONFIG) or "")
    if outline is None or not outline.apps.get(app):
        return None
    if environment is not None and environment not in outline.environments:
        return None
    names = outline.environments if environment is None else (environment,)
    return tuple(entry for name in names for entry in _releases(checkout, app, name, LIMIT))


def _releases(checkout: Checkout, app: str, environment: str, limit: int) -> tuple[Entry, ...]:
    states = releases_at(checkout, release_path(app, environment), limit)
    return entries_of(environment, reversed([*states]), load_quarantine(checkout.path, quarantine_path(app)))


def earlier_releases(
    repo: "EnvironmentRepo", trusted: "TrustedKeys", app: str, environment: str, current: str
) -> Iterator[EnvironmentRelease]:
    """The releases that were verified there before, newest first, without the `current` one.

    That they were verified, a commit says that the environment's agent has signed.
    """
    seen = {current}
    for state in signed_states(repo.checkout, trusted, app, environment, limit=EARLIER_LIMIT):
        release = state.release.id
        if state.verified_at and release not in seen:
            seen.add(release)
            yield state


def signed_states(
    checkout: Checkout, trusted: "TrustedKeys", app: str, environment: str, *, limit: int = LIMIT
) -> Iterator[EnvironmentRelease]:
    """What the environment's agent has written as the release there, newest first."""
    return (state for _, state in signed_commits(checkout, trusted, app, environment, limit=limit))


def signed_commits(  # noqa: PLR0913
    checkout: Checkout,
    trusted: "TrustedKeys",
    app: str,
    environment: str,
    *,
    limit: int = LIMIT,
    commits: Sequence[CommitInfo] | None = None,
) -> Iterator[tuple[CommitInfo, EnvironmentRelease]]:
    """The commits by which the environment's agent has written the release there, newest first.

    Its signature on a commit counts for the files of its own environment, and nothing else about a commit
    counts: not its author, not its trailers. `commits` are those to look at, if they are known.
    """
    if commits is not None:
        yield from _judged(checkout, trusted, app, environment, limit, commits)
        return
    newest = _remembered(checkout, trusted, app, environment, min(limit, NEWEST))
    yield from newest
    if limit > NEWEST:
        known = {commit.sha for commit, _ in newest}
        more = _remembered(checkout, trusted, app, environment, limit)
        yield from (each for each in more if each[0].sha not in known)


@lru_cache(maxsize=256)
def _remembered(
    checkout: Checkout, trusted: "TrustedKeys", app: str, environment: str, limit: int
) -> tuple[tuple[CommitInfo, EnvironmentRelease], ...]:
    """Read and verified once in this process: what a commit's history says, and by these keys, stays so."""
    with keep_open(checkout.mirror):
        return tuple(_judged(checkout, trusted, app, environment, limit, None))


def _judged(  # noqa: PLR0913, PLR0917
    checkout: Checkout,
    trusted: "TrustedKeys",
    app: str,
    environment: str,
    limit: int,
    commits: Sequence[CommitInfo] | None,
) -> Iterator[tuple[CommitInfo, EnvironmentRelease]]:
    path = release_path(app, environment)
    told, judged = itertools.tee(releases_at(checkout, path, limit, commits=commits))
    asked = (commit.sha for commit, _ in judged)
    verdicts = judge_commits(checkout.mirror, asked, trusted, (environment,))
    for (commit, state), verdict in zip(told, verdicts, strict=False):
        if verdict.trusted and state.release.app == app:
            yield commit, state


def forget_proofs() -> None:
    """Read and verify everything again: for those who measure."""
    _remembered.cache_clear()


def is_last_word(checkout: Checkout, trusted: "TrustedKeys", app: str, environment: str, commit: str) -> bool:
    """Whether the environment's agent has written no release there after `commit`, on no side of a merge.

    Whoever merges chooses which side's file stays, also an old one. False where there are too many commits.
    """
    later = commits_after(checkout, commit, release_path(app, environment), LIMIT)
    verdicts = judge_commits(checkout.mirror, later, trusted, (environment,))
    return len(later) < LIMIT and not any(verdict.trusted for verdict in verdicts)


def releases_at(
    checkout: Checkout, path: str, limit: int, *, commits: Sequence[CommitInfo] | None = None
) -> Iterator[tuple[CommitInfo, EnvironmentRelease]]:
    """The release file at `path` after each of the newest `limit` commits that touch it, newest first.

    Without those commits in which there is none, or somebody broke it: others may be sound. `commits` are
    those that touch it, if they are known.
    """
    if commits is None:
        told = file_history(checkout, path, limit)
    else:
        told = zip(commits, read_file_at(checkout, path, (commit.sha for commit in commits)), strict=True)
    for commit, text in told:
        try:
            state = parse_release_file(text, path) if text else None
        except ConfigError:
            continue
        if state is not None:
            yield commit, state


def is_named(state: EnvironmentRelease, name: str) -> bool:
    """Whether `name` means this release: its id, an image's digest, its commit, or 7 first digits of one."""
    release, short = state.release, name.removeprefix("sha256:")
    names = (release.id, release.commit, *(each.digest for each in release.images))
    return len(short) >= 7 and any(each.removeprefix("sha256:").startswith(short) for each in names)


def entries_of(
    environment: str,
    states: Iterable[tuple[CommitInfo, EnvironmentRelease]],
    quarantine: Sequence[QuarantineEntry] = (),
) -> tuple[Entry, ...]:
    """Entries, newest first, of what `release.yaml` said after each commit, oldest first."""
    entries: list[Entry] = []
    for commit, state in states:
        last = entries[-1] if entries else None
        if last is not None and _same(last.state, state):
            # The small commit that says that it was verified.
            entries[-1] = replace(last, state=state)
            continue
        if last is not None and state.rolls_back == last.release.id:
            entries[-1] = replace(last, rolled_back_at=commit.committed_at)
        entries.append(Entry(environment, state, commit.sha, commit.committed_at))
    return tuple(
        replace(entry, quarantined=found.reason)
        if (found := find_quarantined(quarantine, *entry.release.quarantine_ids))
        else entry
        for entry in reversed(entries)
    )


def _same(one: EnvironmentRelease, other: EnvironmentRelease) -> bool:
    return replace(one, verified_at=None) == replace(other, verified_at=None)
