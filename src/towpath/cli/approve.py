"""`towpath approve`: approve a promotion that waits, through the interface that the UI uses."""

import os
import sys

import click

from towpath.cli.ui.options import app_argument, detach_option, environment_option, output_option


@click.command(name="approve")
@app_argument
@environment_option
@click.option("--as", "approver", help="Your name in towpath.yaml; your login name if left out.")
@click.option("--run", "run_id", help="The waiting run's id, where several wait.")
@click.option(
    "--digest", help="Approve only this release (12 hex digits or more); chooses it where several wait."
)
@click.option("--reason", default="", help="Why; kept with the run.")
@click.option("--yes", is_flag=True, help="Do not ask on the terminal.")
@detach_option
@output_option
def command(  # noqa: PLR0913, PLR0917
    app: str,
    environment: str | None,
    approver: str | None,
    run_id: str | None,
    digest: str | None,
    reason: str,
    yes: bool,
    detach: bool,
    output: str,
) -> None:
    """Show the release and the plan of a promotion of APP that waits, approve it, and follow it.

    The approval holds for exactly this digest and these manifests; whether you may approve is judged where it
    takes effect.

    \b
    Examples:
      towpath approve hello --environment prod --as alice
      towpath approve hello --run 0be9880d-b183-4320-9112-f6c4ec3e7286 --as alice
    """
    from towpath.cli.ui.waiting import answer, find_waiting, show
    from towpath.orchestration.server import connect, whoami
    from towpath.settings import Settings

    name = approver or whoami()
    with connect(Settings.load(os.environ)) as server:
        run = find_waiting(server, app, environment, run_id, digest)
        if output == "text":
            show(server, run)
            if not yes and sys.stdin.isatty():
                click.confirm(f"Approve as {name}?", abort=True)
        answer(
            server,
            run,
            decision="approve",
            approver=name,
            digest=digest,
            reason=reason,
            detach=detach,
            output=output,
        )
