"""`towpath drift`: what differs from Git in an environment, field by field, by whom and when."""

import json
import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from towpath.cli.completion.names import complete_app
from towpath.cli.diff import DIFFERENT, FAILED, Diff
from towpath.cli.ui.options import context_option, environment_argument, output_option
from towpath.cli.ui.planning import load_settings
from towpath.printable import printable

if TYPE_CHECKING:
    from towpath.cli.views.drift import DriftView
    from towpath.drift.model import DriftEntry

COLUMNS = ("APP", "OBJECT", "FIELD", "IN GIT", "LIVE", "WHO", "WHEN")
WIDEST = 48
"""Characters of a value in the table; JSON has all of it."""


@click.command(name="drift", cls=Diff)
@environment_argument
@click.option("--app", "apps", multiple=True, shell_complete=complete_app, help="Only this app. Repeatable.")
@click.option("--deep", is_flag=True, help="Ask the API server about every object by a dry run, too.")
@click.option("--history", is_flag=True, help="What earlier reconciles found, from the Prefect server.")
@click.option(
    "-n", "--limit", type=click.IntRange(1, 200), default=20, show_default=True, help="Rows of --history."
)
@context_option
@output_option
def command(  # noqa: PLR0913, PLR0917
    environment: str,
    apps: tuple[str, ...],
    deep: bool,
    history: bool,
    limit: int,
    context: str | None,
    output: str,
) -> None:
    """Show what was changed in ENVIRONMENT, field by field: by which tool, how, and when. Writes nothing.

    Reads Git and the cluster only; where this machine has no kubeconfig, what the environment's agent last
    published: the output says so first, and JSON has it in `published`. Exits 0 when nothing differs, 2 when
    something does, 1 after an error. What left Git and is deleted once the app is verified is no difference.
    Secrets' values are masked.

    \b
    Examples:
      towpath drift prod
      towpath drift prod --app hello --output json
      towpath drift prod --history
    """
    if history:
        _history(environment, limit, output)
        return
    from towpath.cli.views.drift import drift_view

    view = drift_view(load_settings(context), environment, apps, deep=deep)
    if output == "json":
        click.echo(printable(json.dumps(to_json(view), indent=2, ensure_ascii=False)))
    else:
        click.echo(printable("\n".join((*view.against.banner(), text(view)))))
    if view.broken or view.held_all:
        sys.exit(FAILED)
    if view.drift.differs:
        sys.exit(DIFFERENT)


def to_json(view: "DriftView") -> dict[str, Any]:
    """The report, and what a reconcile would do about each app."""
    decisions = [
        {"app": each.app, "mode": each.mode, "action": each.action, "reason": each.reason}
        | ({"held": view.held[each.app]} if each.app in view.held else {})
        for each in view.decisions
        if each.action != "none"
    ]
    tail = {"decisions": decisions, "broken": view.broken, "published": view.against.to_json()}
    return {**view.drift.to_json(), **tail}


def text(view: "DriftView") -> str:
    """A line per field; below it what a reconcile would do, and what could not be looked at."""
    rows = [row for entry in view.drift.entries for row in _rows(entry)]
    lines = _table([COLUMNS, *rows]) if rows else []
    notes = [
        f"{each.app}: a reconcile does not carry it out: {view.held[each.app]}"
        if each.app in view.held
        else f"{each.app}: {_DONE[each.action]}{f' ({each.reason})' if each.reason else ''}"
        for each in view.decisions
        if each.action != "none"
    ]
    notes += [f"{app}: cannot be rendered: {reason}" for app, reason in view.broken.items()]
    notes += [f"{entry.ref}: {entry.message}" for entry in view.drift.entries if _needs_a_note(entry)]
    parts = ["\n".join(lines), "\n".join(notes), view.drift.summary()]
    return "\n\n".join(part for part in parts if part)


_DONE = {
    "sync": "the next reconcile makes it as Git wants it",
    "report": "a reconcile leaves it as it is",
    "adopt": "a reconcile proposes it as a branch",
    "remove": "the next reconcile deletes what is confirmed",
    "prune": "a reconcile that sees it healthy deletes what left Git",
}


def _needs_a_note(entry: "DriftEntry") -> bool:
    """Whether the table has no room for the reason: its column has a field in it, or is too narrow."""
    return bool(entry.message) and (bool(entry.differences) or len(_what(entry)) > WIDEST)


def _what(entry: "DriftEntry") -> str:
    return f"{entry.kind}: {entry.message}" if entry.message else entry.kind


def _rows(entry: "DriftEntry") -> Iterator[tuple[str, ...]]:
    from towpath.kube.diff import format_value

    who = ", ".join(f"{each.manager} ({each.operation})" for each in entry.managers)
    when = ", ".join(dict.fromkeys(each.time for each in entry.managers if each.time))
    if not entry.differences:
        yield entry.app or "-", str(entry.ref), _what(entry), "", "", who or "-", when or "-"
    for difference, by in entry.attributed:
        yield (
            entry.app,
            str(entry.ref),
            difference.pointer,
            "-" if difference.desired is None else format_value(difference.shown_desired),
            "-" if difference.live is None else format_value(difference.shown_live),
            f"{by.manager} ({by.operation})" if by else who or "not recorded",
            (by.time if by else when) or "not recorded",
        )


def _history(environment: str, limit: int, output: str) -> None:
    from towpath.cli.ui.names import load_environments
    from towpath.orchestration.keys import drift_key
    from towpath.orchestration.server import connect
    from towpath.settings import Settings

    settings = Settings.load(os.environ)
    load_environments(settings).config.environment(environment)
    with connect(settings) as server:
        found = server.versions(drift_key(environment), limit)
    if output == "json":
        click.echo(printable(json.dumps(found, indent=2, ensure_ascii=False)))
    elif not found:
        click.echo(f"no reconcile has found drift in {environment} yet")
    else:
        rows = [(each["at"][:19].replace("T", " "), each["summary"], each["run"][:8]) for each in found]
        click.echo(printable("\n".join(_table([("WHEN", "WHAT", "RUN"), *rows]))))


def _table(rows: list[tuple[str, ...]]) -> list[str]:
    cut = [tuple(cell if len(cell) <= WIDEST else f"{cell[: WIDEST - 1]}…" for cell in row) for row in rows]
    widths = [max(len(cell) for cell in column) for column in zip(*cut, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cut
    ]
