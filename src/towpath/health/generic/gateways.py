"""The Gateway API: verdicts that every parent, ancestor or listener has a part in."""

from typing import Any

from towpath.health.generic.patterns import FAILURE_WORDS
from towpath.health.verdict import (
    Health,
    degraded,
    explain,
    healthy,
    is_false,
    is_true,
    items,
    mapping_at,
    outdated,
    progressing,
)
from towpath.objects import Manifest

_MUST = ("ResolvedRefs", "Accepted")


def route(manifest: Manifest) -> Health:
    """A route: accepted by every parent that has seen its newest version, and by at least one."""
    return _by_parents(manifest, "parents", "parentRef")


def policy(manifest: Manifest) -> Health:
    """A policy: the same of its ancestors."""
    return _by_parents(manifest, "ancestors", "ancestorRef")


def gateway(manifest: Manifest) -> Health:  # noqa: PLR0911
    """A Gateway or ListenerSet: accepted and programmed, and each of its listeners too."""
    status = mapping_at(manifest, "status")
    own = _by_type(status)
    for condition in own.values():
        if waiting := outdated(manifest, condition):
            return waiting
    if trouble := _trouble(own, ""):
        return trouble
    listeners = items(status, "listeners")
    for listener in listeners:
        told = _by_type(listener)
        where = f"listener {listener.get('name')}: "
        if is_true(told.get("Conflicted")):
            return degraded(where + explain(told["Conflicted"]))
        if trouble := _trouble(told, where):
            return trouble
    if is_true(own.get("Programmed")) or is_true(own.get("Accepted")):
        return healthy(explain(own.get("Programmed") or own["Accepted"]))
    if listeners and all(is_true(_by_type(each).get("Programmed")) for each in listeners):
        return healthy("every listener is programmed")
    return progressing("its controller has not accepted it yet")


def _by_parents(manifest: Manifest, key: str, ref: str) -> Health:
    seen, first = 0, None
    for parent in items(mapping_at(manifest, "status"), key):
        told = _by_type(parent)
        if not told or any(outdated(manifest, condition) for condition in told.values()):
            continue
        if trouble := _trouble(told, f"{mapping_at(parent, ref).get('name') or 'parent'}: "):
            if is_false(told.get("ResolvedRefs")) or is_false(told.get("Accepted")):
                return trouble
            first = first or trouble
        elif any(is_true(condition) for condition in told.values()):
            seen += 1
    if first:
        return first
    if seen:
        return healthy(f"accepted by {seen} of its {key}")
    return progressing(f"none of its {key} has accepted its newest version yet")


def _trouble(told: dict[str, dict[str, Any]], where: str) -> Health | None:
    for name in _MUST:
        if is_false(told.get(name)):
            return degraded(where + explain(told[name]))
    programmed = told.get("Programmed")
    if programmed is not None and not is_true(programmed):
        refused = FAILURE_WORDS.search(str(programmed.get("reason") or ""))
        return (degraded if refused else progressing)(where + explain(programmed))
    return None


def _by_type(parent: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {str(item.get("type")): item for item in items(parent, "conditions")}
