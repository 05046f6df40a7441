"""`towpath render`: the objects an app has in an environment, as they would be applied."""

import os
from pathlib import Path

import click


@click.command(name="render")
@click.option(
    "--repo",
    type=click.Path(path_type=Path),
    default=Path(),
    help="Folder of the environment repository; the current one if left out.",
)
@click.option("--app", required=True, help="App of towpath.yaml.")
@click.option("--environment", required=True, help="Environment of towpath.yaml.")
def command(repo: Path, app: str, environment: str) -> None:
    """Print the objects an app has in an environment, as YAML; the values of Secrets are masked.

    \b
    Example:
      towpath render --repo environments/ --app hello --environment prod | kubectl diff -f -
    """
    import yaml

    from towpath.config import load_config
    from towpath.engine.render import render_app
    from towpath.redact import mask_secret
    from towpath.settings import Settings

    settings = Settings.load(os.environ)
    result = render_app(
        repo, load_config(repo), app, environment, tools=settings.tools, cache=settings.renders
    )
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    masked = [mask_secret(each) for each in (*result.objects, *result.hooks)]
    click.echo(yaml.dump_all(masked, Dumper=dumper, sort_keys=False, allow_unicode=True), nl=False)
