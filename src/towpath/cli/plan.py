"""`towpath plan`: what a sync of an app in an environment would change, by a dry run on the cluster."""

import json
from pathlib import Path

import click

from towpath.cli.ui.options import app_argument, context_option, environment_argument, output_option
from towpath.cli.ui.planning import make_plan, source_options
from towpath.printable import printable


@click.command(name="plan")
@app_argument
@environment_argument
@source_options
@context_option
@click.option("--confirm", is_flag=True, help="Print the prune.yaml that confirms the plan's deletions.")
@output_option
def command(  # noqa: PLR0913, PLR0917
    app: str,
    environment: str,
    repo: Path | None,
    revision: str | None,
    context: str | None,
    confirm: bool,
    output: str,
) -> None:
    """Show what a sync would change. Writes nothing.

    \b
    Examples:
      towpath plan hello prod
      towpath plan hello prod --revision my-branch
      towpath plan hello prod --repo . --output json
      towpath plan hello prod --context prod-eu
      towpath plan hello prod --confirm > apps/hello/prod/prune.yaml
    """
    plan, config = make_plan(app, environment, repo, revision, context)
    if confirm:
        from towpath.applyset.prune_file import dump_prune_file

        deletions = [(entry.ref, entry.uid) for entry in plan.entries if entry.action == "delete"]
        click.echo(dump_prune_file(deletions, config.api_version), nl=False)
    elif output == "json":
        click.echo(printable(json.dumps(plan.to_json(), indent=2, ensure_ascii=False)))
    else:
        click.echo(printable(plan.to_text()))
