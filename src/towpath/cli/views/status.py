"""What `towpath status` knows: Git's releases, the environment's table at the server, and what came since."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from towpath.cli.views.git_news import Row, is_well, newest_change, render_error, unseen
from towpath.cli.views.source_news import delivery_of
from towpath.config.keys.graph import Needs
from towpath.drift.decision import BROKEN, IN_SYNC, LEFT_GIT
from towpath.errors import TowpathError
from towpath.gates.pause import Pause, active_pause
from towpath.orchestration import keys
from towpath.printable import headline

if TYPE_CHECKING:
    from towpath.cli.ui.names import Environments
    from towpath.config import Environment
    from towpath.orchestration.runs import Run
    from towpath.orchestration.server import Server
    from towpath.release.model import EnvironmentRelease

NEWS = "Git has changed"
NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Line:
    """One app in one environment. Empty texts: nothing is known, or nothing there; `paused`: not paused.

    Of an app without images, `commit`, `subject` and `promoted_*` tell the newest change in Git, and
    `manifests` is the hash of what was verified of it; of others there is a `release`.
    `error`: why what Git has of it cannot be rendered or read. `newer`: what is in Git, but was in no
    reconcile yet. `undelivered`: the newest commit of the app's source, where the first environment runs
    another one; `delivery`: how far its delivery is. `override`: who let the release in without what the
    environment asks, and why. `after`: what the environment comes after in a graph.
    """

    app: str
    environment: str
    release: str = ""
    manifests: str = ""
    commit: str = ""
    subject: str = ""
    promoted_at: str = ""
    promoted_by: str = ""
    verified_at: str = ""
    override: str = ""
    health: str = ""
    drift: str = ""
    detail: str = ""
    checked_at: str = ""
    paused: str = ""
    error: str = ""
    newer: str = ""
    undelivered: str = ""
    delivery: str = ""
    after: Needs = ()
    waiting: tuple[dict[str, Any], ...] = ()

    @property
    def is_problem(self) -> bool:
        """Whether it is not as it should be, or not known to be, or waits for somebody.

        An app that is not released there has nothing to be well.
        """
        unwell = not is_well(self.health or "Healthy", self.drift or IN_SYNC)
        people = [each for each in self.waiting if not each["until"]]
        told = (self.error, self.newer, self.undelivered, self.paused, self.override, people)
        unknown = bool(self.release) and not (self.health and self.drift and self.verified_at)
        return unwell or unknown or any(told)

    def to_json(self) -> dict[str, Any]:
        """For `--output json`."""
        return {name: getattr(self, name) for name in self.__slots__ if name != "waiting"} | {
            "waiting": list(self.waiting)
        }


@dataclass(frozen=True, slots=True)
class EnvironmentStatus:
    """One environment. `failed`: how its newest reconcile failed; `extras`: what nobody declared."""

    name: str
    lines: tuple[Line, ...]
    after: Needs = ()
    extras: str = ""
    failed: str = ""
    failed_at: str = ""
    error: str = ""

    def to_json(self) -> dict[str, Any]:
        """For `--output json`; the apps are told by themselves."""
        names = ("name", "after", "extras", "failed", "failed_at", "error")
        return {name: getattr(self, name) for name in names}


def look(
    server: "Server",
    environments: "Environments",
    environment: "Environment",
    waiting: Sequence["Run"],
    heads: Mapping[str, str] = NOTHING,
) -> EnvironmentStatus:
    """All apps of one environment, those too that Git has no more. `heads` are those of the apps' sources."""
    name, config = environment.name, environments.config
    rows, _ = server.table(keys.status_key(name))
    by_app = {str(row.get("app")): row for row in rows}
    extras = by_app.pop(keys.EXTRAS_ROW, {})
    error = ""
    pauses: tuple[Pause, ...] = ()
    try:
        pauses = environments.pauses(name)
    except TowpathError as raised:
        error = raised.message
    lines = [
        _of_app(
            environments,
            environment,
            app,
            by_app.pop(app, {}),
            pauses,
            tuple(_waits(server, environment, app, waiting)),
        )
        for app in sorted(config.apps)
        if config.may_be_in(app, name)
    ]
    lines = [
        replace(line, undelivered=heads[line.app], delivery=delivery_of(server, line.app, heads[line.app]))
        if heads.get(line.app, line.commit) != line.commit
        and environment in config.first_environments(line.app)
        else line
        for line in lines
    ]
    lines += [_of_orphan(name, row) for _, row in sorted(by_app.items())]
    failed = _failed(server, name)
    return EnvironmentStatus(
        name,
        tuple(replace(line, after=config.after(name, line.app)) for line in lines),
        config.after(name),
        ": ".join(filter(None, (str(extras.get("drift", "")), str(extras.get("detail", ""))))),
        headline(failed.message) or failed.state if failed else "",
        _time(failed.at) if failed else "",
        error,
    )


