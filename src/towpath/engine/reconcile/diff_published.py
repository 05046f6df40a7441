"""Compares whole environments without their cluster: Git against what the agent last published."""

from collections.abc import Callable
from pathlib import Path

from towpath.applyset.prune_file import load_confirmed_deletions
from towpath.config import Config, Environment
from towpath.drift.published import PublishedApp, PublishedState
from towpath.engine.preview.published_plan import Before, plan_from_published, plan_leaving_from_published
from towpath.engine.reconcile.diff import Comparison, read_wanted
from towpath.errors import TowpathError

NOT_PUBLISHED = PublishedApp()


def compare_with_published(  # noqa: PLR0913
    root: Path,
    config: Config,
    environment: Environment,
    published: PublishedState,
    before: Callable[[str], Before],
    *,
    tools: Path | None = None,
    cache: Path | None = None,
) -> tuple[Comparison, tuple[str, ...]]:
    """As compare_environment, and what a reader must know about how it was found.

    `before` gives for an app what renders it at an earlier commit.
    """
    wanted = read_wanted(root, config, environment, tools=tools, cache=cache)
    name, problems, plans, notes = environment.name, dict(wanted.problems), [], []
    if "" in problems:
        return Comparison(name, (), problems, wanted.unreleased), ()
    for rendered, confirmed in wanted.apps:
        app = published.apps.get(rendered.app, NOT_PUBLISHED)
        try:
            plan, note = plan_from_published(rendered, environment, app, before(rendered.app), confirmed)
        except TowpathError as error:
            problems[rendered.app] = str(error)
            continue
        plans.append(plan)
        notes += [note] if note else []
    left = [each for each in published.apps if each not in wanted.released and published.apps[each].is_live]
    for name_left in left:
        try:
            confirmed = load_confirmed_deletions(root, name_left, name)
            known = published.apps[name_left]
            plan, note = plan_leaving_from_published(
                name_left, environment, known, before(name_left), confirmed
            )
        except TowpathError as error:
            problems[name_left] = str(error)
            continue
        plans.append(plan)
        notes += [note] if note else []
    rest = tuple(each for each in wanted.unreleased if each not in left)
    return Comparison(name, tuple(plans), problems, rest), tuple(notes)
