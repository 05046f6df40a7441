"""`towpath pause`: write nothing to an environment, or for one of its apps, until a time."""

import json
import os
import uuid
from datetime import UTC, datetime

import click

from towpath.cli.completion.names import complete_app
from towpath.cli.ui.options import environment_argument, output_option
from towpath.printable import printable


@click.command(name="pause")
@environment_argument
@click.option("--app", shell_complete=complete_app, help="Only this app.")
@click.option("--until", required=True, help="Its end: 2h, 1d12h, or a time such as 2026-11-21T18:00.")
@click.option("--reason", required=True, help="Why, for everybody who wonders.")
@output_option
def command(environment: str, app: str | None, until: str, reason: str, output: str) -> None:
    """Pause ENVIRONMENT: until the given time no reconcile writes to it, and no promotion enters.

    Drift is still found and shown. The pause is a commit in the environment repository and ends by itself;
    pausing again replaces it. A rollback goes on as always.

    \b
    Examples:
      towpath pause prod --until 2h --reason "database migration"
      towpath pause prod --app hello --until 2026-11-21T18:00 --reason "looking for a leak"
    """
    from towpath.cli.ui.names import load_environments
    from towpath.cli.ui.pausing import commit_pauses, named
    from towpath.gates.pause import Pause, add_pause, parse_until, pause_message
    from towpath.orchestration.server import whoami
    from towpath.settings import Settings

    now = datetime.now(UTC)
    try:
        end = parse_until(until, now)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--until") from error
    if not reason.strip():
        raise click.BadParameter("must say why", param_hint="--reason")
    environments = load_environments(Settings.load(os.environ))
    environments.config.environment(environment)
    if app:
        environments.config.app(app)
    by, key = whoami(), uuid.uuid4().hex
    new = Pause(app or "", end, reason.strip(), by, now.isoformat(timespec="seconds"))
    message = pause_message(environment, new, key)
    commit = commit_pauses(
        environments, environment, lambda old: add_pause(old, new, now), message, key=key, by=by
    )
    if output == "json":
        click.echo(json.dumps({"environment": environment, "commit": commit, **new.to_json()}, indent=2))
    else:
        click.echo(printable(f"{named(environment, app)} is {new} (commit {commit[:7]})"))
