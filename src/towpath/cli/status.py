"""`towpath status`: who runs what, where, is it healthy, in sync, and who is waited for."""

import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

import click

from towpath.cli.completion.names import complete_app
from towpath.cli.ui.options import environment_option, output_option
from towpath.errors import UnknownNameError
from towpath.printable import printable

if TYPE_CHECKING:
    from towpath.cli.views.status import EnvironmentStatus, Line

FAILED = 1


@click.command(name="status")
@environment_option
@click.option("--app", "apps", multiple=True, shell_complete=complete_app, help="Only this app. Repeatable.")
@click.option("--problems", is_flag=True, help="Only what is not as it should be, or waits for somebody.")
@output_option
def command(environment: str | None, apps: tuple[str, ...], problems: bool, output: str) -> None:
    """Show apps by environments: release, commit, health, in sync or drifted, and who is waited for.

    Releases come from Git, health and drift from the last reconcile. Told, too: a commit that no reconcile
    has seen, and a newer commit of an app's source that the first environment does not run. Of an app without
    images the newest commit that changed it stands in place of a release. Where environments form a graph
    they stand in its order, and AFTER says what each comes after. Exits 1 when what Git has of an app cannot
    be rendered or read.

    \b
    Examples:
      towpath status
      towpath status --app hello --problems
      towpath status --environment prod --output json
    """
    from towpath.cli.completion.known_runs import remember_runs
    from towpath.cli.ui.names import load_environments
    from towpath.cli.views.source_news import source_heads
    from towpath.cli.views.status import look
    from towpath.orchestration.server import connect
    from towpath.settings import Settings

    settings = Settings.load(os.environ)
    environments = load_environments(settings)
    config = environments.config
    chosen = [config.environment(environment)] if environment else list(config.ordered)
    first = {each.name for app in config.apps for each in config.first_environments(app)}
    with connect(settings) as server:
        waiting = [*server.waiting(), *server.soaking()]
        remember_runs(settings, waiting)
        heads = source_heads(environments) if first & {each.name for each in chosen} else {}
        found = [look(server, environments, each, waiting, heads) for each in chosen]
        found = narrowed(found, config.apps, apps, problems=problems)
    if output == "json":
        content = {
            "commit": environments.checkout.commit,
            "apps": [line.to_json() for each in found for line in each.lines],
            "environments": [each.to_json() for each in found],
            "policy": environments.protection.to_json(),
        }
        click.echo(json.dumps(content, indent=2))
    else:
        nothing = problems and not any(each.lines for each in found)
        notes = "\n".join(note for each in found for note in _notes(each))
        click.echo(printable(notes or "All is as it should be.") if nothing else table(found))
        for note in environments.protection.notes:
            click.secho(printable(f"policy: {note}"), fg="yellow")
    if any(each.error or any(line.error for line in each.lines) for each in found):
        sys.exit(FAILED)


def narrowed(
    found: "Sequence[EnvironmentStatus]", known: Iterable[str], apps: Sequence[str], *, problems: bool
) -> "list[EnvironmentStatus]":
    """Only these apps, and with `problems` what is not well. UnknownNameError for one that is nowhere."""
    there = {line.app for each in found for line in each.lines}
    for app in apps:
        if app not in there:
            raise UnknownNameError("app", app, known, where="Git, and nothing of it is live")
    return [
        replace(
            each,
            lines=tuple(
                line
                for line in each.lines
                if (not apps or line.app in apps) and (not problems or line.is_problem)
            ),
        )
        for each in found
    ]


def table(found: "Sequence[EnvironmentStatus]") -> str:
    """Columns for people; a line below for each thing that is not as it should be."""
    from towpath.config.keys.graph import needs_text

    rows: list[tuple[str, ...]] = [("APP", "ENVIRONMENT", "RELEASE", "HEALTH", "GIT", "CHECKED", "WAITS FOR")]
    rows += [_row(line) for each in found for line in each.lines]
    if any(each.after for each in found):
        told = ["AFTER", *(needs_text(line.after) or "-" for each in found for line in each.lines)]
        rows = [(*row[:2], after, *row[2:]) for row, after in zip(rows, told, strict=True)]
    notes = [note for each in found for note in _notes(each)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    body = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
    return printable("\n".join([*body, *([""] if notes else []), *notes]))


def _row(line: "Line") -> tuple[str, ...]:
    release = line.commit[:7] or line.release[7:14]
    release += "" if line.verified_at or not release else " (not verified)"
    people = "; ".join(
        f"{each['for']}, until {_clock(each['until'])}" if each["until"] else each["for"]
        for each in line.waiting
    )
    return (
        line.app,
        line.environment,
        release or "-",
        line.health or "-",
        line.drift or "-",
        _clock(line.checked_at),
        people or "-",
    )


def _notes(environment: "EnvironmentStatus") -> Iterator[str]:
    name = environment.name
    if environment.error:
        yield f"{name}: {environment.error}"
    if environment.failed:
        yield f"the last reconcile of {name} failed at {_clock(environment.failed_at)}: {environment.failed}"
    for line in environment.lines:
        where = f"{line.app} in {name}"
        if line.error:
            yield f"{where} cannot be rendered: {line.error}"
        if line.newer:
            yield f"{where}: no reconcile has carried this out yet: {line.newer}"
        if line.undelivered:
            newest = f"the newest commit {line.undelivered[:7]} of its source is not in {name}"
            yield f"{line.app}: {newest}; {line.delivery}"
        if line.detail and line.detail != line.paused:
            yield f"{where}: {line.detail}"
        if line.override:
            yield f"{where} came in by an owner's override: {line.override}"
        if line.paused:
            yield f"{where} is {line.paused}"
        yield from (f"{each['name']} waits: {each['url']}" for each in line.waiting)
    if environment.extras:
        yield f"{name} has what nobody declared: {environment.extras} (`towpath drift {name}` tells all)"


def _clock(text: str) -> str:
    return datetime.fromisoformat(text).astimezone().strftime("%m-%d %H:%M:%S") if text else "-"
