"""`towpath agent`: runs the flows of one environment, and heals it within a second."""

import os
import sys
from pathlib import Path

import click

from towpath.cli.ui.completion import complete_environment

TOKEN = "TOWPATH_NOTIFY_TOKEN"  # noqa: S105 - the name of the variable
BUILD = "build"
"""In the place of an environment: the agent that builds."""


def _address(_ctx: click.Context, _param: click.Parameter, value: str) -> str:
    from towpath.adapters.endpoint import parse_address

    try:
        parse_address(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error
    return value


@click.command(name="agent")
@click.argument("environment", shell_complete=complete_environment)
@click.option("--name", default="", help="Its name at the Prefect server; by default pool and host.")
@click.option(
    "--interval",
    type=click.FloatRange(min=1.0),
    default=15.0,
    show_default=True,
    metavar="SECONDS",
    help="How often the environment repository's branch is asked for its newest commit.",
)
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=8,
    show_default=True,
    help="How many flow runs may be under way at once.",
)
@click.option(
    "--grace",
    type=click.FloatRange(min=0.0),
    default=30.0,
    show_default=True,
    metavar="SECONDS",
    help="How long flow runs under way have to end when the agent is told to stop.",
)
@click.option(
    "--address",
    default="127.0.0.1:4210",
    show_default=True,
    metavar="HOST:PORT",
    callback=_address,
    help="Where /metrics, /readyz, /healthz and /notify answer.",
)
@click.option(
    "--notify-token-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help=f"File with the token that POST /notify wants (or {TOKEN}); without one there is no /notify.",
)
def command(  # noqa: PLR0913
    environment: str,
    *,
    name: str,
    interval: float,
    limit: int,
    grace: float,
    address: str,
    notify_token_file: Path | None,
) -> None:
    """Carry out the work of ENVIRONMENT, or of `build`; runs until it is told to stop.

    The agent takes the flow runs of its work pool and runs the flows that are installed with it: promote,
    reconcile and rollback of its own environment, or deliver. It holds that environment's credentials; a run
    brings parameters only. It watches the environment, too: what changed is reconciled within a second, by
    the environment's mode, also while the Prefect server is away. SIGHUP, or POST /notify, asks Git now;
    SIGTERM ends it, and what is under way has the grace to end.

    \b
    Examples:
      towpath agent prod
      towpath agent build --limit 2
      towpath agent prod --interval 60 --address 0.0.0.0:9090
      curl -X POST -H "Authorization: Bearer $TOKEN" localhost:4210/notify
    """
    from towpath.agent.configuration import AgentConfiguration
    from towpath.agent.start import start_agent
    from towpath.cli.main import report
    from towpath.redact import remember_secret

    token = notify_token_file.read_text().strip() if notify_token_file else os.environ.get(TOKEN, "")
    remember_secret(token)
    configuration = AgentConfiguration(
        environment=None if environment == BUILD else environment,
        name=name,
        interval=interval,
        address=address,
        limit=limit,
        grace=grace,
        notify_token=token,
    )
    if code := start_agent(configuration, report):
        sys.exit(code if code > 0 else 128 - code)  # below 0: the signal that ended it
