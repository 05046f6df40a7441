"""`towpath delete`: how an app leaves Git and, if that is confirmed, the clusters."""

import json
import sys
from typing import TYPE_CHECKING

import click

from towpath.cli.ui.options import app_argument, context_option, output_option
from towpath.printable import pluralize, printable

if TYPE_CHECKING:
    from towpath.engine.operate.delete_app import Leaving


@click.command(name="delete")
@app_argument
@click.option("--prune", is_flag=True, help="Confirm the deletion of what is live, exactly as shown.")
@click.option("--reason", default="", help="Why; in the commit.")
@click.option("--yes", is_flag=True, help="Do not ask on the terminal.")
@context_option
@output_option
def command(  # noqa: PLR0913, PLR0917
    app: str, prune: bool, reason: str, yes: bool, context: str | None, output: str
) -> None:
    """Take APP out of the environment repository, by one commit. Shows first what is live of it everywhere.

    Without --prune nothing live is deleted: what is left is reported until somebody confirms it. With --prune
    the commit confirms, object by object and uid by uid, what was shown; the next reconcile of each
    environment deletes exactly that. Objects that are kept by rule (`towpath.dev/prune: disabled`) stay.
    Refused while another app needs its files, and with --prune where an environment cannot be read. Without
    an answer on a terminal or --yes it shows, and changes nothing.

    All environments are looked for in one cluster. For one in another: `towpath plan APP ENVIRONMENT
    --confirm --context NAME` prints the `prune.yaml` to commit there.

    \b
    Examples:
      towpath delete hello
      towpath delete hello --prune --reason "moved to another cluster"
      towpath delete hello --prune --yes --output json
    """
    from towpath.cli.ui.names import load_environments
    from towpath.cli.ui.places import in_each_environment
    from towpath.cli.ui.planning import load_settings
    from towpath.engine.live.context import environment_context
    from towpath.engine.operate.delete_app import (
        commit_deletion,
        deletion_edits,
        plan_deletion,
        require_not_needed,
    )
    from towpath.errors import RefusedError
    from towpath.orchestration.server import whoami

    settings = load_settings(context)
    desired = load_environments(settings)
    desired.config.app(app)
    found, problems = in_each_environment(
        desired.config,
        app,
        None,
        lambda name: plan_deletion(environment_context(settings, desired, name), app),
    )
    confirmed = {name: each.deletions for name, each in found.items()} if prune else {}
    edits = deletion_edits(desired.root, app, confirmed, reason)
    require_not_needed(desired, app, edits, settings)
    files = sorted(path for path, text in edits.items() if text is None)
    if output == "text":
        click.echo(text(app, list(found.values()), problems, files, prune=prune))
    if prune and problems:
        raise RefusedError(
            f"{', '.join(problems)} cannot be read, so nobody knows what is live of {app} there",
            remedy="Name its cluster (--context), or delete without --prune. Nothing was changed.",
        )
    asked = not yes and output == "text" and sys.stdin.isatty()
    if asked:
        click.confirm(f"Delete {app}{' and what is live of it' if prune else ''}?", abort=True)
    commit = (
        commit_deletion(desired, settings, app, confirmed, by=whoami(), reason=reason) if asked or yes else ""
    )
    if output == "json":
        data = {
            "app": app,
            "prune": prune,
            "environments": [each.to_json() for each in found.values()],
            "problems": [{"environment": name, "message": why} for name, why in problems.items()],
            "files": files,
            "commit": commit or None,
        }
        click.echo(printable(json.dumps(data, indent=2, ensure_ascii=False)))
    elif commit:
        click.echo(f"{app} is deleted by commit {commit[:7]}")
    else:
        click.echo("Nothing was changed: --yes commits it.")


def text(app: str, found: "list[Leaving]", problems: dict[str, str], files: list[str], *, prune: bool) -> str:
    """What happens in Git and in every environment."""
    lines = [f"Git: {app} leaves towpath.yaml, and {pluralize(len(files), 'file')} of apps/{app} are deleted"]
    for each in found:
        if each.plan is None:
            lines.append(f"{each.environment}: nothing of it is live")
            continue
        number = pluralize(len(each.deletions), "object")
        what = "deletes" if prune else "deletes nothing, and reports as left behind,"
        lines.append(f"{each.environment}: the next reconcile {what} {number}")
        lines += [f"  {'-' if prune else ' '} {ref}" for ref in each.deletions]
        lines += [f"  ! {ref} stays: {reason}" for ref, reason in each.kept.items()]
    lines += [f"{name}: cannot be read: {why}" for name, why in problems.items()]
    return printable("\n".join(lines))
