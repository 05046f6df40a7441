"""How an app leaves: what is live of it in every environment, and the one commit that takes it out of Git.

The rules of deletion stay: what Git has no more is deleted only when a commit confirms it, object by object,
with the uid that was shown.
"""

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from towpath.adapters.git import commit_files
from towpath.applyset.plan import Plan
from towpath.applyset.prune_file import ConfirmedDeletions, dump_prune_file, prune_path
from towpath.config import CONFIG_FILE, Config, parse_config
from towpath.engine.apply.uninstall import plan_leaving
from towpath.engine.live.context import EnvironmentContext
from towpath.engine.source.render import render_app
from towpath.engine.source.repository import EnvironmentRepo
from towpath.errors import ConfigError, MissingPartError, RefusedError, TowpathError, UnknownNameError
from towpath.files import Edits, read_text
from towpath.release.commit_message import format_message
from towpath.release.verified_file import verified_path
from towpath.settings import GIT_TIMEOUT, Settings
from towpath.yamltext.config_reader import read_document
from towpath.yamltext.editor import remove_value, set_value

TRAILER = "Towpath-Deleted-App"


@dataclass(frozen=True, slots=True)
class Leaving:
    """What is live of the app in one environment; `plan` is None where nothing is."""

    environment: str
    plan: Plan | None

    @property
    def deletions(self) -> dict[Any, str]:
        """Object -> uid, of what a confirmation deletes."""
        entries = self.plan.entries if self.plan else ()
        return {entry.ref: entry.uid for entry in entries if entry.action == "delete"}

    @property
    def kept(self) -> dict[Any, str]:
        """Object -> why it stays even so."""
        entries = self.plan.entries if self.plan else ()
        return {entry.ref: entry.reason for entry in entries if entry.action == "skip"}

    def to_json(self) -> dict[str, Any]:
        """For `--output json`."""
        return {
            "environment": self.environment,
            "delete": [{**ref.to_json(), "uid": uid} for ref, uid in self.deletions.items()],
            "keep": [{**ref.to_json(), "reason": reason} for ref, reason in self.kept.items()],
        }


def plan_deletion(context: EnvironmentContext, app: str) -> Leaving:
    """What is live of the app there. Writes nothing. Raises what its cluster or its inventory refuses."""
    name = context.environment.name
    try:
        return Leaving(name, plan_leaving(context.cluster, app, context.environment, {}))
    except UnknownNameError:
        return Leaving(name, None)


def deletion_edits(
    root: Path, app: str, confirmed: Mapping[str, ConfirmedDeletions], reason: str
) -> dict[str, str | None]:
    """The app's files are deleted, towpath.yaml has it no more, and `prune.yaml` files confirm deletions.

    `confirmed` is by environment; an earlier `prune.yaml` is kept where it has none. Raises ConfigError when
    towpath.yaml would not be valid without the app, RefusedError for a symbolic link among the files.
    """
    text = read_text(root, CONFIG_FILE, encoding="utf-8")
    if text is None:
        raise ConfigError("there is no such file", file=CONFIG_FILE)
    without = _without_app(text, app)
    config = parse_config(without)
    files = sorted(_files(root, app))
    if links := [path for path in files if (root / path).is_symlink()]:
        raise RefusedError(
            f"{links[0]} is a symbolic link, which is not touched",
            remedy="Remove it by a commit of your own first. Nothing was changed.",
        )
    edits: dict[str, str | None] = {CONFIG_FILE: without, **dict.fromkeys(files)}
    for environment in (each.name for each in config.environments):
        path = prune_path(app, environment)
        if objects := confirmed.get(environment):
            edits[path] = dump_prune_file(objects.items(), config.api_version, reason)
        else:
            edits.pop(path, None)
        if (root / verified_path(app, environment)).is_file():
            edits[verified_path(app, environment)] = None
    return edits


def require_not_needed(repo: EnvironmentRepo, app: str, edits: Edits, settings: Settings) -> None:
    """RefusedError when another app cannot be rendered without the files of this one."""
    config = parse_config(str(edits[CONFIG_FILE]))
    for other in _apps_naming(repo.root, config, app):
        for environment in config.environments:
            if other not in repo.released_apps(environment.name):
                continue
            render = partial(
                render_app, repo.root, app=other, environment=environment.name, tools=settings.tools,
                cache=settings.renders,
            )  # fmt: skip
            try:
                render(repo.config)
            except TowpathError:
                continue  # it is broken already
            try:
                render(config, edits=edits)
            except MissingPartError:
                raise
            except TowpathError as error:
                raise RefusedError(
                    f"{other} in {environment.name} cannot be rendered without {app}: {error.message}",
                    remedy=f"Let {other} have a base of its own first. Nothing was changed.",
                ) from error


def commit_deletion(  # noqa: PLR0913
    repo: EnvironmentRepo,
    settings: Settings,
    app: str,
    confirmed: Mapping[str, ConfirmedDeletions],
    *,
    by: str,
    reason: str,
) -> str:
    """Push the one commit; its id. ConflictError when somebody changed the app's files meanwhile."""
    marker = TRAILER, f"{app}-{uuid.uuid4().hex[:16]}"
    trailers = [("Towpath-App", app), ("Towpath-Deleted-By", by), marker]
    return commit_files(
        settings.environments_url(),
        settings.branch,
        repo.commit,
        lambda root: deletion_edits(root, app, confirmed, reason),
        format_message(f"Delete app {app}", reason, trailers),
        author=by,
        cache=settings.cache,
        marker=marker,
        allow_file=settings.git_allow_file,
        timeout=GIT_TIMEOUT,
    )


def _without_app(text: str, app: str) -> str:
    data = read_document(text, CONFIG_FILE).data
    paths: list[tuple[str | int, ...]] = [("apps", app)]
    for index, environment in enumerate(data.get("environments") or ()):
        if app in (environment.get("apps") or {}):
            paths.append(("environments", index, "apps", app))
    for path in paths:
        parent: Any = data
        for step in path[:-1]:
            parent = parent[step]
        # A mapping without keys would be null.
        whole = len(parent) == 1
        text = set_value(text, CONFIG_FILE, path[:-1], {}) if whole else remove_value(text, CONFIG_FILE, path)
    return text


def _files(root: Path, app: str) -> Iterator[str]:
    """Every file of the app's folder; a link is one, whatever it leads to."""
    folder = root / "apps" / app
    if folder.is_symlink():
        yield f"apps/{app}"
        return
    pending = [folder] if folder.is_dir() else []
    while pending:
        for path in pending.pop().iterdir():
            if path.is_dir() and not path.is_symlink():
                pending.append(path)
            else:
                yield path.relative_to(root).as_posix()


def _apps_naming(root: Path, config: Config, app: str) -> Iterator[str]:
    """Apps with a file that may lead to the app's folder."""
    for other in config.apps:
        for path in _files(root, other):
            try:
                text = read_text(root, path) or ""
            except ConfigError:
                continue
            if f"../{app}" in text:
                yield other
                break
