"""An environment against Git: what differs, what is healed, what is told."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from prefect.client.schemas.objects import State
from prefect.logging import get_run_logger

from tasks.cluster import Target, connect_environment, remove, render, sync, verify
from tasks.desired import Desired
from tasks.proposal import now
from tasks.report import artifact_key, report
from tasks.status import Row, write_rows
from tasks.step import cause_of, step
from towpath.drift import DriftReport
from towpath.engine.drift import detect as detect_drift
from towpath.engine.extras import prune_extras
from towpath.engine.render import Rendered
from towpath.engine.verify import verify_app
from towpath.errors import SyncError, TowpathError, VerifyError
from towpath.health.expressions import judges_of
from towpath.redact import redact

GLANCE = timedelta(seconds=5)
"""How long an app that nobody touched may take to look healthy."""


@dataclass(frozen=True, slots=True)
class Found:
    """What one look at an environment found. `broken` are apps that do not render, with the reason."""

    desired: Desired
    environment: str
    rendered: tuple[Rendered, ...]
    broken: dict[str, str]
    drift: DriftReport

    @property
    def todo(self) -> tuple[Target, ...]:
        """Apps to sync: those that Git changed, and drifted ones where the environment's mode is to heal."""
        mode = self.desired.config.environment(self.environment).drift
        kinds = {"heal": ("unapplied", "modified", "deleted"), "off": ()}.get(mode, ("unapplied",))
        entries = [entry for entry in self.drift.entries if entry.kind in kinds]
        names = {entry.app for entry in entries}
        # An entry without an app stands for all: nothing can be read until it is back.
        return tuple(self.target(each.app) for each in self.rendered if each.app in names or "" in names)

    @property
    def leaving(self) -> tuple[Target, ...]:
        """Apps that Git has no more, with live objects whose deletion a commit confirms."""
        here = {each.app for each in self.rendered} | self.broken.keys() | {""}
        left = {entry.app for entry in self.drift.entries} - here
        confirmed = {app: self.desired.confirmed(app, self.environment) for app in left}
        gone = {entry.app for entry in self.drift.entries if entry.ref in confirmed.get(entry.app, {})}
        return tuple(Target(app, self.environment, self.desired.commit, "") for app in sorted(gone))

    def target(self, app: str) -> Target:
        """The app as Git wants it here."""
        state = self.desired.release(app, self.environment)
        return Target(app, self.environment, self.desired.commit, state.release.digest if state else "")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one app that was synced; no failure means healthy."""

    app: str
    failure: str = ""


@step("detect drift in {environment}")
def detect(desired: Desired, environment: str) -> Found:
    """Compare all released apps with the cluster. An app that does not render does not stop the others."""
    where = desired.config.environment(environment)
    rendered, broken = [], {}
    for app in desired.released_apps(environment):
        try:
            rendered.append(render(desired, app, environment))
        except TowpathError as error:
            broken[app] = error.message
    drift = detect_drift(connect_environment(where), desired.config, where, rendered, commit=desired.commit)
    if drift.entries:
        get_run_logger().info("%s", drift.summary())
        report(artifact_key("drift", environment), drift.to_markdown(), f"{environment}: {drift.summary()}")
    return Found(desired, environment, tuple(rendered), broken, drift)


def carry_out(target: Target) -> Outcome:
    """Sync and verify one app; its failure is told at the end and stops no other app."""
    synced = sync(target, return_state=True)
    verified = verify(target, wait_for=[synced], return_state=True)
    return Outcome(target.app, failure_of(synced, verified))


def take_away(target: Target) -> Outcome:
    """Remove one app that has left Git."""
    return Outcome(target.app, failure_of(remove(target, return_state=True)))


def clear_extras(found: Found, outcomes: Sequence[Outcome]) -> tuple[Outcome, ...]:
    """Delete extras where the environment asks for it, and only when everything before it went well."""
    asked = found.desired.config.environment(found.environment).extras == "prune"
    if not asked or not found.drift.extras or found.broken or any(each.failure for each in outcomes):
        return ()
    return (Outcome("extras", failure_of(delete_extras(found, return_state=True))),)


@step("delete extras in {found.environment}")
def delete_extras(found: Found) -> int:
    """How many were deleted; RefusedError when they are too many."""
    where = found.desired.config.environment(found.environment)
    total = sum(len(each.objects) for each in found.rendered)
    deleted = prune_extras(connect_environment(where), where, found.drift.extras, total=total)
    for ref in deleted:
        get_run_logger().info("%s deleted: nobody declared it", ref)
    return len(deleted)


def failure_of(*states: "State[Any]") -> str:
    """The message of the first step that failed; empty when none did."""
    for state in states:
        if not state.is_completed():
            cause = cause_of(state)
            return cause.message if isinstance(cause, TowpathError) else state.message or str(state.name)
    return ""


@step("record {found.environment}")
def record(found: Found, outcomes: Sequence[Outcome]) -> str:
    """Write the table that `towpath status` shows, and say in one line what was found and done."""
    synced = {each.app: each for each in outcomes}
    rows = [_row(found, each, synced.get(each.app)) for each in found.rendered]
    rows += [_broken_row(found, app, reason) for app, reason in found.broken.items()]
    write_rows(found.environment, rows)
    failures = {each.app: each.failure for each in outcomes if each.failure} | found.broken
    summary = _summary(found, outcomes, rows)
    if failures:
        reasons = "\n".join(f"{app}: {reason}" for app, reason in failures.items())
        raise SyncError(f"{summary}\n{redact(reasons)}")
    return summary


def _summary(found: Found, outcomes: Sequence[Outcome], rows: Sequence[Row]) -> str:
    differs = found.drift.summary().removeprefix(f"{found.environment}: ")
    parts = [differs if found.drift.entries else f"{len(found.rendered)} apps in sync"]
    healed = [each.app for each in outcomes if not each.failure]
    failed = [each.app for each in outcomes if each.failure]
    sick = [str(row["app"]) for row in rows if row["health"] != "Healthy" and row["app"] not in failed]
    parts += [f"synced {', '.join(healed)}"] if healed else []
    parts += [f"failed {', '.join(failed)}"] if failed else []
    parts += [f"not healthy {', '.join(sick)}"] if sick else []
    return f"{found.environment} at {found.desired.commit[:7]}: {'; '.join(parts)}"


def _row(found: Found, rendered: Rendered, outcome: Outcome | None) -> Row:
    target = found.target(rendered.app)
    left = [entry for entry in found.drift.entries if entry.app == rendered.app]
    if outcome is not None:
        drift = "out of sync" if outcome.failure else "in sync"
        health, detail = ("Degraded" if outcome.failure else "Healthy"), outcome.failure
    else:
        drift = f"drifted: {len(left)} objects" if left else "in sync"
        health, detail = _glance(found, rendered, target)
    return _new_row(target, health, drift, detail)


def _broken_row(found: Found, app: str, reason: str) -> Row:
    return _new_row(found.target(app), "Unknown", "cannot be rendered", reason)


def _new_row(target: Target, health: str, drift: str, detail: str) -> Row:
    return {
        "app": target.app,
        "release": target.digest,
        "commit": target.commit,
        "health": health,
        "drift": drift,
        "at": now(),
        "detail": redact(detail).strip().partition("\n")[0],
    }


def _glance(found: Found, rendered: Rendered, target: Target) -> tuple[str, str]:
    """Health of an app that was left alone; a sick one is told, not treated."""
    config = found.desired.config
    where = config.environment(found.environment)
    try:
        cluster = connect_environment(where)
        app, digest = config.app(target.app), target.digest or None
        own = judges_of(config.health_check_exprs)
        verify_app(cluster, rendered, app, where, digest, deadline=GLANCE, own=own)
    except VerifyError as error:
        return "Degraded", error.message
    except TowpathError as error:
        return "Unknown", error.message
    return "Healthy", ""
