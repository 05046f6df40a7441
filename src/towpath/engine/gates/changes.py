"""Changes of apps without images: what was verified of them, and whether one may enter an environment.

Git is their release: what is merged is synced. With `promote: manifests` a change waits until the same one
was verified in the environment before, which a commit says that this environment's agent has signed.
"""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from towpath.adapters.git import Checkout, CommitInfo, read_commit
from towpath.config import Environment
from towpath.config.keys.graph import needs_text
from towpath.engine.gates.admission import admit_change
from towpath.engine.source.keys import load_trusted_keys
from towpath.engine.source.render import Rendered
from towpath.engine.source.render_changed import render_released
from towpath.engine.source.repository import EnvironmentRepo, earlier_repository
from towpath.engine.source.verified_changes import signed_changes
from towpath.errors import RefusedError, TowpathError
from towpath.evidence.trusted_keys import TrustedKeys
from towpath.gates.same_change import MAX_TOLD, ChangeFacts, unverified_fields
from towpath.gates.ways import Way
from towpath.objects import Manifest
from towpath.release.model import Release, ScanSummary
from towpath.release.quarantine import find_quarantined
from towpath.release.release_file import is_in
from towpath.release.verified_file import VerifiedChange

TRIED = 5
"""Newest records of the environment before that are looked through for how long it has had a change."""


ONCE_VERIFIED = " It comes in by itself when the same change is verified in {}."


@dataclass(frozen=True, slots=True)
class ChangedApp:
    """An app without images in an environment at one commit, and how it is rendered."""

    repo: EnvironmentRepo
    environment: str
    app: str
    trusted_keys: Path | None = None
    tools: Path | None = None
    renders: Path | None = None

    def rendered(self, record: VerifiedChange | None = None) -> Rendered:
        """What Git wants of it here; with a record, what was verified then and there."""
        repo, place = self._at(record)
        return render_released(repo, place, self.app, tools=self.tools, cache=self.renders).rendered

    def namespaces(self, record: VerifiedChange) -> dict[str, str]:
        """The namespaces of the other environment, as they were then, and what each is called here.

        Where several have one name there, the app's own goes before those of other apps.
        """
        (_, here), (_, there) = self._at(None), self._at(record)
        found = {there.namespace: here.namespace}
        for app in self.repo.config.apps:
            theirs, ours = there.namespace_of(app), here.namespace_of(app)
            if theirs != there.namespace and ours != here.namespace:
                found[theirs] = ours
        return found | {there.namespace_of(self.app): here.namespace_of(self.app)}

    def _at(self, record: VerifiedChange | None) -> tuple[EnvironmentRepo, Environment]:
        repo, environment = self.repo, self.environment
        if record is not None:
            earlier = earlier_repository(repo, record.commit)
            if earlier is None:
                raise RefusedError(f"commit {record.commit[:7]} is not in the repository any more")
            repo, environment = earlier, record.environment
        return repo, repo.config.environment(environment)


def require_change(changed: ChangedApp) -> None:
    """RefusedError when what Git has of the app may not enter the environment."""
    app, environment, repo = changed.app, changed.environment, changed.repo
    rendered = changed.rendered()
    manifests = rendered.recorded_digest(None)
    needs = repo.config.needs(environment, app)
    asks = repo.config.app(app).promote == "manifests" and bool(needs)
    change = ChangeFacts(manifests)
    if asks:
        trusted = load_trusted_keys(changed.trusted_keys)
        here = [record for _, record in signed_changes(repo, trusted, app, environment)]
        asks = not any(is_of(changed, record, rendered) for record in here)
        change = _facts(changed, trusted, rendered, here) if asks else change
    way: Way = "verified change" if asks else "change"
    verdict = admit_change(repo, environment, way, commit_of(repo, app), change)
    if verdict.reasons:
        raise RefusedError(
            f"{environment} holds {app}: {'; '.join(verdict.reasons)}",
            remedy="Nothing was changed." + (ONCE_VERIFIED.format(needs_text(needs)) if asks else ""),
        )


