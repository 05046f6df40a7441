"""`towpath wait`: until an app is healthy, by exit code: for scripts and pipelines."""

import json
import sys
from datetime import timedelta

import click

from towpath.cli.ui.durations import duration
from towpath.cli.ui.options import app_argument, context_option, environment_argument, output_option
from towpath.printable import printable

FAILED, TIMED_OUT = 1, 3


@click.command(name="wait")
@app_argument
@environment_argument
@click.option(
    "--healthy", is_flag=True, help="Until all objects are healthy and pods run the release.  [default]"
)
@click.option("--synced", is_flag=True, help="Until what Git has now is applied; with --healthy both.")
@click.option(
    "--timeout", callback=duration, metavar="DURATION",
    help="How long: 90s, 5m, 1h.  [default: the environment's timeout]",
)  # fmt: skip
@context_option
@output_option
def command(  # noqa: PLR0913, PLR0917
    app: str,
    environment: str,
    healthy: bool,
    synced: bool,
    timeout: timedelta | None,
    context: str | None,
    output: str,
) -> None:
    """Wait until APP in ENVIRONMENT is healthy, or until what Git has of it is applied. Writes nothing.

    What is meant is what Git has when the verb begins. Healthy is believed after it held for a second. Smoke
    checks are the agent's, and are not run. Progress goes to standard error.

    \b
    Exit codes:
      0  as asked
      1  it cannot become so without a change, or an error
      2  wrong usage
      3  not in time

    \b
    Examples:
      towpath wait hello prod --healthy
      towpath wait hello dev --synced --healthy --timeout 10m
      towpath wait hello prod --output json
    """
    from towpath.cli.ui.follow import Narrator
    from towpath.cli.ui.names import load_environments
    from towpath.cli.ui.planning import load_settings
    from towpath.engine.live.context import environment_context
    from towpath.engine.operate.app_wait import wait_for_app

    settings = load_settings(context)
    desired = load_environments(settings)
    seconds = (timeout or desired.config.environment(environment).timeout).total_seconds()
    desired.config.app(app)
    place = environment_context(settings, desired, environment)
    with Narrator(quiet=output == "json") as narrator:
        ended = wait_for_app(
            place,
            app,
            healthy=healthy or not synced,
            synced=synced,
            seconds=seconds,
            tell=lambda line: narrator.line(printable(line)),
        )
    if output == "json":
        data = {"app": app, "environment": environment, "commit": desired.commit, **ended.to_json()}
        click.echo(printable(json.dumps(data, indent=2, ensure_ascii=False)))
    elif ended.outcome == "reached":
        how = " and ".join(
            word for word, is_so in (("applied", ended.synced), ("healthy", ended.healthy)) if is_so
        )
        click.echo(f"{app} in {environment} is {how} ({ended.seconds:.0f} s)")
    else:
        click.secho("error: ", fg="red", bold=True, nl=False, err=True)
        click.echo(printable(ended.message), err=True)
    if ended.outcome != "reached":
        sys.exit(TIMED_OUT if ended.outcome == "timeout" else FAILED)
