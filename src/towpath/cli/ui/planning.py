"""What `plan` and `diff` share: whose plan, from which state of the environment repository."""

import os
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click

from towpath.errors import TowpathError

if TYPE_CHECKING:
    from towpath.applyset.plan import Plan
    from towpath.applyset.prune_file import ConfirmedDeletions
    from towpath.cli.ui.published import Against
    from towpath.config import Config, Environment
    from towpath.drift.published import PublishedState
    from towpath.engine.preview.published_plan import Before
    from towpath.engine.reconcile.diff import Comparison
    from towpath.engine.source.render import Rendered
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


class PlanMade(NamedTuple):
    """A plan, towpath.yaml, what the plan was compared with, and the apps that must be healthy before."""

    plan: "Plan"
    config: "Config"
    against: "Against"
    depends_on: tuple[str, ...]


class ComparisonMade(NamedTuple):
    """An environment compared, and with what."""

    comparison: "Comparison"
    against: "Against"


def make_plan(
    app: str, environment: str, repo: Path | None, revision: str | None, context: str | None = None
) -> PlanMade:
    """The plan of one app, also of one that Git has no more. Writes nothing.

    Where this machine names no cluster, Git is compared with what the environment's agent last published.
    """
    from towpath.applyset.prune_file import load_confirmed_deletions
    from towpath.cli.ui.names import of_apps
    from towpath.cli.ui.published import against
    from towpath.engine.live.context import renders_fetched
    from towpath.engine.source.dependencies import dependencies
    from towpath.engine.source.render import render_app

    settings, root, config, _ = open_source(repo, revision, context)
    where = config.environment(environment)
    confirmed = load_confirmed_deletions(root, app, environment)
    rendered, tools, needs = None, settings.tools, dependencies(root, config, app, environment)
    if not (leaves := has_left(root, app, environment, app in config.apps)):
        rendered = render_app(root, config, app, environment, tools=tools, cache=settings.renders)
    before = renders_fetched(settings, where, app, repo)
    with of_apps([app] if leaves else [], config, environment):
        other = against(settings, environment)
        if other.published is None:
            plan = _plan_on_cluster(settings, where, app, rendered, confirmed, before)
            return PlanMade(plan, config, other, needs)
        plan, note = _plan_published(other.published.state, where, app, rendered, confirmed, before)
        return PlanMade(plan, config, other.with_notes(note), needs)


def _plan_on_cluster(  # noqa: PLR0913, PLR0917
    settings: "Settings",
    environment: "Environment",
    app: str,
    rendered: "Rendered | None",
    confirmed: "ConfirmedDeletions",
    before: "Before",
) -> "Plan":
    from towpath.adapters.kubernetes import connect_environment
    from towpath.engine.apply.uninstall import plan_leaving
    from towpath.engine.preview.plan import plan_app

    cluster = connect_environment(environment, settings.connection)
    if rendered is None:
        return plan_leaving(cluster, app, environment, confirmed)
    return plan_app(cluster, rendered, environment, confirmed=confirmed, applied_before=before)


def _plan_published(  # noqa: PLR0913, PLR0917
    state: "PublishedState",
    environment: "Environment",
    app: str,
    rendered: "Rendered | None",
    confirmed: "ConfirmedDeletions",
    before: "Before",
) -> "tuple[Plan, str]":
    from towpath.engine.preview.published_plan import plan_from_published, plan_leaving_from_published
    from towpath.engine.reconcile.diff_published import NOT_PUBLISHED

    known = state.apps.get(app)
    if rendered is None:
        return plan_leaving_from_published(app, environment, known, before, confirmed)
    return plan_from_published(rendered, environment, known or NOT_PUBLISHED, before, confirmed)


def plan_as_comparison(
    app: str, environment: str, repo: Path | None, revision: str | None, context: str | None = None
) -> ComparisonMade:
    """The plan of one app as that of an environment with nothing else; an error is one of its problems."""
    from towpath.cli.ui.published import CLUSTER
    from towpath.engine.reconcile.diff import Comparison
    from towpath.errors import UnknownNameError

    try:
        plan, _, other, _ = make_plan(app, environment, repo, revision, context)
    except UnknownNameError:
        raise
    except TowpathError as error:
        return ComparisonMade(Comparison(environment, (), {app: str(error)}), CLUSTER)
    return ComparisonMade(Comparison(environment, (plan,)), other)


def make_comparisons(
    environment: str | None, repo: Path | None, revision: str | None, context: str | None = None
) -> list[ComparisonMade]:
    """Compare every released app of one environment or all. Writes nothing.

    With `context`'s cluster; where this machine names none, with what each environment's agent published.
    """
    settings, root, config, _ = open_source(repo, revision, context)
    chosen = config.environments if environment is None else (config.environment(environment),)
    return [_compare(settings, root, config, each, repo) for each in chosen]


def _compare(
    settings: "Settings", root: Path, config: "Config", environment: "Environment", repo: Path | None
) -> ComparisonMade:
    from towpath.adapters.kubernetes import connect_environment
    from towpath.cli.ui.published import CLUSTER, against
    from towpath.engine.live.context import renders_fetched
    from towpath.engine.reconcile.diff import Comparison, compare_environment
    from towpath.engine.reconcile.diff_published import compare_with_published

    before = partial(renders_fetched, settings, environment, folder=repo)
    programs = {"tools": settings.tools, "cache": settings.renders}
    try:
        other = against(settings, environment.name)
    except TowpathError as error:  # others may have been published
        return ComparisonMade(Comparison(environment.name, (), {"": str(error)}), CLUSTER)
    if other.published:
        state = other.published.state
        found, notes = compare_with_published(root, config, environment, state, before, **programs)
        return ComparisonMade(found, other.with_notes(*notes))
    found = compare_environment(
        root,
        config,
        environment,
        lambda where: connect_environment(where, settings.connection),
        applied_before=before,
        **programs,
    )
    return ComparisonMade(found, other)


def load_settings(context: str | None) -> "Settings":
    """The machine's settings; `--context` goes before TOWPATH_CONTEXT."""
    from towpath.settings import Settings

    settings = Settings.load(os.environ)
    return settings if context is None else replace(settings, context=context)


class Source(NamedTuple):
    """The environment repository: its folder, and what its towpath.yaml says. A folder has no `commit`."""

    settings: "Settings"
    root: Path
    config: "Config"
    commit: str


def open_source(repo: Path | None, revision: str | None, context: str | None) -> Source:
    """What `--repo` or `--revision` names."""
    from towpath.cli.ui.names import load_environments
    from towpath.config import load_config

    if repo is not None and revision is not None:
        raise click.UsageError("--repo is a folder as it is, --revision a commit: give one of them.")
    settings = load_settings(context)
    if repo is not None:
        return Source(settings, repo, load_config(repo), "")
    environments = load_environments(settings, revision)
    return Source(settings, environments.checkout.path, environments.config, environments.commit)


def has_left(repo: Path, app: str, environment: str, known: bool) -> bool:
    """Whether Git has nothing of the app in the environment but, at most, its confirmed deletions."""
    from towpath.applyset.prune_file import PRUNE_FILE

    if not known:
        # Of a misspelt name nothing was ever live, and the cluster is asked for that.
        return True
    folder = repo / "apps" / app / environment
    return folder.is_dir() and [file.name for file in folder.iterdir()] == [PRUNE_FILE]
