"""`towpath agent`: runs the flows of one environment, and heals it within a second."""

import dataclasses
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from towpath.cli.completion.names import complete_environment
from towpath.cli.ui.options import output_option

if TYPE_CHECKING:
    from towpath.agent.configuration import AgentConfiguration

TOKEN = "TOWPATH_NOTIFY_TOKEN"  # noqa: S105 - the name of the variable


def _address(_ctx: click.Context, _param: click.Parameter, value: str | None) -> str | None:
    from towpath.adapters.endpoint import parse_address

    try:
        if value is not None:
            parse_address(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error
    return value


@click.command(name="agent")
@click.argument("environment", required=False, shell_complete=complete_environment)
@click.option(
    "--config",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="An agent.yaml; variables of the process and options go before it.",
)
@click.option("--name", help="Its name at the Prefect server; by default pool and host.")
@click.option(
    "--interval",
    type=click.FloatRange(min=1.0),
    metavar="SECONDS",
    help="How often the environment repository's branch is asked for its newest commit (15).",
)
@click.option("--limit", type=click.IntRange(min=1), help="How many flow runs may be under way at once (8).")
@click.option(
    "--grace",
    type=click.FloatRange(min=0.0),
    metavar="SECONDS",
    help="How long flow runs under way have to end when the agent is told to stop (30).",
)
@click.option(
    "--address",
    metavar="HOST:PORT",
    callback=_address,
    help="Where /metrics, /readyz, /healthz and /notify answer (127.0.0.1:4210).",
)
@click.option(
    "--notify-token-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help=f"File with the token that POST /notify wants (or {TOKEN}); without one there is no /notify.",
)
@click.option("--check", is_flag=True, help="Say what is there and what is missing, and start nothing.")
@output_option
def command(
    environment: str | None,
    *,
    config: Path | None,
    notify_token_file: Path | None,
    check: bool,
    output: str,
    **options: Any,
) -> None:
    """Carry out the work of ENVIRONMENT, or of `build`; runs until it is told to stop.

    The agent takes the flow runs of its work pool and runs the flows that are installed with it: promote,
    reconcile and rollback of its own environment, or deliver. It holds that environment's credentials; a run
    brings parameters only. It watches the environment, too: what changed is reconciled within a second, by
    the environment's mode, also while the Prefect server is away. SIGHUP, or POST /notify, asks Git now;
    SIGTERM ends it, and what is under way has the grace to end. --check exits with 1 if something is missing.

    \b
    Examples:
      towpath agent prod
      towpath agent --config /etc/towpath/agent.yaml --check
      towpath agent build --limit 2
      towpath agent prod --interval 60 --address 0.0.0.0:9090
      curl -X POST -H "Authorization: Bearer $TOKEN" localhost:4210/notify
    """
    configuration = configure(environment, config, notify_token_file, options)
    if check:
        from towpath.agent.checkup import check_up
        from towpath.cli.views.findings import show_findings
        from towpath.settings import Settings

        sys.exit(show_findings(check_up(configuration, Settings.load(os.environ)), output))
    from towpath.agent.start import start_agent
    from towpath.cli.main import report

    if code := start_agent(configuration, report):
        sys.exit(code if code > 0 else 128 - code)  # below 0: the signal that ended it


def configure(
    environment: str | None, config: Path | None, token_file: Path | None, options: dict[str, Any]
) -> "AgentConfiguration":
    """File, variables and options, each going before the one that it is named after."""
    from towpath.agent.agent_file import AgentFile
    from towpath.agent.configuration import AgentConfiguration
    from towpath.config.machine_file import load_machine_file, read_secret
    from towpath.redact import remember_secret

    if config is not None:
        file = load_machine_file(config, AgentFile)
        if environment not in (None, file.environment):
            raise click.UsageError(f"{config} is the agent of {file.environment}, not of {environment}.")
        for name, value in file.environ():
            os.environ.setdefault(name, value)
    elif environment is not None:
        file = AgentFile.model_construct(environment=environment)
    else:
        raise click.UsageError("Name ENVIRONMENT or `build`, or a --config that does.")
    if token := read_secret(token_file) if token_file else os.environ.get(TOKEN, ""):
        remember_secret(token)
        options["notify_token"] = token
    named = {name: value for name, value in options.items() if value is not None}
    return dataclasses.replace(AgentConfiguration.from_file(file), **named)
