"""The Gateway API: verdicts from every parent, ancestor or listener."""

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
    part_conditions,
    progressing,
)
from towpath.objects import Manifest

_REQUIRED_TYPES = ("ResolvedRefs", "Accepted")


def route(manifest: Manifest) -> Health:
    """A route: accepted by every parent that has seen its newest version, and by at least one."""
    return _by_parents(manifest, "parents", "parentRef")


def policy(manifest: Manifest) -> Health:
    """A policy: accepted by every ancestor that has seen its newest version, and by at least one."""
    return _by_parents(manifest, "ancestors", "ancestorRef")


def gateway(manifest: Manifest) -> Health:  # noqa: PLR0911
    """A Gateway or ListenerSet: it and each of its listeners are accepted and programmed."""
    status = mapping_at(manifest, "status")
    own_conditions = part_conditions(status)
    for condition in own_conditions.values():
        if waiting := outdated(manifest, condition):
            return waiting
    if problem := _problem(own_conditions, ""):
        return problem
    listeners = items(status, "listeners")
    for listener in listeners:
        conditions = part_conditions(listener)
        prefix = f"listener {listener.get('name')}: "
        if is_true(conditions.get("Conflicted")):
            return degraded(prefix + explain(conditions["Conflicted"]))
        if problem := _problem(conditions, prefix):
            return problem
    if is_true(own_conditions.get("Programmed")) or is_true(own_conditions.get("Accepted")):
        return healthy(explain(own_conditions.get("Programmed") or own_conditions["Accepted"]))
    if listeners and all(is_true(part_conditions(listener).get("Programmed")) for listener in listeners):
        return healthy("every listener is programmed")
    return progressing("its controller has not accepted it yet")


def _by_parents(manifest: Manifest, key: str, ref: str) -> Health:
    accepted, first_problem = 0, None
    for parent in items(mapping_at(manifest, "status"), key):
        conditions = part_conditions(parent)
        if not conditions or any(outdated(manifest, condition) for condition in conditions.values()):
            continue
        if problem := _problem(conditions, f"{mapping_at(parent, ref).get('name') or 'parent'}: "):
            if is_false(conditions.get("ResolvedRefs")) or is_false(conditions.get("Accepted")):
                return problem
            first_problem = first_problem or problem
        elif any(is_true(condition) for condition in conditions.values()):
            accepted += 1
    if first_problem:
        return first_problem
    if accepted:
        return healthy(f"accepted by {accepted} of its {key}")
    return progressing(f"none of its {key} has accepted its newest version yet")


def _problem(conditions: dict[str, dict[str, Any]], prefix: str) -> Health | None:
    for name in _REQUIRED_TYPES:
        if is_false(conditions.get(name)):
            return degraded(prefix + explain(conditions[name]))
    programmed = conditions.get("Programmed")
    if programmed is not None and not is_true(programmed):
        is_failure = FAILURE_WORDS.search(str(programmed.get("reason") or ""))
        return (degraded if is_failure else progressing)(prefix + explain(programmed))
    return None