def _of_app(  # noqa: PLR0913, PLR0917
    environments: "Environments",
    environment: "Environment",
    app: str,
    row: Row,
    pauses: Sequence[Pause],
    waits: tuple[dict[str, Any], ...],
) -> Line:
    name = environment.name
    paused = str(active_pause(pauses, app, datetime.now(UTC)) or "")
    try:
        state = environments.release(app, name)
        told: dict[str, Any] = _release(state) or newest_change(environments, app, name, row)
    except TowpathError as unreadable:
        return Line(
            app, name, error=unreadable.message, drift=BROKEN, health="Unknown", paused=paused, waiting=waits
        )
    seen = bool(row) and _digits(row.get("release")) == _digits(state.release.id if state else "")
    newer = unseen(environments, app, name, row, seen=seen) if row or told else ""
    error = render_error(environments, environment, app, row, newer, there=bool(told))
    health, drift, detail = (str(row.get(key, "")) if seen else "" for key in ("health", "drift", "detail"))
    if error:
        health, drift, detail = "Unknown", BROKEN, ""
    elif newer or drift == BROKEN:  # it renders by now
        drift, detail = NEWS, ""
    return Line(
        app=app,
        environment=name,
        **told,
        health=health,
        drift=drift,
        detail=detail,
        checked_at=str(row.get("at", "")) if seen else "",
        paused=paused,
        error=error,
        newer=newer,
        waiting=waits,
    )


def _of_orphan(environment: str, row: Row) -> Line:
    """An app that Git has no more, of which something was live when the environment was looked at last."""
    drift, detail = str(row.get("drift", "")), str(row.get("detail", ""))
    told = drift.startswith(LEFT_GIT)
    return Line(
        app=str(row["app"]),
        environment=environment,
        health=str(row.get("health", "")) if told else "",
        drift=drift if told else LEFT_GIT,
        detail=detail if told else "",
        checked_at=str(row.get("at", "")),
        newer="" if told else "by towpath.yaml it is not here any more",
    )


def _release(state: "EnvironmentRelease | None") -> dict[str, str]:
    if state is None:
        return {}
    return {
        "release": state.release.id,
        "commit": state.release.commit,
        "subject": state.release.subject,
        "promoted_at": state.promoted_at,
        "promoted_by": state.promoted_by,
        "verified_at": state.verified_at or "",
        "override": str(state.override or ""),
    }


def _waits(
    server: "Server", environment: "Environment", app: str, waiting: Sequence["Run"]
) -> Iterator[dict[str, Any]]:
    approvals = environment.gate.approvals
    people = f"{approvals.required} of {', '.join(approvals.approvers)}" if approvals.required else "approval"
    for run in waiting:
        if (run.parameters.get("app"), run.parameters.get("environment")) == (app, environment.name):
            until = run.begins.isoformat(timespec="seconds") if run.soaks and run.begins else ""
            waits = "its soak time" if run.soaks else people
            yield {"run": run.id, "name": run.name, "for": waits, "url": server.url(run), "until": until}


def _failed(server: "Server", environment: str) -> "Run | None":
    """The newest reconcile that ended, where it failed."""
    ended = server.find(
        keys.RECONCILE,
        kinds=["COMPLETED", "FAILED", "CRASHED"],
        tags=[keys.environment_tag(environment)],
        limit=1,
    )
    return ended[0] if ended and not ended[0].succeeded else None


def _digits(digest: object) -> str:
    return keys.short_digest(str(digest or ""))


def _time(at: datetime | None) -> str:
    return at.isoformat(timespec="seconds") if at else ""
