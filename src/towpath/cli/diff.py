"""`towpath diff`: whether an app in an environment is as Git wants it, by exit code: for pull requests."""

import json
import sys
from pathlib import Path

import click

from towpath.cli.options import app_argument, environment_argument, output_option
from towpath.cli.planning import make_plan, source_options
from towpath.printable import printable

DIFFERENT = 2


class WrongUsageError(click.UsageError):
    """As click's, with another exit code."""

    exit_code = 1


class Diff(click.Command):
    """Exits 1 for wrong usage, because 2 says that there are differences."""

    def make_context(self, *args: object, **kwargs: object) -> click.Context:
        try:
            return super().make_context(*args, **kwargs)  # type: ignore[arg-type]
        except click.UsageError as error:
            raise WrongUsageError(error.format_message(), error.ctx) from error

    def invoke(self, ctx: click.Context) -> None:
        try:
            super().invoke(ctx)
        except click.UsageError as error:
            raise WrongUsageError(error.format_message(), error.ctx) from error


@click.command(name="diff", cls=Diff)
@app_argument
@environment_argument
@source_options
@output_option
def command(app: str, environment: str, repo: Path | None, revision: str | None, output: str) -> None:
    """Compare an app in an environment with Git, field by field. Writes nothing.

    Exits 0 when nothing differs, 2 when something does, 1 after an error.

    \b
    Examples:
      towpath diff hello prod
      towpath diff hello prod --revision my-branch --output json
      towpath diff hello prod --repo .
    """
    plan = make_plan(app, environment, repo, revision)
    if output == "json":
        text = json.dumps({"differs": plan.differs, **plan.to_json()}, indent=2, ensure_ascii=False)
        click.echo(printable(text))
    else:
        click.echo(printable(plan.to_text()))
    if plan.differs:
        sys.exit(DIFFERENT)
