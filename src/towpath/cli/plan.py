"""`towpath plan`: what a sync of an app in an environment would change."""

import json
from pathlib import Path

import click

from towpath.cli.ui.options import app_argument, context_option, environment_argument, output_option
from towpath.cli.ui.planning import make_plan, source_options
from towpath.errors import MissingPartError
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
    """Show what a sync would change, by dry runs on the cluster. Writes nothing.

    Where this machine has no kubeconfig, Git is compared with what the environment's agent last published:
    the output begins with a line that says so, and JSON has it in `published`.

    \b
    Examples:
      towpath plan hello prod
      towpath plan hello prod --revision my-branch
      towpath plan hello prod --repo . --output json
      towpath plan hello prod --context prod-eu
      towpath plan hello prod --confirm > apps/hello/prod/prune.yaml
    """
    plan, config, against, depends_on = make_plan(app, environment, repo, revision, context)
    if confirm:
        from towpath.applyset.prune_file import dump_prune_file

        if against.published:
            raise MissingPartError(
                "a confirmation names each object's uid, which only the cluster tells",
                remedy="Run it where a kubeconfig leads to the cluster.",
            )
        deletions = [(entry.ref, entry.uid) for entry in plan.entries if entry.action == "delete"]
        click.echo(dump_prune_file(deletions, config.api_version), nl=False)
    elif output == "json":
        data = {**plan.to_json(), "depends_on": list(depends_on), "published": against.to_json()}
        click.echo(printable(json.dumps(data, indent=2, ensure_ascii=False)))
    else:
        waits = [f"{app} is synced once {', '.join(depends_on)} is healthy there"] if depends_on else []
        click.echo(printable("\n".join((*against.banner(), *waits, plan.to_text()))))
