"""`towpath restart`: new pods for an app, without a change in Git."""

import json
from datetime import UTC, datetime

import click

from towpath.cli.completion.values import complete_workload_kind
from towpath.cli.ui.options import app_argument, context_option, environment_argument, output_option
from towpath.printable import printable


@click.command(name="restart")
@app_argument
@environment_argument
@click.argument("objects", nargs=-1, metavar="[KIND/NAME]...", shell_complete=complete_workload_kind)
@context_option
@output_option
def command(app: str, environment: str, objects: tuple[str, ...], context: str | None, output: str) -> None:
    """Restart the Deployments, StatefulSets and DaemonSets of APP in ENVIRONMENT, or those that are named.

    As `kubectl rollout restart`: controllers replace the pods one after another, by their own strategy. It is
    no drift, and no sync takes it back. Refused while the environment or the app is paused.

    \b
    Examples:
      towpath restart hello prod
      towpath restart hello prod deployment/web
      towpath restart hello prod && towpath wait hello prod --healthy
    """
    from towpath.cli.ui.names import load_environments
    from towpath.cli.ui.planning import load_settings
    from towpath.engine.live.context import environment_context
    from towpath.engine.operate.app_objects import read_app_objects
    from towpath.engine.operate.restart import Workload, choose_workloads, restart_workload
    from towpath.errors import RefusedError
    from towpath.gates.pause import active_pause

    try:
        named = [Workload.parse(each) for each in objects]
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="KIND/NAME") from error
    settings = load_settings(context)
    desired = load_environments(settings)
    desired.config.environment(environment)
    now = datetime.now(UTC)
    if pause := active_pause(desired.pauses(environment), app, now):
        raise RefusedError(
            f"{app} in {environment} is {pause}", remedy=f"`towpath resume {environment}` ends it."
        )
    place = environment_context(settings, desired, environment)
    live = choose_workloads(read_app_objects(place, app), named)
    at = now.isoformat(timespec="seconds").replace("+00:00", "Z")
    restarted = []
    for each in live:
        ref = restart_workload(place.cluster, each, at)
        restarted.append(ref)
        if output == "text":
            click.echo(printable(f"{ref} restarted"))
    if output == "json":
        data = {
            "app": app,
            "environment": environment,
            "at": at,
            "restarted": [ref.to_json() for ref in restarted],
        }
        click.echo(printable(json.dumps(data, indent=2)))
