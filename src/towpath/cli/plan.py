"""`towpath plan`: what a sync of an app in an environment would change, by a dry run on the cluster."""

import json
import os
from pathlib import Path

import click

from towpath.cli.options import app_argument, environment_argument, output_option


@click.command(name="plan")
@app_argument
@environment_argument
@click.option(
    "--repo",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder of an environment repository, committed or not; left out: the newest commit of its branch.",
)
@output_option
def command(app: str, environment: str, repo: Path | None, output: str) -> None:
    """Show what a sync would change. Writes nothing.

    \b
    Examples:
      towpath plan hello prod
      towpath plan hello prod --repo . --output json
    """
    from towpath.adapters.kubernetes import connect
    from towpath.cli.names import load_environments
    from towpath.config import load_config
    from towpath.engine.plan import plan_app
    from towpath.engine.render import render_app
    from towpath.settings import Settings

    settings = Settings.load(os.environ)
    if repo is None:
        environments = load_environments(settings)
        repo, config = environments.checkout.path, environments.config
    else:
        config = load_config(repo)
    where = config.environment(environment)
    rendered = render_app(repo, config, app, environment, tools=settings.tools, cache=settings.renders)
    plan = plan_app(connect(settings.kubeconfig, where.context), rendered, where)
    click.echo(
        json.dumps(plan.to_json(), indent=2, ensure_ascii=False) if output == "json" else plan.to_text()
    )
