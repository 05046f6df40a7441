"""`towpath reconcile`: make an environment equal to Git now."""

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from towpath.cli.completion.names import complete_app
from towpath.cli.ui.options import detach_option, environment_argument, output_option
from towpath.orchestration import keys

if TYPE_CHECKING:
    from towpath.config import Config
    from towpath.orchestration.runs import Run
    from towpath.orchestration.server import Server

TURNS = 5
"""How often another reconcile may come between before we give up."""


@click.command(name="reconcile")
@environment_argument
@click.argument("apps", nargs=-1, metavar="[APP]...", shell_complete=complete_app)
@click.option("--reset-budget", is_flag=True, help="Heal again what was healed too often and is left alone.")
@detach_option
@output_option
def command(environment: str, apps: tuple[str, ...], reset_budget: bool, detach: bool, output: str) -> None:
    """Find what differs from Git in ENVIRONMENT, heal or report it as its mode says, verify.

    With APP only that one, or those. Rebuilds everything when the namespace is gone. Where another reconcile
    is going on already, that one is followed first: it may have looked before you changed something.

    \b
    Examples:
      towpath reconcile prod
      towpath reconcile prod hello
      towpath reconcile dev --output json
      towpath reconcile prod --reset-budget
    """
    from towpath.cli.ui.follow import Narrator, conclude, follow
    from towpath.cli.ui.names import load_environments
    from towpath.cli.ui.started import see_through
    from towpath.orchestration.server import connect, require_agent
    from towpath.settings import Settings

    settings = Settings.load(os.environ)
    require_agent(settings, environment)
    config = load_environments(settings).config
    config.environment(environment)
    with connect(settings) as server:
        require_known(server, config, environment, apps)
        run = start(server, environment, apps, reset_budget=reset_budget)
        if detach:
            see_through(server, run, new=True, detach=True, output=output)
            return
        with Narrator(quiet=output == "json") as narrator:
            followed = follow(server, run, narrator, path=False)
            for _ in range(TURNS):
                if not was_in_the_way(followed.last):
                    break
                narrator.line(f"another reconcile of {environment} is going on: it is followed first")
                for other in going_on(server, environment):
                    follow(server, other, narrator, path=False)
                again = start(server, environment, apps, reset_budget=reset_budget)
                followed = follow(server, again, narrator, path=False)
        if output == "text" and (found := server.report(followed.last, keys.drift_key(environment))):
            click.echo(found.rstrip() + "\n")
        conclude(server, followed, output=output)


def require_known(server: "Server", config: "Config", environment: str, apps: Sequence[str]) -> None:
    """UnknownNameError for an app that Git does not have, unless something of it was live there last."""
    if not set(apps) <= config.apps.keys():
        rows, _ = server.table(keys.status_key(environment))
        live = {str(row.get("app")) for row in rows}
        for app in apps:
            if app not in live:
                config.app(app)


def start(
    server: "Server", environment: str, apps: Sequence[str] = (), *, reset_budget: bool = False
) -> "Run":
    """A new reconcile run of the environment, or only of some of its apps."""
    parameters: dict[str, Any] = {"environment": environment}
    parameters |= {"apps": list(dict.fromkeys(apps))} if apps else {}
    return server.start(
        keys.deployment(keys.RECONCILE, environment),
        parameters | ({"reset_budget": True} if reset_budget else {}),
        name=keys.reconcile_name(environment),
        tags=[keys.environment_tag(environment)],
    )[0]


def was_in_the_way(run: "Run") -> bool:
    """Whether the server cancelled the run because the deployment allows one at a time."""
    return run.kind == "CANCELLED" and "concurrency" in run.message.lower()


def going_on(server: "Server", environment: str) -> list["Run"]:
    """Reconcile runs of the environment that a worker has begun."""
    return server.find(keys.RECONCILE, kinds=["PENDING", "RUNNING"], tags=[keys.environment_tag(environment)])
