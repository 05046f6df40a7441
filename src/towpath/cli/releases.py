"""`towpath releases`: all releases of an app, with scan, evidence, and where they run."""

import json
import os
from typing import TYPE_CHECKING, Any

import click

from towpath.cli.ui.options import app_argument, environment_option, output_option
from towpath.cli.views.tables import age, table
from towpath.printable import printable

if TYPE_CHECKING:
    from towpath.engine.operate.app_releases import AppReleases, KnownRelease, Stay

COLUMNS = ("RELEASE", "BUILT", "SCAN", "EVIDENCE", "RUNS IN", "BEFORE IN", "CHANGE")


@click.command(name="releases")
@app_argument
@environment_option
@click.option(
    "-n", "--limit", type=click.IntRange(1, 500), default=20, show_default=True, help="Releases at most."
)
@output_option
def command(app: str, environment: str | None, limit: int, output: str) -> None:
    """Show the releases of APP, the newest first: scan, evidence, where each runs and where it was.

    Reads the environment repository, and the registry for releases that were never promoted and for the
    evidence of each. A release whose evidence fails enters no environment. `towpath history` has each
    promotion and rollback.

    \b
    Examples:
      towpath releases hello
      towpath releases hello --environment prod
      towpath releases hello --output json
    """
    from towpath.cli.ui.names import load_environments
    from towpath.engine.operate.app_releases import app_releases
    from towpath.engine.source.keys import load_trusted_keys
    from towpath.errors import MissingPartError
    from towpath.settings import Settings

    settings = Settings.load(os.environ)
    environments = load_environments(settings)
    try:
        trusted = load_trusted_keys(settings.trusted_keys)
    except MissingPartError:
        trusted = None
    found = app_releases(environments, trusted, app, environment, limit)
    if output == "json":
        data = to_json(app, environments.commit, found)
        click.echo(printable(json.dumps(data, indent=2, ensure_ascii=False)))
    else:
        where = f" in {environment}" if environment else ""
        none = f"{app} has no release{where} yet."
        if not environments.config.app(app).is_released:
            none = f"{app} has no images, so it has no releases; `towpath history {app}` tells its changes."
        click.echo(text(found) or none)


def to_json(app: str, commit: str, found: "AppReleases") -> dict[str, Any]:
    """For `--output json`."""
    return {
        "app": app,
        "commit": commit,
        "releases": [each.to_json() for each in found.releases],
        "notes": list(found.notes),
    }


def text(found: "AppReleases") -> str:
    """A line for each release; below it why evidence fails, and what could not be read."""
    lines = [table([COLUMNS, *map(_row, found.releases)])] if found.releases else []
    notes = [
        f"{each.release.short_id}: evidence {each.evidence.standing}: {each.evidence.detail}"
        for each in found.releases
        if each.evidence.standing == "failed"
    ]
    notes += [
        f"{each.release.short_id}: today's scan policy refuses it: it {each.objection}"
        for each in found.releases
        if each.objection
    ]
    return printable("\n".join([*lines, *notes, *found.notes]))


def _row(each: "KnownRelease") -> tuple[str, ...]:
    release = each.release
    scan = f"{release.scan.status}, refused" if each.objection else release.scan.status
    return (
        release.short_id,
        f"{age(release.built_at)} ago" if age(release.built_at) != "-" else "-",
        scan,
        each.evidence.standing,
        ", ".join(_now(stay) for stay in each.stays if stay.current) or "-",
        ", ".join(_before(stay) for stay in each.stays if not stay.current) or "-",
        release.subject,
    )


def _now(stay: "Stay") -> str:
    return stay.environment if stay.verified_at else f"{stay.environment} (not verified)"


def _before(stay: "Stay") -> str:
    why = "failed" if stay.quarantined else "rolled back" if stay.rolled_back_at else ""
    return f"{stay.environment} ({why})" if why else stay.environment
