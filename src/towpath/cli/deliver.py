"""`towpath deliver`: carry a commit from its source repository towards production."""

import os
from typing import TYPE_CHECKING

import click

from towpath.cli.ui.options import app_argument, detach_option, output_option

if TYPE_CHECKING:
    from towpath.orchestration.runs import Run
    from towpath.orchestration.server import Server


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
    from towpath.orchestration import keys
    from towpath.orchestration.server import connect
    from towpath.settings import Settings

    settings = Settings.load(os.environ)
    commit = load_environments(settings).revision(app, revision)
    with connect(settings) as server:
        run, new = start(server, app, commit, None if again else keys.deliver_key(app, commit))
        see_through(server, run, new=new, detach=detach, output=output)


def start(server: "Server", app: str, commit: str, key: str | None) -> "tuple[Run, bool]":
    """The delivery of a commit; one that failed is followed by another, which all who ask again share."""
    from towpath.orchestration import keys

    while True:
        run, new = server.start(
            keys.deployment(keys.DELIVER),
            {"app": app, "revision": commit},
            name=keys.deliver_name(app, commit[:7]),
            tags=[keys.app_tag(app), keys.commit_tag(commit[:7])],
            key=key,
        )
        if new or key is None or not run.over or run.succeeded:
            return run, new
        key = keys.again_key(keys.deliver_key(app, commit), run.id)
