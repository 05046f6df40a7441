"""What every verb does with the run it started: name it, follow it, tell how it ended."""

import json

import click

from towpath.cli.ui.follow import Narrator, conclude, follow
from towpath.orchestration.runs import Run
from towpath.orchestration.server import Server


def see_through(  # noqa: PLR0913
    server: Server, run: Run, *, new: bool, detach: bool, output: str, path: bool = True
) -> None:
    """Follow a run that was just started (`new`) or that was there already, unless `detach`."""
    if not new and output == "text":
        click.echo(f"{run.name} was started before: run {run.id}, {run.state.lower()}.", err=True)
    if detach:
        tell_started(server, run, new=new, output=output)
        return
    with Narrator(quiet=output == "json") as narrator:
        followed = follow(server, run, narrator, path=path)
    conclude(server, followed, output=output)


def tell_started(server: Server, run: Run, *, new: bool, output: str) -> None:
    """Which run it is, and its page."""
    found = {**run.to_json(), "url": server.url(run), "new": new}
    click.echo(json.dumps(found, indent=2) if output == "json" else f"{run.name}  {server.url(run)}")
