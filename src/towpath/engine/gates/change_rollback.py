"""Takes changes of an app without images back: a commit with the app's files as they were verified here."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from towpath.adapters.git import Checkout, earlier_checkout, list_files
from towpath.engine.gates.admission import admit_change
from towpath.engine.gates.changes import ChangedApp, commit_of, is_of
from towpath.engine.source.commits import Committer, push_edits
from towpath.engine.source.keys import load_trusted_keys
from towpath.engine.source.news import change_log, newest_commit
from towpath.engine.source.render import Rendered, render_app
from towpath.engine.source.repository import EnvironmentRepo, last_repository
from towpath.engine.source.verified_changes import signed_changes
from towpath.errors import ConflictError, RefusedError, TransientError, UnknownNameError
from towpath.evidence.trusted_keys import TrustedKeys
from towpath.files import Edits
from towpath.gates.same_change import ChangeFacts
from towpath.release.commit_message import FLOW_RUN_TRAILER, restored_marker, restored_message
from towpath.release.model import Release
from towpath.release.quarantine import find_quarantined
from towpath.release.verified_file import VerifiedChange

NAMED = 20
"""Earlier changes that are named to somebody who asks for one that is not there."""
LOOKED_AT = 200
"""Changes among which this run's own may be."""
SHORTEST = 7
"""Digits of a commit."""


@dataclass(frozen=True, slots=True)
class RestoredChange:
    """A rollback that was committed: the repository after it, and the change that is back.

    `others` are environments whose files it changed, too.
    """

    repo: EnvironmentRepo
    change: Release
    others: tuple[str, ...] = ()


def choose_change(changed: ChangedApp, trusted: TrustedKeys, to: str | None) -> tuple[VerifiedChange, str]:
    """The record that a rollback goes back to, and the commit that had changed the app then.

    `to` is a commit, or its first digits: that change, or the commit at which it was verified. Git alone is
    asked. RefusedError where there is nothing to go back to, UnknownNameError for a commit that changed
    nothing of the app.
    """
    repo, app, environment = changed.repo, changed.app, changed.environment
    if app not in repo.released_apps(environment):
        raise RefusedError(f"{app} is not in {environment}, so there is nothing to go back from")
    now, quarantine = changed.rendered(), repo.quarantine(app)
    for _, record in signed_changes(repo, trusted, app, environment):
        of = change_log(repo, app, environment, 1, at=record.commit)
        change = of[0].sha if of else record.commit
        if to is None:
            if is_of(changed, record, now) or find_quarantined(quarantine, record.manifests):
                continue
        elif len(to) < SHORTEST or not (change.startswith(to) or record.commit.startswith(to)):
            continue
        elif is_of(changed, record, now):
            raise RefusedError(
                f"{environment} has {app} as of {to} already, so there is nothing to go back to"
            )
        return record, change
    if to is None:
        raise RefusedError(f"no earlier verified change of {app} in {environment}", remedy=_remedy(app))
    commits = [each.sha for each in change_log(repo, app, environment, NAMED)]
    if any(len(to) >= SHORTEST and each.startswith(to) for each in commits):
        raise RefusedError(
            f"no commit that the agent of {environment} has signed says that {app} {to[:SHORTEST]} was"
            " verified there",
            remedy=_remedy(app),
        )
    error = UnknownNameError("commit", to, [each[:7] for each in commits], where=f"the history of {app}")
    error.remedy = f"`towpath history {app}` lists its changes."
    raise error


