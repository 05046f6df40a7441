"""`towpath resume`: end a pause before its time, by a commit."""

import json
import os
import uuid
from datetime import UTC, datetime
from pathlib import Path

import click

from towpath.cli.completion.names import complete_app
from towpath.cli.ui.options import environment_argument, output_option, sign_options
from towpath.printable import printable


@click.command(name="resume")
@environment_argument
@click.option("--app", shell_complete=complete_app, help="Only the pause of this app.")
@sign_options
@output_option
def command(environment: str, app: str | None, sign: bool, key: Path | None, output: str) -> None:
    """End the pause of ENVIRONMENT, or of one app in it. The next reconcile writes again.

    A pause whose time is over needs no resume. Where owners protect the policy, one of them must sign the
    end of a pause.

    \b
    Examples:
      towpath resume prod
      towpath resume prod --app hello
      towpath resume prod --sign
    """
    from towpath.cli.ui.names import load_environments
    from towpath.cli.ui.pausing import commit_pauses, named, signed_end
    from towpath.cli.ui.signing import key_file
    from towpath.gates.pause import active_pause, remove_pause, resume_message
    from towpath.orchestration.server import whoami
    from towpath.settings import Settings

    now = datetime.now(UTC)
    environments = load_environments(Settings.load(os.environ))
    environments.config.environment(environment)
    pauses = environments.pauses(environment)
    ended = [each for each in pauses if each.app == (app or "") and each.holds(each.app, now)]
    commit, by, marker = "", whoami(), uuid.uuid4().hex
    if ended:
        own = key_file(key, Path.home()) if sign or key else None
        signed = signed_end(environments, environment, app or "", own)
        message = resume_message(environment, app or "", by, marker)
        commit = commit_pauses(
            environments,
            environment,
            lambda old: remove_pause(old, app or "", now),
            message,
            key=marker,
            by=by,
            signed=signed,
        )
    left = active_pause([each for each in pauses if each not in ended], app or "", now)
    if output == "json":
        found = {
            "environment": environment,
            "app": app or "",
            "resumed": bool(ended),
            "commit": commit,
            "paused": left.to_json() if left else None,
        }
        click.echo(json.dumps(found, indent=2))
        return
    what = named(environment, app)
    click.echo(f"{what} is resumed (commit {commit[:7]})" if ended else f"{what} was not paused")
    if left:
        click.echo(printable(f"{environment} is still {left}"))
