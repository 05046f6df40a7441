"""`towpath deliver`: carry a commit from its source repository towards production."""

import os

import click

from towpath.cli.ui.options import app_argument, detach_option, output_option


@click.command(name="deliver")
@app_argument
@click.option("--revision", help="Branch, tag or commit; the newest commit of the app's branch if left out.")
@detach_option
@click.option("--again", is_flag=True, help="A new run, though this commit was delivered well.")
@output_option
def command(app: str, revision: str | None, detach: bool, again: bool, output: str) -> None:
    """Build, test, scan and push a commit of APP, and promote it as far as the gates let it.

    One run per commit: a repeated call finds the same run, and starts a new one where that failed. Ends with
    0 when the way is done or waits for an approval, with 1 when a step failed.

    \b
    Examples:
      towpath deliver hello
      towpath deliver hello --revision 1a2b3c4 --detach
    """
    from towpath.cli.ui.names import load_environments
    from towpath.cli.ui.started import see_through
    from towpath.orchestration.delivery.start import start_delivery
    from towpath.orchestration.server import connect, require_agent
    from towpath.settings import Settings

    settings = Settings.load(os.environ)
    require_agent(settings, None)
    commit = load_environments(settings).revision(app, revision)
    with connect(settings) as server:
        run, new = start_delivery(server, app, commit, always=again)
        see_through(server, run, new=new, detach=detach, output=output)