def restore_change(
    by: Committer, repo: EnvironmentRepo, app: str, environment: str, to: str | None
) -> RestoredChange:
    """Commit the app's files as they were, but those of other environments. Raises as `choose_change`.

    RefusedError, too, where they would not render what was verified: then other files have changed as well.
    """
    settings = by.settings
    changed = ChangedApp(repo, environment, app, settings.trusted_keys, settings.tools, settings.renders)
    newest = newest_commit(repo, app, environment)
    if newest and by.flow_run in newest.trailers.get(FLOW_RUN_TRAILER, ()):
        return RestoredChange(repo, commit_of(repo, app, newest.sha))  # this run was here before
    for each in change_log(repo, app, environment, LOOKED_AT):
        if by.flow_run in each.trailers.get(FLOW_RUN_TRAILER, ()):
            raise ConflictError(
                f"this run has changed {app} in {environment} before, in {each.sha[:7]}, and others since",
                remedy="Nothing was changed. Begin another run if that is still wanted.",
            )
    record, change = choose_change(changed, load_trusted_keys(settings.trusted_keys), to)
    verdict = admit_change(
        repo, environment, "change rollback", commit_of(repo, app, change),
        ChangeFacts(record.manifests, verified_here=True),
    )  # fmt: skip
    if verdict.reasons:
        raise RefusedError(
            f"{environment} does not take {app} {change[:7]} back: {'; '.join(verdict.reasons)}"
        )
    edits = _edits(repo, app, environment, record)
    _require_same(changed, record, edits)
    named = (app, environment, change, record.manifests)
    pushed = push_edits(
        settings,
        repo.commit,
        lambda _: edits,
        restored_message(*named, by.actor, by.flow_run),
        marker=restored_marker(app, environment, record.manifests, by.flow_run),
        expected_unchanged=(f"apps/{app}",),
    )
    shared = any(not path.startswith(f"apps/{app}/{environment}/") for path in edits)
    others = [each.name for each in repo.config.environments if each.name != environment]
    found = tuple(name for name in others if shared and app in repo.released_apps(name))
    return RestoredChange(last_repository(settings, pushed), commit_of(repo, app, change), found)


def _edits(repo: EnvironmentRepo, app: str, environment: str, record: VerifiedChange) -> Edits:
    """What makes the app's files those of the record's commit."""
    then = earlier_checkout(repo.checkout, record.commit)
    if then is None:
        raise TransientError(f"commit {record.commit[:7]} was not fetched")
    before, now = (dict(_files(repo, each, app, environment)) for each in (then, repo.checkout))
    edits: dict[str, str | None] = dict.fromkeys(now.keys() - before.keys())
    for path, blob in before.items():
        if now.get(path) != blob:
            edits[path] = _text(then.path, path)
    return edits


def _files(
    repo: EnvironmentRepo, checkout: Checkout, app: str, environment: str
) -> Iterator[tuple[str, str]]:
    """(path, id) of the app's files, without other environments' and quarantines."""
    others = {each.name for each in repo.config.environments} - {environment}
    for path, blob in list_files(checkout, f"apps/{app}"):
        if path.split("/")[2] not in others and path != f"apps/{app}/quarantine.yaml":
            yield path, blob


def _text(root: Path, path: str) -> str:
    file = root / path
    try:
        if any(each.is_symlink() for each in (file, *file.parents) if each.is_relative_to(root)):
            raise RefusedError(f"{path} is a symbolic link, which is not restored")
        return file.read_bytes().decode()
    except UnicodeDecodeError:
        raise RefusedError(f"{path} is no text, which is not restored") from None


def _require_same(changed: ChangedApp, record: VerifiedChange, edits: Edits) -> None:
    repo, app, environment = changed.repo, changed.app, changed.environment
    rendered: Rendered = render_app(
        repo.root, repo.config, app, environment, tools=changed.tools, cache=changed.renders, edits=edits
    )
    if not is_of(changed, record, rendered):
        raise RefusedError(
            f"the files of apps/{app} as of {record.commit[:7]} do not render what was verified then: others"
            " that it is made of, or towpath.yaml, have changed since",
            remedy=_remedy(app),
        )


def _remedy(app: str) -> str:
    return (
        f"Nothing was changed. `git revert` of what changed {app}, merged, is carried out as any change is."
    )