def _facts(
    changed: ChangedApp, trusted: TrustedKeys, rendered: Rendered, here: Iterable[VerifiedChange]
) -> ChangeFacts:
    """Since when the change is verified in the environments before, or why it is not."""
    known, since, why_not = _objects(changed, here), list[str](), list[str]()
    for group in changed.repo.config.needs(changed.environment, changed.app):
        found = {before: _verified_in(changed, trusted, rendered, known, before) for before in group}
        if times := [at for at, _ in found.values() if at]:
            since.append(min(times))
        elif len(found) == 1:
            why_not += [why for _, why in found.values()]
        else:
            why_not += [f"{before}: {why}" for before, (_, why) in found.items()]
    return ChangeFacts(
        rendered.recorded_digest(None),
        verified_at="" if why_not else max(since, default=""),
        unverified="; ".join(why_not),
    )


def _verified_in(
    changed: ChangedApp, trusted: TrustedKeys, rendered: Rendered, known: Sequence[Manifest], before: str
) -> tuple[str, str]:
    """Since when the change is verified in another environment, and why it is not."""
    repo = changed.repo
    why = f"no commit that the agent of {before} has signed says that anything of it was verified there"
    if not is_in(repo.root, changed.app, before, released=False):
        why = f"there is no folder apps/{changed.app}/{before}"
    verified_at = ""
    for _, record in itertools.islice(signed_changes(repo, trusted, changed.app, before), TRIED):
        missing = _missing(changed, record, known, rendered)
        if missing:  # what was taken back there counts no more
            why = f"what was verified there at {record.commit[:7]} {missing}"
            break
        verified_at = record.verified_at
    return verified_at, "" if verified_at else why


def _missing(
    changed: ChangedApp, record: VerifiedChange, before: Sequence[Manifest], rendered: Rendered
) -> str:
    """What of the change a record of the other environment does not have; empty: nothing."""
    if find_quarantined(changed.repo.quarantine(changed.app), record.manifests):
        return "is quarantined"
    try:
        theirs = changed.rendered(record)
        _require_recorded(theirs, record)
    except TowpathError as error:
        return f"cannot be compared: {error.message}"
    fields = [*unverified_fields(before, _all(rendered), _all(theirs), changed.namespaces(record))]
    more = f" and {len(fields) - MAX_TOLD} more" if len(fields) > MAX_TOLD else ""
    return f"does not have {', '.join(fields[:MAX_TOLD])}{more}" if fields else ""


def _objects(changed: ChangedApp, here: Iterable[VerifiedChange]) -> tuple[Manifest, ...]:
    """What was verified here last; nothing where that was never, or cannot be rendered any more."""
    for record in here:
        try:
            return _all(changed.rendered(record))
        except TowpathError:
            continue
    return ()


def is_of(changed: ChangedApp, record: VerifiedChange, rendered: Rendered) -> bool:
    """Whether a record is of these manifests. Values of secrets are not in its hash, so they are compared."""
    if record.manifests != rendered.recorded_digest(None):
        return False
    if not rendered.holds_values:
        return True
    try:
        return changed.rendered(record).digest == rendered.digest
    except TowpathError:
        return False


def _require_recorded(rendered: Rendered, record: VerifiedChange) -> None:
    if rendered.recorded_digest(None) != record.manifests:
        raise RefusedError("it renders otherwise here than it did there")


def _all(rendered: Rendered) -> tuple[Manifest, ...]:
    return (*rendered.objects, *rendered.hooks)


def commit_of(repo: EnvironmentRepo, app: str, at: str | None = None) -> Release:
    """A commit, for those who speak of releases: nothing is built, and there is no digest."""
    commit = _commit(repo.checkout, at or repo.checkout.commit)
    return Release(
        app=app,
        images=(),
        commit=commit.sha,
        source="",
        subject=commit.subject,
        author=f"{commit.author} <{commit.author_email}>",
        built_at=commit.committed_at,
        scan=ScanSummary("not-scanned", ()),
        flow_run="",
    )


@lru_cache(maxsize=8)
def _commit(checkout: Checkout, commit: str) -> CommitInfo:
    """Read once for all apps of a run; a commit never changes."""
    return read_commit(checkout, commit)
