"""`towpath local`: every part on this machine. Imports neither Prefect nor Kubernetes."""

import json
import os
import platform
import shlex
import sys
import time
from typing import TYPE_CHECKING

import click

from towpath.cli.completion.values import complete_component
from towpath.cli.ui.options import output_option
from towpath.settings import Settings

if TYPE_CHECKING:
    from towpath.local.common.stack import Stack
    from towpath.local.lifecycle.status import ComponentStatus
    from towpath.progress import Progress


@click.group()
def command() -> None:
    """Run every part on this machine: Prefect, workers, registry, Git repositories, Docker, Kubernetes.

    \b
    Examples:
      towpath local up --port prefect=4300
      towpath local logs kubelet -f
      eval "$(towpath local env)"
    """


@command.command()
@click.option("--port", "ports", multiple=True, metavar="NAME=N", help="Another port for a part. Repeatable.")
@click.option("--subnet", metavar="CIDR", help="Network of the pods.")
@click.option("--kubeconfig", metavar="FILE", help="Use this cluster (default: KUBECONFIG) and start none.")
@click.option("--context", metavar="NAME", help="Use this context of the kubeconfig.")
@click.option("--registry", metavar="HOST:PORT", help="Use this registry and start none.")
@click.option("--environments", metavar="URL", help="Use this environment repository and make none.")
def up(  # noqa: PLR0913
    *,
    ports: tuple[str, ...],
    subnet: str | None,
    kubeconfig: str | None,
    context: str | None,
    registry: str | None,
    environments: str | None,
) -> None:
    """Start what is missing and nothing else.

    Ports, subnet, registry and environments are remembered until `down --purge`; whether the machine has a
    cluster (KUBECONFIG) or a Docker Engine (DOCKER_HOST) of its own is asked at every start.
    """
    from towpath.errors import TerminalError
    from towpath.local.common.lock import locked
    from towpath.local.common.options import RequestedOptions, decide_options, refuse_malformed
    from towpath.local.common.stack import Options
    from towpath.local.common.system import effective_user
    from towpath.local.lifecycle import up as bring
    from towpath.local.lifecycle.supervisor import Supervisor
    from towpath.local.users.settle import settle_users
    from towpath.progress import format_seconds, progress_on

    requested = RequestedOptions(ports, subnet, kubeconfig, context, registry, environments)
    try:
        refuse_malformed(requested)
    except TerminalError as error:
        raise click.UsageError(str(error)) from error
    begin = time.monotonic()
    stack = _stack()
    layout = stack.layout
    layout.create()
    with locked(layout.lock, lambda text: click.echo(text, err=True)):
        running = Supervisor(stack).is_up()
        stack = stack.with_options(
            decide_options(layout, Options.load(layout), requested, os.environ, running=running)
        )
        bring.refuse_impossible(stack, platform.system(), effective_user())
        progress = progress_on()
        _get_programs(stack, progress)
        one_user = ""
        if not running:
            stack, one_user = settle_users(stack, os.environ)
        started = bring.up(stack, progress)
    what = "up" if started.seconds else "already up"
    click.echo(f"The local stack is {what} ({format_seconds(time.monotonic() - begin)}).")
    click.echo(f"  Prefect UI    http://{stack.address('prefect')}")
    click.echo(f"  registry      {stack.registry}")
    click.echo(f"  environments  {stack.environments_url}")
    if one_user:
        click.echo(f"  users         one for all agents, and nothing keeps them apart: {one_user}")
    click.echo('  your shell    eval "$(towpath local env)"')
    if not stack.own_cluster and started.seconds:
        click.echo("Your cluster was not touched. To give each environment an account of its own, apply:")
        click.echo(f"  {_write_accounts(stack)}")


@command.command()
@click.option("--purge", is_flag=True, help="Remove the data too: images, repositories, history.")
def down(*, purge: bool) -> None:
    """Stop everything; leave no process, mount or network interface behind."""
    from towpath.local.common.lock import locked
    from towpath.local.lifecycle import down as bring
    from towpath.progress import format_seconds, progress_on

    begin = time.monotonic()
    stack = _stack()
    if not stack.layout.root.exists():
        click.echo("There is no local stack.")
        return
    with locked(stack.layout.lock, lambda text: click.echo(text, err=True)):
        bring.down(stack, progress_on(), purge=purge)
    kept = "" if purge else f" Its data stays in {stack.layout.root}."
    click.echo(f"The local stack is down ({format_seconds(time.monotonic() - begin)}).{kept}")


