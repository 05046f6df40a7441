"""`towpath doctor`: say what is here, what is missing, and how to get it."""

import json
import os
import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Sequence

    from towpath.local.programs.checks import Check

SIGNS = {"ok": ("✓", "green"), "gettable": ("+", "cyan"), "missing": ("✗", "red"), "absent": ("-", None)}


@click.command()
@click.option("--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option(
    "--get", is_flag=True, help="Build and install now what `towpath local up` would; start nothing."
)
@click.option("--charts", is_flag=True, help="With --get: helm, too, which only Helm charts need.")
def command(output: str, get: bool, charts: bool) -> None:
    """Say what is here, what is missing, and how to get it.

    \b
    ✓ here   + `towpath local up` gets it   ✗ needed and missing   - not here, not needed
    Exits with 1 if something needed is missing that `towpath local up` cannot get.

    \b
    Examples:
      towpath doctor
      towpath doctor --output json
      towpath doctor --get                       programs first, the stack later
      towpath doctor --get --charts              and helm
      KUBECONFIG=~/.kube/config towpath doctor   with a cluster of your own
    """
    if charts and not get:
        raise click.UsageError("--charts says what --get gets: give both.")
    from towpath.local.programs import doctor, tools
    from towpath.progress import progress_on
    from towpath.settings import Settings

    settings = Settings.load(os.environ)
    if get:
        names = (*doctor.required_parts(os.environ).tools, *(["helm"] if charts else []))
        tools.ensure_tools(names, settings, progress_on())
        return
    checks = doctor.examine(settings, os.environ)
    if output == "json":
        click.echo(json.dumps([check.to_json() for check in checks], indent=2))
    else:
        show(checks)
    sys.exit(1 if doctor.fails(checks) else 0)


def show(checks: "Sequence[Check]") -> None:
    """One line per check, and a second one for what to do."""
    width = max(len(check.name) for check in checks)
    for check in checks:
        sign, color = SIGNS[check.status.value]
        click.echo(f"{click.style(sign, fg=color)} {check.name:{width}}  {check.detail}")
        if check.remedy and check.status.value != "absent":
            click.echo(f"  {'':{width}}  {click.style(check.remedy, fg=color)}")
