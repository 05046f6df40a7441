"""`towpath runs`: the runs of an app or an environment, and following one again."""

import json
import os
from typing import TYPE_CHECKING, Any

import click

from towpath.cli.completion.known_runs import remember_runs
from towpath.cli.completion.names import complete_app
from towpath.cli.completion.values import complete_run
from towpath.cli.ui.options import environment_option, output_option
from towpath.cli.views.tables import age, table
from towpath.orchestration import keys
from towpath.printable import headline, printable

if TYPE_CHECKING:
    from towpath.orchestration.runs import Run
    from towpath.orchestration.server import Server
    from towpath.settings import Settings

FLOWS = (keys.DELIVER, keys.PROMOTE, keys.ROLLBACK, keys.RECONCILE)
STATES = {
    "scheduled": ("SCHEDULED", "PENDING"),
    "running": ("RUNNING", "CANCELLING"),
    "waiting": ("PAUSED",),
    "failed": ("FAILED", "CRASHED", "CANCELLED"),
    "succeeded": ("COMPLETED",),
}
"""What people ask for -> types of states."""
COLUMNS = ("RUN", "WHAT", "STATE", "SINCE", "STARTED", "BY", "MESSAGE")
SHORT = 8
"""First digits of a run's id, which are enough for --follow."""


@click.command(name="runs")
@click.option("--app", shell_complete=complete_app, help="Only runs of this app.")
@environment_option
@click.option(
    "--flow", "flows", multiple=True, type=click.Choice(FLOWS),
    help="Only runs of this flow. Repeatable.  [default: all but reconcile]",
)  # fmt: skip
@click.option("--state", "states", multiple=True, type=click.Choice(list(STATES)), help="Repeatable.")
@click.option(
    "-n", "--limit", type=click.IntRange(1, 200), default=20, show_default=True, help="Rows at most."
)
@click.option(
    "--follow",
    "run_id",
    metavar="RUN",
    shell_complete=complete_run,
    help="Follow this run: its id, the first 8 digits, or its URL.",
)
@output_option
def command(  # noqa: PLR0913, PLR0917
    app: str | None,
    environment: str | None,
    flows: tuple[str, ...],
    states: tuple[str, ...],
    limit: int,
    run_id: str | None,
    output: str,
) -> None:
    """List deliveries, promotions and rollbacks, the newest first; reconciles by `--flow reconcile`.

    --follow goes on telling what a run does, and the promotions that it leads to, after an interrupt or from
    another machine: as `towpath deliver` does. Its exit code is that of the run: 0 it succeeded or waits for
    approval, 1 it failed.

    \b
    Examples:
      towpath runs
      towpath runs --app hello --state waiting --state running
      towpath runs --environment prod --flow reconcile
      towpath runs --follow 1a2b3c4d
    """
    from towpath.orchestration.server import connect
    from towpath.settings import Settings

    settings = Settings.load(os.environ)
    if run_id is not None:
        if app or environment or flows or states:
            raise click.UsageError("--follow names one run, and goes with no filter.")
        _follow(settings, run_id, output)
        return
    _require_names(settings, app, environment)
    tags = [keys.app_tag(app)] if app else []
    tags += [keys.environment_tag(environment)] if environment else []
    kinds = [kind for state in states for kind in STATES[state]]
    chosen = flows or tuple(flow for flow in FLOWS if flow != keys.RECONCILE)
    with connect(settings) as server:
        found = server.recent(chosen, kinds=kinds, tags=tags, limit=limit)
        data = [to_json(server, run) for run in found]
    remember_runs(settings, found)
    if output == "json":
        click.echo(json.dumps(data, indent=2))
    else:
        click.echo(text(found) if found else "no such run was started yet.")


def to_json(server: "Server", run: "Run") -> dict[str, Any]:
    """For `--output json`: as other verbs have it, with times, who started it, and its page."""
    return {
        **run.to_json(),
        "created": run.created.isoformat() if run.created else None,
        "changed": run.at.isoformat() if run.at else None,
        "by": keys.person_of(run.tags),
        "url": server.url(run),
    }


def text(found: "list[Run]") -> str:
    """A line for each run."""
    rows = [
        (
            run.id[:SHORT],
            run.name,
            run.state,
            age(run.at.isoformat() if run.at else ""),
            f"{age(run.created.isoformat() if run.created else '')} ago",
            keys.person_of(run.tags),
            _message(run),
        )
        for run in found
    ]
    return printable(table([COLUMNS, *rows]))


def _message(run: "Run") -> str:
    from towpath.cli.ui.follow import plain_message

    return headline(plain_message(run.message))


def _require_names(settings: "Settings", app: str | None, environment: str | None) -> None:
    """UnknownNameError for a name that towpath.yaml does not have, where this machine can read it."""
    from towpath.cli.ui.names import load_environments
    from towpath.errors import MissingPartError, TransientError

    if app is None and environment is None:
        return
    try:
        config = load_environments(settings).config
    except (MissingPartError, TransientError):
        return
    if app is not None:
        config.app(app)
    if environment is not None:
        config.environment(environment)


def _follow(settings: "Settings", run_id: str, output: str) -> None:
    from towpath.cli.ui.follow import Narrator, conclude, follow
    from towpath.orchestration.server import connect

    with connect(settings) as server:
        run = find_run(server, run_id)
        with Narrator(quiet=output == "json") as narrator:
            followed = follow(server, run, narrator)
        conclude(server, followed, output=output)


def find_run(server: "Server", named: str) -> "Run":
    """The run of that id, of its first digits, or of its page's URL. UnknownNameError for none or several."""
    from towpath.errors import UnknownNameError

    digits = named.rstrip("/").rpartition("/")[2]
    if len(digits) == 36 or len(digits) < SHORT:
        return server.run(digits)
    newest = server.recent(FLOWS, kinds=(), tags=(), limit=200)
    found = [run for run in newest if run.id.startswith(digits.lower())]
    if len(found) != 1:
        where = "the newest 200 runs: give its whole id" if not found else "several runs: give its whole id"
        raise UnknownNameError("run", named, where=where)
    return found[0]