@command.command()
@output_option
def status(output: str) -> None:
    """Show every component; exit code 1 when one is not ready."""
    from towpath.local.lifecycle import status as view

    stack = _stack()
    statuses = view.status(stack)
    if not any(one.pid for one in statuses):
        click.echo("The local stack is not up. `towpath local up` starts it.", err=True)
    if output == "json":
        click.echo(json.dumps([one.to_json() for one in statuses], indent=2))
    else:
        _print_table(statuses)
        for one in view.recent_deaths(statuses, time.time()):
            _print_problem(stack, one)
    sys.exit(0 if all(one.ready for one in statuses) else 1)


@command.command()
@click.argument("component", shell_complete=complete_component)
@click.option("-f", "--follow", "follows", is_flag=True, help="Go on with new lines.")
@click.option("-n", "--lines", default=100, show_default=True, help="How many of the last lines.")
def logs(component: str, lines: int, *, follows: bool) -> None:
    """Show the log of a component."""
    from towpath.local.lifecycle import logs as files
    from towpath.redact import redact

    path = files.log_of(_stack().layout, component)
    for line in files.follow(path, lines) if follows else files.last_lines(path, lines):
        click.echo(redact(line))


@command.command()
def env() -> None:
    """Print what a shell needs to reach the stack: eval "$(towpath local env)"."""
    from towpath.errors import TransientError
    from towpath.local.common.files import read_json

    stack = _stack()
    variables = read_json(stack.layout.settings)
    if not variables:
        raise TransientError("the local stack is not up", remedy="`towpath local up` starts it.")
    for name, value in sorted({**variables, "TOWPATH_HOME": str(stack.settings.home)}.items()):
        click.echo(f"export {name}={shlex.quote(value)}")
    click.echo(f"export PATH={shlex.quote(str(stack.settings.tools))}:$PATH")


def _stack() -> "Stack":
    from towpath.local.common.layout import Layout
    from towpath.local.common.stack import Options, Stack

    settings = Settings.load(os.environ)
    layout = Layout(settings.local.absolute())
    return Stack(layout, Options.load(layout) or Options(subnet=layout.subnet), settings)


def _get_programs(stack: "Stack", progress: "Progress") -> None:
    from towpath.local.programs import tools

    wanted = ["busybox", "kustomize", "ssh-keygen"]
    wanted += tools.CLUSTER if stack.own_cluster else ()
    wanted += ["registry"] if stack.own_registry else []
    wanted += ["docker", "containerd", "runc"] if stack.own_engine else []
    missing = [name for name in dict.fromkeys(wanted) if not tools.is_here(name, stack.settings)]
    if missing:
        tools.ensure_tools(missing, stack.settings, progress)


def _write_accounts(stack: "Stack") -> str:
    from towpath.local.common.files import write_private
    from towpath.local.parts.accounts import objects
    from towpath.yamltext.writer import dump_all

    path = stack.layout.root / "accounts.yaml"
    write_private(path, dump_all(objects()))
    return f"kubectl apply --server-side -f {path}"


def _print_table(statuses: "tuple[ComponentStatus, ...]") -> None:
    rows = [("COMPONENT", "STATE", "READY", "PID", "PORT", "MEMORY", "UPTIME", "DIED")]
    rows += [
        (
            one.name,
            one.state.lower(),
            "yes" if one.ready else "no",
            str(one.pid or "-"),
            ",".join(map(str, one.ports)) or "-",
            f"{one.memory / 2**20:.0f} MiB" if one.memory else "-",
            _age(one.uptime),
            str(one.died or "-"),
        )
        for one in statuses
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    total = sum(one.memory or 0 for one in statuses)
    click.echo(f"{sum(one.ready for one in statuses)} of {len(statuses)} ready, {total / 2**20:.0f} MiB")


def _print_problem(stack: "Stack", one: "ComponentStatus") -> None:
    from towpath.local.lifecycle import logs as files

    if one.last_death:
        ago = _age(time.time() - one.last_death.at)
        click.echo(f"\n{one.name} ended by itself {ago} ago: {one.last_death.how}", err=True)
    elif one.uptime is None:
        return
    if not one.ready:
        click.echo(f"\n{one.name} is not ready: {one.problem}", err=True)
    if ending := files.tail(stack.layout, one.name, 5):
        click.echo("the last lines of its log:\n  " + ending.replace("\n", "\n  "), err=True)


def _age(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes:02}m" if hours else f"{minutes}m{rest:02}s" if minutes else f"{rest}s"
