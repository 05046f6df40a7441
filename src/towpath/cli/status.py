"""`towpath status`: who runs what, where, is it healthy, in sync, and who is waited for."""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from towpath.cli.ui.options import environment_option, output_option
from towpath.printable import printable

if TYPE_CHECKING:
    from towpath.cli.ui.names import Environments
    from towpath.config import Environment
    from towpath.orchestration.runs import Run
    from towpath.orchestration.server import Server


@dataclass(frozen=True, slots=True)
class Line:
    """One app in one environment. Empty texts: nothing is known, or nothing there; `paused`: not paused."""

    app: str
    environment: str
    release: str
    commit: str
    subject: str
    promoted_at: str
    promoted_by: str
    verified_at: str
    health: str
    drift: str
    detail: str
    checked_at: str
    paused: str = ""
    waiting: tuple[dict[str, Any], ...] = ()

    def to_json(self) -> dict[str, Any]:
        """For `--output json`."""
        return {name: getattr(self, name) for name in self.__slots__ if name != "waiting"} | {
            "waiting": list(self.waiting)
        }


@click.command(name="status")
@environment_option
@output_option
def command(environment: str | None, output: str) -> None:
    """Show apps by environments: release, commit, health, in sync or drifted, and who is waited for.

    Releases come from Git, health and drift from the last reconcile.

    \b
    Examples:
      towpath status
      towpath status --environment prod --output json
    """
    from towpath.cli.ui.names import load_environments
    from towpath.orchestration.server import connect
    from towpath.settings import Settings

    settings = Settings.load(os.environ)
    environments = load_environments(settings)
    config = environments.config
    chosen = [config.environment(environment)] if environment else list(config.environments)
    with connect(settings) as server:
        waiting = server.waiting()
        lines = [line for each in chosen for line in look(server, environments, each, waiting)]
    if output == "json":
        content = {
            "commit": environments.checkout.commit,
            "apps": [line.to_json() for line in lines],
        }
        click.echo(json.dumps(content, indent=2))
    else:
        click.echo(table(lines))


def look(
    server: "Server", environments: "Environments", environment: "Environment", waiting: Sequence["Run"]
) -> list[Line]:
    """All apps in one environment."""
    from towpath.gates.pause import active_pause
    from towpath.orchestration import keys

    name = environment.name
    pauses = environments.pauses(name)
    rows, _ = server.table(keys.status_key(name))
    seen = {row.get("app"): row for row in rows}
    ended = server.find(keys.RECONCILE, kinds=["COMPLETED"], tags=[keys.environment_tag(name)], limit=1)
    looked = ended[0].at if ended else None
    lines = []
    for app in sorted(environments.config.apps):
        state = environments.release(app, name)
        row = seen.get(app) or {}
        current = state is not None and row.get("release") == state.release.digest
        waits = tuple(
            {"run": run.id, "name": run.name, "for": _people(environment, run), "url": server.url(run)}
            for run in waiting
            if (run.parameters.get("app"), run.parameters.get("environment")) == (app, name)
        )
        lines.append(
            Line(
                app=app,
                environment=name,
                release=state.release.digest if state else "",
                commit=state.release.commit if state else "",
                subject=state.release.subject if state else "",
                promoted_at=state.promoted_at if state else "",
                promoted_by=state.promoted_by if state else "",
                verified_at=(state.verified_at or "") if state else "",
                health=str(row["health"]) if current else "",
                drift=str(row["drift"]) if current else "",
                detail=str(row.get("detail", "")) if current else "",
                checked_at=_latest(str(row.get("at", "")), looked) if current else "",
                paused=str(active_pause(pauses, app, datetime.now(UTC)) or ""),
                waiting=waits,
            )
        )
    return lines


def table(lines: Sequence[Line]) -> str:
    """Columns for people; a line below for each thing that is not as it should be."""
    rows = [("APP", "ENVIRONMENT", "RELEASE", "HEALTH", "GIT", "CHECKED", "WAITS FOR")]
    notes = []
    for line in lines:
        release = (line.commit[:7] or line.release[7:14]) if line.release else "-"
        release += "" if line.verified_at or not line.release else " (not verified)"
        people = "; ".join(each["for"] for each in line.waiting)
        rows.append(
            (
                line.app,
                line.environment,
                release,
                line.health or "-",
                line.drift or "-",
                _clock(line.checked_at),
                people or "-",
            )
        )
        where = f"{line.app} in {line.environment}"
        notes += [f"{where}: {line.detail}"] if line.detail and line.detail != line.paused else []
        notes += [f"{where} is {line.paused}"] if line.paused else []
        notes += [f"{each['name']} waits: {each['url']}" for each in line.waiting]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    body = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
    return printable("\n".join([*body, *([""] if notes else []), *notes]))


def _people(environment: "Environment", _run: "Run") -> str:
    approvals = environment.gate.approvals
    return f"{approvals.required} of {', '.join(approvals.approvers)}" if approvals.required else "approval"


def _latest(written: str, looked: datetime | None) -> str:
    """A row stays as it is while nothing changes; that it still held, the last reconcile run says."""
    times = [datetime.fromisoformat(written)] if written else []
    times += [looked] if looked else []
    return max(times).isoformat(timespec="seconds") if times else ""


def _clock(text: str) -> str:
    return datetime.fromisoformat(text).astimezone().strftime("%m-%d %H:%M:%S") if text else "-"
