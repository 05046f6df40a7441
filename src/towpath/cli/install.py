"""`towpath install`: Towpath in a cluster, from keys to work pools."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from towpath.cli.ui.options import checked_name, context_option, output_option
from towpath.printable import printable

if TYPE_CHECKING:
    from towpath.install.install import Installation, InstallPlan
    from towpath.install.objects import Target
    from towpath.install.reach import Reach

F = TypeVar("F", bound=Callable[..., Any])


def namespace_option(function: F) -> F:
    """`--namespace` of an installation."""
    return click.option(
        "--namespace",
        default="towpath-system",
        show_default=True,
        callback=checked_name,
        help="Namespace of Towpath's parts.",
    )(function)


@click.command(name="install")
@context_option
@click.option(
    "--values",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="Values of the chart: docs/guides/install.md.",
)
@namespace_option
@click.option(
    "--prefect", "api", default="", help="Address of the Prefect API from here, if not as in the values."
)
@click.option("--dry-run", is_flag=True, help="Show the plan; write nothing.")
@click.option("--wait/--no-wait", default=True, help="Wait until everything runs, or end once it is applied.")
@click.option("--timeout", default="10m", show_default=True, help="How long each wait may take.")
@click.option("--take-over", is_flag=True, help="Take over objects that Helm or somebody else has made.")
@output_option
def command(  # noqa: PLR0913, PLR0917
    context: str | None,
    values: Path,
    namespace: str,
    api: str,
    dry_run: bool,
    wait: bool,
    timeout: str,
    take_over: bool,
    output: str,
) -> None:
    """Install Towpath in a cluster, or bring an installation to other values or to this version.

    It makes what is missing: namespaces, the agents' keys and the file of trusted keys, passwords that nobody
    has to choose, the chart's objects, and at the Prefect server a work pool, a lock and the deployments of
    each environment. Private keys go into Secrets of the cluster and nowhere else. Secrets that are yours, as
    the login of Git, have to be there: it names those that are not. Run again, it does what is left; with
    nothing left it changes nothing. It ends with 1 if something is refused, missing or not healthy in time.

    \b
    Examples:
      towpath install --context prod --values values.yaml --dry-run
      towpath install --context prod --values values.yaml
      towpath install --context prod --values values.yaml --no-wait --output json
      towpath install --context eu --values agent-alone.yaml --namespace towpath-agents
      towpath doctor --cluster --context prod             what is wrong, and the way out
    """
    from towpath.config import parse_duration
    from towpath.install.install import install, plan_installation, require_possible
    from towpath.progress import SilentProgress, progress_on

    try:
        seconds = parse_duration(timeout).total_seconds()
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--timeout") from error
    wanted = _installation(context, values, namespace, api, take_over=take_over)
    planned = plan_installation(wanted)
    if output == "text":
        click.echo(printable("\n".join((planned.plan.to_text(), *planned.needs()))))
    left: tuple[str, ...] = ()
    if not dry_run:
        progress = progress_on() if output == "text" else SilentProgress()
        left = install(wanted, planned, progress, wait=wait, seconds=seconds)
    if output == "json":
        click.echo(printable(json.dumps(_json(planned, left, applied=not dry_run), indent=2)))
    for line in left if output == "text" else ():
        click.echo(f"left: {line}")
    if dry_run:
        require_possible(planned, wait=wait)


def _json(planned: "InstallPlan", left: tuple[str, ...], *, applied: bool) -> dict[str, object]:
    return {
        **planned.plan.to_json(),
        "missing": [{"object": e.ref.to_json(), "key": e.key, "pod": pod} for e, pod in planned.missing],
        "applied": applied,
        "left": list(left),
    }


def _installation(
    context: str | None, values: Path, namespace: str, api: str, *, take_over: bool
) -> "Installation":
    from towpath.adapters.evidence.key_files import KeyFolder
    from towpath.adapters.rendering.own_chart import render_own_chart
    from towpath.install.install import Installation
    from towpath.settings import Settings

    settings = Settings.load(os.environ)
    folder = KeyFolder(Path(os.environ.get("TOWPATH_KEYS") or settings.keys))
    target = target_of(context, namespace, take_over=take_over)
    objects = render_own_chart(values, namespace, settings.tools, target.cluster.version())
    return Installation(target, objects, folder, reach_of(context, api))


def reach_of(context: str | None, url: str) -> "Reach":
    """The way to the Prefect server: the address, or kubectl as this machine names the cluster."""
    from towpath.adapters.port_forward import kubectl_of
    from towpath.cli.ui.planning import load_settings
    from towpath.install.reach import Reach

    settings = load_settings(context)
    program = kubectl_of(settings.tools)
    named = [f"--context={settings.context}"] if settings.context else []
    named += [f"--kubeconfig={settings.kubeconfig}"] if settings.kubeconfig else []
    return Reach(url, (program, *named) if program else ())


def target_of(context: str | None, namespace: str, *, take_over: bool = False) -> "Target":
    """The installation in the cluster of that context, which has to be named: nothing is guessed here."""
    from towpath.adapters.kubernetes import connect
    from towpath.cli.completion.names import contexts
    from towpath.cli.ui.planning import load_settings
    from towpath.errors import RefusedError
    from towpath.install.objects import Target

    settings = load_settings(context)
    if settings.context is None:
        known = ", ".join(contexts(settings)) or "none: set KUBECONFIG"
        raise RefusedError(
            "no context is named, and the current one may be another cluster than is meant",
            remedy=f"Give --context (or TOWPATH_CONTEXT). There are: {known}.",
        )
    cluster = connect(settings.kubeconfig, settings.context, allow_exec=settings.allow_exec)
    return Target(cluster, namespace, take_over)
