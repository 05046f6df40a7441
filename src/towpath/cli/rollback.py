"""`towpath rollback`: restore an earlier release by a new commit."""

import os

import click

from towpath.cli.ui.options import app_argument, detach_option, environment_argument, output_option


@click.command(name="rollback")
@app_argument
@environment_argument
@click.option("--to", help="Digest or commit to go back to; the last verified one before if left out.")
@detach_option
@output_option
def command(app: str, environment: str, to: str | None, detach: bool, output: str) -> None:
    """Restore an earlier release of APP in ENVIRONMENT, then sync and verify it.

    \b
    Examples:
      towpath rollback hello prod
      towpath rollback hello prod --to 1a2b3c4
    """
    from towpath.cli.ui.names import load_environments
    from towpath.cli.ui.started import see_through
    from towpath.engine.gates.rollback import choose_earlier
    from towpath.engine.source.keys import load_trusted_keys
    from towpath.orchestration import keys
    from towpath.orchestration.server import connect
    from towpath.settings import Settings

    settings = Settings.load(os.environ)
    if settings.trusted_keys is not None:
        # Git can tell whether there is such a release: no run is needed for that.
        trusted = load_trusted_keys(settings.trusted_keys)
        choose_earlier(load_environments(settings), trusted, app, environment, to)
    with connect(settings) as server:
        run, new = server.start(
            keys.deployment(keys.ROLLBACK, environment),
            {"app": app, "environment": environment, "to": to},
            name=keys.rollback_name(app, environment),
            tags=[keys.app_tag(app), keys.environment_tag(environment)],
        )
        see_through(server, run, new=new, detach=detach, output=output)
