"""Where a run works: one environment at one commit, and an open connection to its cluster."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from towpath.adapters.kubernetes import Cluster, shared_connection
from towpath.config import Environment
from towpath.engine.gates.merged import InGit
from towpath.engine.source.render import EarlierApp, Rendered
from towpath.engine.source.render_changed import render_released
from towpath.engine.source.repository import (
    EnvironmentRepo,
    earlier_repository,
    folder_repository,
    last_repository,
    read_repository,
)
from towpath.errors import TowpathError
from towpath.settings import Settings

Tell = Callable[[str], None]
"""Takes one line for people who follow the work."""


@dataclass(frozen=True, slots=True)
class EnvironmentContext:
    """Value object; its connection is cached per process."""

    cluster: Cluster
    repo: EnvironmentRepo
    environment: Environment
    tools: Path | None = None
    renders: Path | None = None
    trusted_keys: Path | None = None
    """The file of the public keys that are trusted."""

    @property
    def in_git(self) -> InGit:
        """What of it is asked whether a release may come in: nothing of the cluster."""
        return InGit(self.repo, self.environment.name, self.trusted_keys, self.tools, self.renders)

    def __repr__(self) -> str:
        return f"{self.environment.name} at {self.repo.commit[:7]}"


def open_context(settings: Settings, environment: str, revision: str | None = None) -> EnvironmentContext:
    """The environment at the newest commit of the branch, fetched now, or at `revision`.

    Raises UnknownNameError for an environment that towpath.yaml does not name, MissingPartError without
    credentials for its cluster, TransientError when Git does not answer.
    """
    return environment_context(settings, read_repository(settings, revision), environment)


def last_context(settings: Settings, environment: str, revision: str | None = None) -> EnvironmentContext:
    """The environment at the newest commit that was fetched or pushed before, or at `revision`.

    Git is not asked. Raises UnknownNameError for a commit that was never fetched.
    """
    return environment_context(settings, last_repository(settings, revision), environment)


def render_app(context: EnvironmentContext, app: str) -> Rendered:
    """What Git says about an app there, rendered and admitted; remembered for this process by commit."""
    return render_released(
        context.repo, context.environment, app, tools=context.tools, cache=context.renders
    ).rendered


def renders_before(context: EnvironmentContext, app: str) -> Callable[[str], EarlierApp | None]:
    """Renders the app as it was at an earlier commit; None when that is not known."""

    def render(commit: str) -> EarlierApp | None:
        repo = earlier_repository(context.repo, commit)
        if repo is None:
            return None
        environment = repo.config.environment(context.environment.name)
        return EarlierApp(render_app(replace(context, repo=repo, environment=environment), app), environment)

    return render


def renders_fetched(
    settings: Settings, environment: Environment, app: str, folder: Path | None = None
) -> Callable[[str], EarlierApp | None]:
    """As renders_before, for who works without a context: from the Git repository of `folder`, if there.

    Else from what was fetched, or is fetched now. Raises TowpathError where nobody has the commit.
    """

    def render(commit: str) -> EarlierApp | None:
        repo = _repository_at(settings, commit, folder)
        then = repo.config.environment(environment.name)
        result = render_released(repo, then, app, tools=settings.tools, cache=settings.renders)
        return EarlierApp(result.rendered, then)

    return render


def _repository_at(settings: Settings, commit: str, folder: Path | None) -> EnvironmentRepo:
    if folder is not None:
        with suppress(TowpathError):  # no Git repository, or a shallow one
            return folder_repository(folder, commit, settings.cache)
    return read_repository(settings, commit)


def environment_context(settings: Settings, repo: EnvironmentRepo, environment: str) -> EnvironmentContext:
    """The environment at a commit that was read before."""
    config = repo.config.environment(environment)
    cluster = shared_connection(config, settings.connection)
    return EnvironmentContext(cluster, repo, config, settings.tools, settings.renders, settings.trusted_keys)
