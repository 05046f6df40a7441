"""What is published of the apps that a reconcile, or a look, has seen. Nothing is asked of the cluster."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime

from towpath.applyset.inventory import Inventory
from towpath.drift.decision import Decision
from towpath.drift.model import DriftEntry
from towpath.drift.published import PublishedApp, live_mark
from towpath.engine.live.context import renders_before
from towpath.engine.reconcile.result import ReconcilePlan
from towpath.engine.source.render import Rendered
from towpath.errors import TowpathError


def published_apps(plan: ReconcilePlan, now: datetime | None = None) -> dict[str, PublishedApp]:
    """Each app that the plan is about, without its health."""
    inspection = plan.inspection
    rendered = {each.app: each for each in plan.rendered}
    inventories = {**inspection.rebuilt, **inspection.inventories}
    apps = {*rendered, *plan.broken, *inventories, *plan.drift.apps()}
    at = (now or datetime.now(UTC)).isoformat(timespec="seconds")
    entries: dict[str, list[DriftEntry]] = {}
    for entry in plan.drift.entries:
        entries.setdefault(entry.app, []).append(entry)
    decisions = {each.app: each for each in reversed(plan.decisions)}  # the first one counts
    decided = {
        app: replace(decisions.get(app, Decision(app, "none")), entries=tuple(entries.get(app, ())))
        for app in apps
    }
    return {
        app: _published(plan, decided[app], inventories.get(app), rendered.get(app), at)
        for app in sorted(apps)
    }


def _published(
    plan: ReconcilePlan, decided: Decision, inventory: Inventory | None, rendered: Rendered | None, at: str
) -> PublishedApp:
    app, entries = decided.app, decided.entries
    live = plan.inspection.live
    objects = inventory.objects if inventory else ()
    return PublishedApp(
        commit=inventory.commit if inventory else "",
        manifests=_applied_manifests(plan, app, inventory, rendered),
        live=live_mark((owned.ref, live.metadata.get(owned.ref)) for owned in objects) if live else "",
        at=at,
        broken=plan.broken.get(app, ""),
        elsewhere=tuple((owned.ref, owned.commit) for owned in objects if owned.commit),
        decision=Decision(app, decided.action, entries, decided.reason, decided.mode),
        entries=entries,
    )


def _applied_manifests(
    plan: ReconcilePlan, app: str, inventory: Inventory | None, rendered: Rendered | None
) -> str:
    """Digest, without secret values, of what was applied last; empty where nobody can tell.

    What an inventory has is keyed where there are secret values, and others could not compare it.
    """
    if inventory is None or not inventory.desired_digest:
        return ""
    for each in _candidates(plan, app, inventory, rendered):
        key = plan.inspection.live.digest_key if plan.inspection.live else None
        if each.is_recorded(inventory.desired_digest, key):
            return each.recorded_digest(None)
    return ""


def _candidates(
    plan: ReconcilePlan, app: str, inventory: Inventory, rendered: Rendered | None
) -> Iterable[Rendered]:
    """What Git has now, and what it had when the app was applied."""
    if rendered is not None:
        yield rendered
    try:
        earlier = renders_before(plan.context, app)(inventory.commit)
    except TowpathError:
        return
    if earlier is not None:
        yield earlier.rendered
