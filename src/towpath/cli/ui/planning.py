"""What `plan` and `diff` share: whose plan, from which state of the environment repository."""

import os
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from towpath.applyset.plan import Plan
    from towpath.config import Config
    from towpath.engine.reconcile.diff import Comparison
    from towpath.settings import Settings

F = TypeVar("F", bound=Callable[..., Any])


def source_options(function: F) -> F:
    """`--repo DIR` or `--revision REF`; neither: the newest commit of the environment repository's branch."""
    function = click.option(
        "--revision", help="Branch, tag or commit of the environment repository; left out: its branch's head."
    )(function)
    return click.option(
        "--repo",
        type=click.Path(path_type=Path, exists=True, file_okay=False),
        help="Folder of an environment repository as it is, committed or not. Where another controller owns a"
        " field, the commit of the last sync is read from its history too, or fetched.",
    )(function)


def make_plan(
    app: str, environment: str, repo: Path | None, revision: str | None, context: str | None = None
) -> "tuple[Plan, Config]":
    """The plan of one app, also of one that Git has no more, and towpath.yaml. Writes nothing."""
    from towpath.adapters.kubernetes import connect_environment
    from towpath.applyset.prune_file import load_confirmed_deletions
    from towpath.cli.ui.names import of_apps
    from towpath.engine.apply.uninstall import plan_leaving
    from towpath.engine.live.context import renders_fetched
    from towpath.engine.preview.plan import plan_app
    from towpath.engine.source.render import render_app

    settings, root, config = _open(repo, revision, context)
    where = config.environment(environment)
    confirmed = load_confirmed_deletions(root, app, environment)
    if has_left(root, app, environment, app in config.apps):
        with of_apps([app], config, environment):
            cluster = connect_environment(where, settings.connection)
            return plan_leaving(cluster, app, where, confirmed), config
    rendered = render_app(root, config, app, environment, tools=settings.tools, cache=settings.renders)
    cluster = connect_environment(where, settings.connection)
    before = renders_fetched(settings, where, app, repo)
    return plan_app(cluster, rendered, where, confirmed=confirmed, applied_before=before), config


def make_comparisons(
    environment: str | None, repo: Path | None, revision: str | None, context: str | None = None
) -> "list[Comparison]":
    """Compare every released app of one environment or all with `context`'s cluster. Writes nothing."""
    from towpath.adapters.kubernetes import connect_environment
    from towpath.engine.live.context import renders_fetched
    from towpath.engine.reconcile.diff import compare_environment

    settings, root, config = _open(repo, revision, context)
    chosen = config.environments if environment is None else (config.environment(environment),)
    return [
        compare_environment(
            root,
            config,
            each,
            lambda where: connect_environment(where, settings.connection),
            tools=settings.tools,
            cache=settings.renders,
            applied_before=partial(renders_fetched, settings, each, folder=repo),
        )
        for each in chosen
    ]


def load_settings(context: str | None) -> "Settings":
    """The machine's settings; `--context` goes before TOWPATH_CONTEXT."""
    from towpath.settings import Settings

    settings = Settings.load(os.environ)
    return settings if context is None else replace(settings, context=context)


def _open(repo: Path | None, revision: str | None, context: str | None) -> "tuple[Settings, Path, Config]":
    """The environment repository: its folder, and what its towpath.yaml says."""
    from towpath.cli.ui.names import load_environments
    from towpath.config import load_config

    if repo is not None and revision is not None:
        raise click.UsageError("--repo is a folder as it is, --revision a commit: give one of them.")
    settings = load_settings(context)
    if repo is not None:
        return settings, repo, load_config(repo)
    environments = load_environments(settings, revision)
    return settings, environments.checkout.path, environments.config


def has_left(repo: Path, app: str, environment: str, known: bool) -> bool:
    """Whether Git has nothing of the app in the environment but, at most, its confirmed deletions."""
    from towpath.applyset.prune_file import PRUNE_FILE

    if not known:
        # Of a misspelt name nothing was ever live, and the cluster is asked for that.
        return True
    folder = repo / "apps" / app / environment
    return folder.is_dir() and [file.name for file in folder.iterdir()] == [PRUNE_FILE]
