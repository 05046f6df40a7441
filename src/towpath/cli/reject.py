"""`towpath reject`: reject a promotion that waits; nothing is changed and its run ends."""

import os
import sys
from functools import partial
from pathlib import Path

import click

from towpath.cli.completion.values import complete_waiting_run
from towpath.cli.ui.options import (
    app_argument,
    approver_option,
    detach_option,
    environment_option,
    output_option,
    sign_options,
    yes_option,
)


@click.command(name="reject")
@app_argument
@environment_option
@approver_option
@click.option(
    "--run",
    "run_id",
    shell_complete=complete_waiting_run,
    help="The waiting run's id, where several wait.",
)
@click.option("--reason", required=True, help="Why; told to whoever asks.")
@sign_options
@yes_option
@detach_option
@output_option
def command(  # noqa: PLR0913, PLR0917
    app: str,
    environment: str | None,
    approver: str | None,
    run_id: str | None,
    reason: str,
    sign: bool,
    key: Path | None,
    yes: bool,
    detach: bool,
    output: str,
) -> None:
    """Reject a promotion of APP that waits for approval.

    Without a terminal to ask on, both --yes and --as are needed.

    \b
    Examples:
      towpath reject hello --environment prod --as alice --reason "not before the holidays"
      towpath reject hello --as alice --reason "it is too slow" --yes
    """
    from towpath.cli.ui.signing import sign_answer
    from towpath.cli.ui.waiting import answer, find_waiting, known_config, named_person, require_listed
    from towpath.orchestration.server import connect
    from towpath.settings import Settings

    asked = not yes and output == "text" and sys.stdin.isatty()
    name = named_person(approver, asked=asked, yes=yes)
    settings = Settings.load(os.environ)
    config = known_config(settings, app, environment)
    with connect(settings) as server:
        run = find_waiting(server, config, app, environment, run_id)
        require_listed(config, run, name)
        if asked:
            click.confirm(f"Reject {run.name} as {name}?", abort=True)
        signing = partial(
            sign_answer, server, run, config, decision="reject", approver=name, reason=reason, key=key
        )
        answer(
            server,
            run,
            decision="reject",
            approver=name,
            digest=None,
            reason=reason,
            detach=detach,
            output=output,
            sign=signing if sign or key else None,
        )
