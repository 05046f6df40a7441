"""`towpath render`: the objects an app has in an environment, as they would be applied."""

import os
from pathlib import Path

import click

from towpath.cli.completion.names import complete_app, complete_environment


@click.command(name="render")
@click.option(
    "--repo",
    type=click.Path(path_type=Path),
    default=Path(),
    help="Folder of the environment repository; the current one if left out.",
)
@click.option("--app", required=True, shell_complete=complete_app, help="App of towpath.yaml.")
@click.option(
    "--environment", required=True, shell_complete=complete_environment, help="Environment of towpath.yaml."
)
def command(repo: Path, app: str, environment: str) -> None:
    """Print the objects an app has in an environment, as YAML.

    The values of Secrets are masked: this is for reading and for checks of your own, not for applying. What
    differs from the cluster, Secrets included, `towpath diff` says.

    \b
    Examples:
      towpath render --app hello --environment prod
      towpath render --repo environments/ --app hello --environment prod | conftest test -
    """
    from towpath.config import load_config
    from towpath.engine.source.render import render_app
    from towpath.printable import printable
    from towpath.redact import mask_secret
    from towpath.settings import Settings
    from towpath.yamltext.writer import dump_all

    settings = Settings.load(os.environ)
    result = render_app(
        repo, load_config(repo), app, environment, tools=settings.tools, cache=settings.renders
    )
    masked = [mask_secret(each) for each in (*result.objects, *result.hooks)]
    text = dump_all(masked)
    if printable(text) != text:
        # Direction marks are letters to YAML; on a terminal they make text read as it is not.
        text = dump_all(masked, ascii_only=True)
    click.echo(text, nl=False)
