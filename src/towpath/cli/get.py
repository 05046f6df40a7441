"""`towpath get`: the objects of an app as its cluster has them, and what is wrong with the unhealthy ones."""

import json
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from towpath.cli.ui.options import app_argument, context_option, optional_environment_argument, output_option
from towpath.cli.views.tables import age, table
from towpath.printable import printable

if TYPE_CHECKING:
    from towpath.engine.operate.object_tree import Node, ObjectTree

FAILED = 1
COLUMNS = ("OBJECT", "HEALTH", "AGE", "FROM", "MESSAGE")
NOTES = 5
"""Notes of an app that are shown; JSON has all."""
_FROM = {"git": "Git", "left-git": "left Git", "hook": "hook"}
BRANCH, LAST, BESIDE, BELOW = "├─ ", "└─ ", "│  ", "   "


@click.command(name="get")
@app_argument
@optional_environment_argument
@context_option
@output_option
def command(app: str, environment: str | None, context: str | None, output: str) -> None:
    """Show the objects of APP in ENVIRONMENT, or in each where it is: a tree with health, age and message.

    Below what Git wants stands what controllers made of it. Of what is unhealthy the newest warnings and the
    last lines of the logs are shown, with secrets masked. Reads Git and the cluster only; all environments
    are looked for in one cluster: name one where they are on several.

    Exits 1 when an environment cannot be read. `towpath wait` says by its exit code what is healthy.

    \b
    Examples:
      towpath get hello
      towpath get hello prod
      towpath get hello prod --output json
    """
    from towpath.cli.ui.names import load_environments
    from towpath.cli.ui.places import in_each_environment
    from towpath.cli.ui.planning import load_settings
    from towpath.engine.live.context import environment_context
    from towpath.engine.operate.app_objects import read_app_objects
    from towpath.engine.operate.object_tree import object_tree
    from towpath.engine.operate.symptoms import with_symptoms
    from towpath.health.expressions import judges_of

    settings = load_settings(context)
    desired = load_environments(settings)
    own = judges_of(desired.config.health_check_exprs)

    def look(name: str) -> "ObjectTree | None":
        place = environment_context(settings, desired, name)
        found = read_app_objects(place, app)
        if not found.is_there and environment is None:
            return None
        return with_symptoms(place.cluster, object_tree(found, own), found.live)

    trees, problems = in_each_environment(desired.config, app, environment, look)
    shown = [tree for tree in trees.values() if tree is not None]
    if output == "json":
        click.echo(printable(json.dumps(to_json(app, desired.commit, shown, problems), indent=2)))
    else:
        click.echo(printable("\n\n".join(map(text, shown)) or f"{app} is in no environment yet."))
        for name, why in problems.items():
            click.secho("error: ", fg="red", bold=True, nl=False, err=True)
            click.echo(printable(f"{app} in {name}: {why}"), err=True)
    if problems:
        sys.exit(FAILED)


def to_json(app: str, commit: str, trees: "list[ObjectTree]", problems: dict[str, str]) -> dict[str, Any]:
    """For `--output json`."""
    return {
        "app": app,
        "commit": commit,
        "environments": [tree.to_json() for tree in trees],
        "problems": [{"environment": name, "message": why} for name, why in problems.items()],
    }


def text(tree: "ObjectTree") -> str:
    """A line for the app, a table of its objects, and below it what is wrong with some of them."""
    health = f"{tree.health.status}" if tree.health else "nothing is live"
    applied = f", applied at commit {tree.applied_commit[:7]}" if tree.applied_commit else ", not applied yet"
    head = f"{tree.app} in {tree.environment}: {health}{applied}"
    rows = [row for node in tree.nodes for row in _rows(node, "", "")]
    symptoms = [line for root in tree.nodes for node in root.walk() for line in _symptoms(node)]
    more = len(tree.notes) - NOTES
    notes = [*tree.notes[:NOTES], *([f"and {more} more like these"] if more > 0 else [])]
    below = [*notes, *symptoms]
    parts = [head, *([table([COLUMNS, *rows])] if rows else []), *([""] if below else []), *below]
    return "\n".join(parts)


def _rows(node: "Node", first: str, below: str) -> Iterator[tuple[str, ...]]:
    name = f"{node.ref.kind} {node.ref.name}"
    where = _FROM.get(node.origin) or (node.owner.kind if node.owner else "-")
    yield first + name, str(node.health.status), age(node.created), where, node.health.message
    for child in node.children:
        last = child is node.children[-1]
        yield from _rows(child, below + (LAST if last else BRANCH), below + (BELOW if last else BESIDE))


def _symptoms(node: "Node") -> Iterator[str]:
    if not node.events and not node.logs:
        return
    yield f"{node.ref}:"
    for event in node.events:
        often = f" ({event.count} times, last {age(event.at)} ago)" if event.count > 1 else ""
        yield f"  event {event.reason}{often}: {event.message}"
    for log in node.logs:
        yield f"  log of {log.container}{' before its last restart' if log.previous else ''}:"
        yield from (f"    {line}" for line in log.lines)
