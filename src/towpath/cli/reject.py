"""`towpath reject`: reject a promotion that waits; nothing is changed and its run ends."""

import os

import click

from towpath.cli.ui.options import app_argument, detach_option, environment_option, output_option


@click.command(name="reject")
@app_argument
@environment_option
@click.option("--as", "approver", help="Your name in towpath.yaml; your login name if left out.")
@click.option("--run", "run_id", help="The waiting run's id, where several wait.")
@click.option("--reason", required=True, help="Why; told to whoever asks.")
@detach_option
@output_option
def command(  # noqa: PLR0913, PLR0917
    app: str,
    environment: str | None,
    approver: str | None,
    run_id: str | None,
    reason: str,
    detach: bool,
    output: str,
) -> None:
    """Reject a promotion of APP that waits for approval.

    \b
    Example:
      towpath reject hello --environment prod --as alice --reason "not before the holidays"
    """
    from towpath.cli.ui.waiting import answer, find_waiting
    from towpath.orchestration.server import connect, whoami
    from towpath.settings import Settings

    with connect(Settings.load(os.environ)) as server:
        run = find_waiting(server, app, environment, run_id)
        answer(
            server,
            run,
            decision="reject",
            approver=approver or whoami(),
            digest=None,
            reason=reason,
            detach=detach,
            output=output,
        )
