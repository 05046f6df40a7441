"""`towpath doctor`: say what is here, what is missing, and how to get it."""

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from towpath.cli.install import namespace_option
from towpath.cli.ui.options import context_option
from towpath.cli.ui.planning import source_options
from towpath.printable import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from towpath.install.doctor import Roles
    from towpath.install.objects import Target
    from towpath.kube.rights import Account
    from towpath.local.programs.checks import Check
    from towpath.objects import Manifest

SIGNS = {"ok": ("✓", "green"), "gettable": ("+", "cyan"), "missing": ("✗", "red"), "absent": ("-", None)}


@click.command()
@click.option("--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option(
    "--get", is_flag=True, help="Build and install now what `towpath local up` would; start nothing."
)
@click.option("--charts", is_flag=True, help="With --get: helm, too, which only Helm charts need.")
@click.option("--cluster", is_flag=True, help="Look at an installation in a cluster: `towpath install`.")
@context_option
@namespace_option
@click.option("--prefect", default="", help="With --cluster: address of the Prefect API from here.")
@source_options
def command(  # noqa: PLR0913, PLR0917
    output: str,
    get: bool,
    charts: bool,
    cluster: bool,
    context: str | None,
    namespace: str,
    prefect: str,
    repo: Path | None,
    revision: str | None,
) -> None:
    """Say what is here, what is missing, and how to get it.

    \b
    ✓ here   + `towpath local up` gets it   ✗ needed and missing   - not here, not needed
    Exits with 1 if something needed is missing that `towpath local up` cannot get.

    With --cluster it looks at an installation instead, and writes nothing there: its objects, Secrets and
    keys, pods, the database behind the Prefect server, which agents poll their work pools, versions, and
    whether each agent's account may do what its apps need, for which it reads the environment repository.

    \b
    Examples:
      towpath doctor
      towpath doctor --output json
      towpath doctor --get                       programs first, the stack later
      towpath doctor --get --charts              and helm
      KUBECONFIG=~/.kube/config towpath doctor   with a cluster of your own
      towpath doctor --cluster --context prod    an installation: what is wrong, and the way out
      towpath doctor --cluster --context prod --prefect http://127.0.0.1:4200/api --repo ../environments
    """
    if charts and not get:
        raise click.UsageError("--charts says what --get gets: give both.")
    if cluster:
        if get:
            raise click.UsageError("--get is for this machine, --cluster for an installation: give one.")
        _report(_examine(context, namespace, prefect, repo, revision), output)
    if context or prefect or repo or revision:
        raise click.UsageError("--context, --prefect, --repo and --revision are for --cluster.")
    from towpath.local.programs import doctor, tools
    from towpath.progress import progress_on
    from towpath.settings import Settings

    settings = Settings.load(os.environ)
    if get:
        names = (*doctor.required_parts(os.environ).tools, *(["helm"] if charts else []))
        tools.ensure_tools(names, settings, progress_on())
        return
    _report(doctor.examine(settings, os.environ), output)


def _report(checks: "Sequence[Check]", output: str) -> NoReturn:
    """Print the checks, and end with the exit code that they make."""
    from towpath.local.programs.doctor import fails

    if output == "json":
        click.echo(printable(json.dumps([check.to_json() for check in checks], indent=2)))
    else:
        show(checks)
    sys.exit(1 if fails(checks) else 0)


def _examine(
    context: str | None, namespace: str, prefect: str, repo: Path | None, revision: str | None
) -> "Sequence[Check]":
    from towpath.cli.install import reach_of, target_of
    from towpath.cli.ui.planning import load_settings
    from towpath.install.doctor import Installed, examine_installation

    target = target_of(context, namespace)
    known = repo is not None or revision is not None or load_settings(context).environments
    roles = _wanted_roles(target, repo, revision, context) if known else None
    return examine_installation(Installed(target, reach_of(context, prefect), roles))


def _wanted_roles(target: "Target", repo: Path | None, revision: str | None, context: str | None) -> "Roles":
    """As `towpath rbac` prints them, read when first asked for."""
    from towpath.cli.ui.planning import open_source
    from towpath.engine.rights.rights import Asked, rights_of

    def roles(environment: str, account: "Account") -> "Sequence[Manifest]":
        source = open_source(repo, revision, context)
        asked = Asked(
            *(source.root, source.config, source.config.environment(environment), account, source.commit),
            connect=lambda _: target.cluster,
        )
        return rights_of(asked, tools=source.settings.tools, cache=source.settings.renders).objects

    return roles


def show(checks: "Sequence[Check]") -> None:
    """One line per check, and a second one for what to do."""
    width = max(len(check.name) for check in checks)
    for check in checks:
        sign, color = SIGNS[check.status.value]
        click.echo(f"{click.style(sign, fg=color)} {check.name:{width}}  {printable(check.detail)}")
        if check.remedy and check.status.value != "absent":
            click.echo(f"  {'':{width}}  {click.style(printable(check.remedy), fg=color)}")
