"""What of apps without images was verified where: records in Git, which count as agents have signed them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from towpath.adapters.git import CommitInfo, judge_commits, log, read_file_at
from towpath.engine.source.commits import Committer, push_edits
from towpath.engine.source.news import change_log, sources_id
from towpath.engine.source.render import Rendered
from towpath.engine.source.repository import EnvironmentRepo
from towpath.errors import ConfigError
from towpath.evidence.trusted_keys import TrustedKeys
from towpath.files import Edits
from towpath.printable import pluralize
from towpath.release.commit_message import changes_marker, changes_message
from towpath.release.verified_file import (
    VerifiedChange,
    dump_verified,
    load_verified,
    parse_verified,
    verified_path,
)

LIMIT = 100
"""Commits of one record that are read."""
NEWEST = 4
"""Commits that are read first: mostly one of them tells what is asked."""


@dataclass(frozen=True, slots=True)
class Change:
    """A commit that changed an app in an environment, and the record that it was verified there, if any."""

    environment: str
    commit: CommitInfo
    verified: VerifiedChange | None = None

    @property
    def committed_at(self) -> str:
        """When it was committed."""
        return self.commit.committed_at

    def to_json(self) -> dict[str, Any]:
        """Plain JSON data. `verified_commit` is the commit that was rendered when it was verified."""
        return {
            "environment": self.environment,
            "what": "merged",
            "commit": self.commit.sha,
            "committed_at": self.committed_at,
            "author": self.commit.author,
            "subject": self.commit.subject,
            "manifests": self.verified.manifests if self.verified else None,
            "verified_at": self.verified.verified_at if self.verified else None,
            "verified_commit": self.verified.commit if self.verified else None,
        }


def signed_changes(
    repo: EnvironmentRepo, trusted: TrustedKeys, app: str, environment: str
) -> Iterator[tuple[CommitInfo, VerifiedChange]]:
    """What the environment's agent has signed as verified there, newest first.

    Its signature on a commit counts for the files of its own environment, and nothing else about it counts.
    """
    told: set[str] = set()
    for limit in (NEWEST, LIMIT):
        commits = log(repo.checkout, (verified_path(app, environment),), limit)
        yield from _judged(repo, trusted, app, environment, [c for c in commits if c.sha not in told])
        if len(commits) < limit:
            return
        told = {commit.sha for commit in commits}


def _judged(
    repo: EnvironmentRepo, trusted: TrustedKeys, app: str, environment: str, commits: Sequence[CommitInfo]
) -> Iterator[tuple[CommitInfo, VerifiedChange]]:
    shas = [commit.sha for commit in commits]
    verdicts = judge_commits(repo.checkout.mirror, shas, trusted, (environment,))
    records = _records(repo, app, environment, commits)
    for verdict, (commit, record) in zip(verdicts, records, strict=True):
        if verdict.trusted and record is not None:
            yield commit, record


def _records(
    repo: EnvironmentRepo, app: str, environment: str, commits: Sequence[CommitInfo]
) -> Iterator[tuple[CommitInfo, VerifiedChange | None]]:
    path = verified_path(app, environment)
    texts = read_file_at(repo.checkout, path, (commit.sha for commit in commits))
    for commit, text in zip(commits, texts, strict=True):
        try:
            record = parse_verified(text, path) if text else None
        except ConfigError:  # somebody broke it: others may be sound
            record = None
        ours = record is not None and (record.app, record.environment) == (app, environment)
        yield commit, record if ours else None


def verified_now(repo: EnvironmentRepo, app: str, environment: str) -> VerifiedChange | None:
    """The record in Git, where no file of the app was changed since; whether it is signed is not asked."""
    record = load_verified(repo.root, app, environment)
    is_current = record is not None and record.sources == sources_id(repo, app, environment)
    return record if is_current else None


def change_of(
    repo: EnvironmentRepo, rendered: Rendered, environment: str, at: str, flow_run: str
) -> VerifiedChange:
    """The record that what was rendered is verified now."""
    return VerifiedChange(
        app=rendered.app,
        environment=environment,
        commit=repo.commit,
        manifests=rendered.recorded_digest(None),
        sources=sources_id(repo, rendered.app, environment),
        verified_at=at,
        flow_run=flow_run,
    )


def change_history(repo: EnvironmentRepo, app: str, environment: str, limit: int) -> tuple[Change, ...]:
    """The commits that changed an app there, newest first, each with its record; signatures are not asked."""
    changes = change_log(repo, app, environment, limit)
    commits = log(repo.checkout, (verified_path(app, environment),), limit)
    records: dict[str, VerifiedChange] = {}
    for _, record in _records(repo, app, environment, commits):
        if record is not None and (of := change_log(repo, app, environment, 1, at=record.commit)):
            records.setdefault(of[0].sha, record)
    return tuple(Change(environment, each, records.get(each.sha)) for each in changes)


def commit_changes(by: Committer, repo: EnvironmentRepo, changes: Sequence[VerifiedChange]) -> str:
    """Sign that these were verified, in one commit; nothing is committed where Git says all of it already."""
    environment, apps = changes[0].environment, [each.app for each in changes]

    def edits(_root: Path) -> Edits:
        return {verified_path(each.app, environment): dump_verified(each) for each in changes}

    what = apps[0] if len(apps) == 1 else pluralize(len(apps), "app")
    named = (environment, repo.commit, apps, by.flow_run)
    return push_edits(
        by.settings,
        repo.commit,
        edits,
        changes_message(what, *named),
        marker=changes_marker(*named),
    )
