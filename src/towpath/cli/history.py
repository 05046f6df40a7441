"""`towpath history`: who released what where and when, from Git alone."""

import json
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import click

from towpath.cli.ui.options import app_argument, environment_option, output_option
from towpath.printable import printable

if TYPE_CHECKING:
    from towpath.config.keys.graph import Needs
    from towpath.engine.source.history import Entry
    from towpath.engine.source.verified_changes import Change
    from towpath.settings import Settings

COLUMNS = ("WHEN", "ENVIRONMENT", "RELEASE", "WHAT", "BY", "APPROVED BY", "VERIFIED", "COMMIT", "CHANGE")


@click.command(name="history")
@app_argument
@environment_option
@click.option(
    "-n", "--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="Rows at most."
)
@output_option
def command(app: str, environment: str | None, limit: int, output: str) -> None:
    """Show what was released where, by whom, and when.

    Of an app without images: which commits changed it, and when that was verified where. Where environments
    form a graph, AFTER says what each comes after. Reads the environment repository only: no server is asked.

    \b
    Examples:
      towpath history hello
      towpath history hello --environment prod --output json
    """
    from towpath.engine.source.history import Entry, outlined_history
    from towpath.settings import Settings

    settings = Settings.load(os.environ)
    # Names are enough, mostly; the models of the whole of towpath.yaml are slow to import.
    told: Sequence[Entry | Change] | None = outlined_history(settings, app, environment)
    is_released = told is not None
    after: Mapping[str, Needs] = {}
    if told is None:
        is_released, told, after = _whole_history(settings, app, environment, limit)
    found = sorted(told, key=lambda entry: entry.committed_at, reverse=True)[:limit]
    if output == "json":
        data = [{**entry.to_json(), "after": after.get(entry.environment, ())} for entry in found]
        click.echo(json.dumps(data, indent=2))
    elif not found:
        what = "released" if is_released else "there"
        click.echo(f"{app} is not {what} {f'in {environment}' if environment else 'anywhere'} yet.")
    else:
        rows = [row(each) if isinstance(each, Entry) else change_row(each) for each in found]
        click.echo(table(with_after([COLUMNS, *rows], after)))


def with_after(rows: list[tuple[str, ...]], after: "Mapping[str, Needs]") -> list[tuple[str, ...]]:
    """The rows, after the environment what it comes after; as they are where no graph is declared."""
    if not any(after.values()):
        return rows
    from towpath.config.keys.graph import needs_text

    head, *rest = rows
    told = ((*each[:2], needs_text(after.get(each[1], ())) or "-", *each[2:]) for each in rest)
    return [(*head[:2], "AFTER", *head[2:]), *told]


def _whole_history(
    settings: "Settings", app: str, environment: str | None, limit: int
) -> "tuple[bool, list[Entry | Change], Mapping[str, Needs]]":
    """Whether the app has releases, its history, and what each environment comes after in a graph."""
    from towpath.cli.ui.names import load_environments
    from towpath.engine.source.history import release_history
    from towpath.engine.source.verified_changes import change_history

    environments = load_environments(settings)
    config = environments.config
    is_released = config.app(app).is_released
    names = [config.environment(environment).name] if environment else [e.name for e in config.ordered]
    told: list[Entry | Change] = [
        entry for name in names for entry in release_history(environments.checkout, config, app, name)
    ]
    if not is_released:
        here = [name for name in names if app in environments.released_apps(name)]
        told += [change for name in here for change in change_history(environments, app, name, limit)]
    return is_released, told, {name: config.after(name, app) for name in names}


def row(entry: "Entry") -> tuple[str, ...]:
    """One line of the table."""
    state = entry.state
    verified = (state.verified_at or "no")[:16].replace("T", " ")
    if entry.rolled_back_at:
        verified = "failed" if entry.quarantined else "rolled back"
    return (
        entry.committed_at[:16].replace("T", " "),
        entry.environment,
        entry.release.short_id,
        entry.what,
        state.promoted_by or "-",
        ", ".join(state.approved_by) or "-",
        verified,
        entry.commit[:7],
        entry.quarantined or entry.release.subject,
    )


def change_row(change: "Change") -> tuple[str, ...]:
    """One line of the table, of an app without images."""
    commit, verified = change.commit, change.verified
    return (
        change.committed_at[:16].replace("T", " "),
        change.environment,
        commit.sha[:7],
        "merged",
        commit.author or "-",
        "-",
        (verified.verified_at if verified else "no")[:16].replace("T", " "),
        commit.sha[:7],
        commit.subject,
    )


def table(rows: list[tuple[str, ...]]) -> str:
    """Columns as wide as their widest cell; long text is cut."""
    rows = [tuple(printable(cell) for cell in row) for row in rows]
    cut = [tuple(cell if len(cell) <= 60 else f"{cell[:59]}…" for cell in row) for row in rows]
    widths = [max(len(cell) for cell in column) for column in zip(*cut, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in cut]
    return "\n".join(line.rstrip() for line in lines)
