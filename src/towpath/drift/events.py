"""Prefect events of Towpath; resources are environment, app and objects, never values. Pure.

towpath.drift.detected      an app's objects differ from Git
towpath.drift.healed        they were made as in Git again
towpath.sync.succeeded      what people merged was carried out
towpath.sync.failed         an app was not synced, or is not healthy after it
towpath.heal.exhausted      a field was healed so often that it is left alone now
towpath.render.failed       an app's folder is gone or does not render
towpath.extras.detected     objects that nobody declared
towpath.gate.overridden     an owner let a release in: by break-glass, or out of quarantine
towpath.rollback.automatic  a release failed, and an earlier one was restored that nobody asked for
towpath.branch.rewritten    the branch does not descend from what was applied; nothing is carried out
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from towpath.drift.model import DriftEntry
from towpath.objects import ObjectRef
from towpath.redact import redact
from towpath.release.model import Override, Release
from towpath.release.quarantine import QuarantineEntry

ID, ROLE, NAME = "prefect.resource.id", "prefect.resource.role", "prefect.resource.name"
MAX_OBJECTS = 50
"""Related resources of one event; the server takes 100."""
MAX_MESSAGE = 2_000


@dataclass(frozen=True, slots=True)
class Event:
    """One event: `resource` is its subject, `related` are other resources, `payload` is JSON."""

    name: str
    resource: dict[str, str]
    related: tuple[dict[str, str], ...] = ()
    payload: dict[str, Any] = field(default_factory=dict)


def environment_resource(environment: str) -> dict[str, str]:
    """The resource of an environment."""
    return {ID: f"towpath.environment.{environment}", NAME: environment, "towpath.environment": environment}


def app_resource(environment: str, app: str) -> dict[str, str]:
    """The resource of an app in an environment."""
    return {
        ID: f"towpath.app.{environment}.{app}",
        NAME: f"{app} in {environment}",
        "towpath.environment": environment,
        "towpath.app": app,
    }


def object_resource(ref: ObjectRef) -> dict[str, str]:
    """The resource of one live object."""
    path = ".".join(part for part in (ref.group, ref.kind, ref.namespace, ref.name) if part)
    return {ID: f"towpath.object.{path}", NAME: str(ref), ROLE: "object"}


def drift_detected(environment: str, app: str, entries: Sequence[DriftEntry], answer: str) -> Event:
    """`answer` is the reaction: sync, report, adopt or none."""
    name = "towpath.drift.detected" if app else "towpath.extras.detected"
    payload = {"answer": answer, "objects": [_entry_payload(entry) for entry in entries[:MAX_OBJECTS]]}
    return _app_event(environment, app, name, (entry.ref for entry in entries), payload | _count(entries))


def drift_healed(environment: str, app: str, entries: Sequence[DriftEntry], seconds: float) -> Event:
    payload = {
        "seconds": round(seconds, 3),
        "objects": [_entry_payload(entry) for entry in entries[:MAX_OBJECTS]],
    }
    refs = (entry.ref for entry in entries)
    return _app_event(environment, app, "towpath.drift.healed", refs, payload | _count(entries))


def sync_ended(
    environment: str, app: str, changed: Sequence[ObjectRef], seconds: float, failure: str = ""
) -> Event:
    name = "towpath.sync.failed" if failure else "towpath.sync.succeeded"
    payload: dict[str, Any] = {"seconds": round(seconds, 3), "changed": len(changed)}
    payload |= {"message": redact(failure)[:MAX_MESSAGE]} if failure else {}
    return _app_event(environment, app, name, changed, payload)


def heal_exhausted(environment: str, app: str, ref: ObjectRef, pointer: str, times: int) -> Event:
    """The field at `pointer` was healed `times` times in the window, and is healed no more."""
    payload = {"field": pointer, "times": times, "object": str(ref)}
    return _app_event(environment, app, "towpath.heal.exhausted", [ref], payload)


def render_failed(environment: str, app: str, reason: str) -> Event:
    return _app_event(
        environment, app, "towpath.render.failed", (), {"message": redact(reason)[:MAX_MESSAGE]}
    )


def gate_overridden(environment: str, release: Release, override: Override, run: str) -> Event:
    """`waives` is `gate` (order, soak and approvals of a promotion) or `quarantine`."""
    payload = {
        "release": release.id,
        "commit": release.commit,
        "waives": override.waives,
        "by": override.by,
        "reason": redact(override.reason)[:MAX_MESSAGE],
        "run": run,
    }
    return _app_event(environment, release.app, "towpath.gate.overridden", (), payload)


def rolled_back(environment: str, to: Release, failed: QuarantineEntry, told: Sequence[str]) -> Event:
    """`told` is what checks would have said that were not asked, as that of today's scan policy."""
    payload = {
        "release": to.id,
        "commit": to.commit,
        "failed": failed.release,
        "reason": redact(failed.reason)[:MAX_MESSAGE],
        "waived": [redact(each)[:MAX_MESSAGE] for each in told],
    }
    return _app_event(environment, to.app, "towpath.rollback.automatic", (), payload)


def branch_rewritten(environment: str, reason: str) -> Event:
    payload = {"message": redact(reason)[:MAX_MESSAGE]}
    return Event("towpath.branch.rewritten", environment_resource(environment), (), payload)


def policy_unsigned(environment: str, notes: Iterable[str]) -> Event:
    """The files' policy, or a part of it, is not in force: no owner has signed it."""
    payload = {"message": redact("\n".join(notes))[:MAX_MESSAGE]}
    return Event("towpath.policy.unsigned", environment_resource(environment), (), payload)


def _app_event(
    environment: str, app: str, name: str, refs: Iterable[ObjectRef], payload: dict[str, Any]
) -> Event:
    objects = [object_resource(ref) for ref in list(dict.fromkeys(refs))[:MAX_OBJECTS]]
    environment_part = environment_resource(environment)
    if not app:
        return Event(name, environment_part, tuple(objects), payload)
    return Event(
        name, app_resource(environment, app), ({**environment_part, ROLE: "environment"}, *objects), payload
    )


def _entry_payload(entry: DriftEntry) -> dict[str, Any]:
    """The fields without their values, because every listener may read an event."""
    return {
        "object": str(entry.ref),
        "kind": entry.kind,
        "fields": [difference.pointer for difference in entry.differences],
        "managers": [str(manager) for manager in entry.managers],
    }


def _count(entries: Sequence[DriftEntry]) -> dict[str, Any]:
    return {"count": len(entries)}
