"""`towpath rbac`: the Roles that an environment's agent needs, and no more."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from towpath.cli.ui.options import checked_name, context_option, environment_argument
from towpath.cli.ui.planning import open_source, source_options
from towpath.errors import MissingPartError
from towpath.printable import printable

if TYPE_CHECKING:
    from towpath.adapters.kubernetes import Cluster
    from towpath.config import Environment
    from towpath.settings import Settings


@click.command(name="rbac")
@environment_argument
@source_options
@context_option
@click.option(
    "--namespace",
    default="towpath",
    show_default=True,
    callback=checked_name,
    help="Namespace of the ServiceAccount.",
)
@click.option(
    "--account", callback=checked_name, help="Name of the ServiceAccount.  [default: towpath-ENVIRONMENT]"
)
@click.option("--lease", is_flag=True, help="Several agents of ENVIRONMENT share a Lease in that namespace.")
@click.option("--offline", is_flag=True, help="By what Git says alone: the cluster is not asked.")
@click.option(
    "--output", type=click.Choice(["yaml", "json"]), default="yaml", help="How to print the result."
)
def command(  # noqa: PLR0913, PLR0917
    environment: str,
    repo: Path | None,
    revision: str | None,
    context: str | None,
    namespace: str,
    account: str | None,
    lease: bool,
    offline: bool,
    output: str,
) -> None:
    """Print the Roles and ClusterRoles that the agent of ENVIRONMENT needs now, bound to its ServiceAccount.

    They follow from what the apps have in Git, from what inventories still hold of things that have left it,
    and from the environment's extras and smoke checks: the verbs that are used on each kind, in each
    namespace, and by name on what has no namespace. Nothing is written. Apply it as an administrator, and
    once more when apps get other kinds. People who run verbs have accounts of their own.

    \b
    Examples:
      towpath rbac prod
      towpath rbac prod > rights.yaml && kubectl apply --server-side -f rights.yaml
      towpath rbac prod --namespace delivery --account agent
      towpath rbac prod --namespace towpath-system --lease
      towpath rbac prod --repo . --offline
      towpath rbac prod --revision my-branch --output json
    """
    from towpath.engine.rights.rights import Asked, rights_of
    from towpath.kube.rights import Account

    source = open_source(repo, revision, context)
    whose = Account(namespace, account or f"towpath-{environment}")
    where = source.config.environment(environment)
    connect = None if offline else _connect(source.settings)
    asked = Asked(source.root, source.config, where, whose, source.commit, connect, lease)
    found = rights_of(asked, tools=source.settings.tools, cache=source.settings.renders)
    if output == "json":
        click.echo(printable(json.dumps(found.to_json(), indent=2, ensure_ascii=False)))
    else:
        click.echo(printable(found.to_yaml()), nl=False)


def _connect(settings: "Settings") -> "Callable[[Environment], Cluster]":
    from towpath.adapters.kubernetes import connect_environment

    def connect(environment: "Environment") -> "Cluster":
        try:
            return connect_environment(environment, settings.connection)
        except MissingPartError as error:
            raise MissingPartError(
                error.message,
                remedy=f"{error.remedy or ''} Or give --offline: then inventories are not read.".strip(),
            ) from error

    return connect
