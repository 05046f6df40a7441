"""`towpath approve`: approve a promotion that waits, through the interface that the UI uses."""

import os
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from towpath.cli.completion.values import complete_release, complete_waiting_run
from towpath.cli.ui.options import (
    app_argument,
    approver_option,
    detach_option,
    environment_option,
    output_option,
    sign_options,
    yes_option,
)

if TYPE_CHECKING:
    from towpath.evidence.approval import Decision


@click.command(name="approve")
@app_argument
@environment_option
@approver_option
@click.option(
    "--run",
    "run_id",
    shell_complete=complete_waiting_run,
    help="The waiting run's id, where several wait.",
)
@click.option(
    "--digest",
    shell_complete=complete_release,
    help="Approve only this release (12 hex digits or more); chooses it where several wait.",
)
@click.option("--withdraw", is_flag=True, help="Take your approval back while the promotion still waits.")
@click.option("--reason", default="", help="Why; kept with the run.")
@sign_options
@yes_option
@detach_option
@output_option
def command(  # noqa: PLR0913, PLR0917
    app: str,
    environment: str | None,
    approver: str | None,
    run_id: str | None,
    digest: str | None,
    withdraw: bool,
    reason: str,
    sign: bool,
    key: Path | None,
    yes: bool,
    detach: bool,
    output: str,
) -> None:
    """Show the release and the plan of a promotion of APP that waits, approve it, and follow it.

    The approval holds for exactly this digest and these manifests; whether you may approve is judged where it
    takes effect. Where the environment takes signed approvals, --sign signs it by your SSH key. Without a
    terminal to ask on, both --yes and --as are needed.

    \b
    Examples:
      towpath approve hello --environment prod --as alice
      towpath approve hello --environment prod --as alice --sign
      towpath approve hello --environment prod --as alice --withdraw
      towpath approve hello --run 0be9880d-b183-4320-9112-f6c4ec3e7286 --as alice --yes
    """
    from towpath.cli.ui.signing import sign_answer
    from towpath.cli.ui.waiting import answer, find_waiting, known_config, named_person, require_listed, show
    from towpath.orchestration.server import connect
    from towpath.settings import Settings

    decision: Decision = "withdraw" if withdraw else "approve"
    asked = not yes and output == "text" and sys.stdin.isatty()
    name = named_person(approver, asked=asked, yes=yes)
    settings = Settings.load(os.environ)
    config = known_config(settings, app, environment)
    with connect(settings) as server:
        run = find_waiting(server, config, app, environment, run_id, digest)
        require_listed(config, run, name)
        if output == "text":
            show(server, run)
        if asked:
            click.confirm(f"{'Withdraw' if withdraw else 'Approve'} as {name}?", abort=True)
        signing = partial(
            sign_answer, server, run, config, decision=decision, approver=name, reason=reason, key=key
        )
        answer(
            server,
            run,
            decision=decision,
            approver=name,
            digest=digest,
            reason=reason,
            detach=detach,
            output=output,
            sign=signing if sign or key else None,
        )
