"""What every verb does with the run it started: name it, follow it, tell how it ended."""

import json
import os

import click

from towpath.cli.completion.known_runs import remember_runs
from towpath.cli.ui.follow import Narrator, conclude, follow
from towpath.orchestration.runs import Run
from towpath.orchestration.server import Server
from towpath.settings import Settings


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
    remember_runs(Settings.load(os.environ), reversed(followed.runs))
    conclude(server, followed, output=output)


def tell_started(server: Server, run: Run, *, new: bool, output: str) -> None:
    """Which run it is, and its page."""
    remember_runs(Settings.load(os.environ), [run])
    found = {**run.to_json(), "url": server.url(run), "new": new}
    click.echo(json.dumps(found, indent=2) if output == "json" else f"{run.name}  {server.url(run)}")
