"""Custom resources of any operator: the kstatus rules, then the words that operators use.

Rules: github.com/kubernetes-sigs/cli-utils/pkg/kstatus. An object without any sign of health is Unknown,
never Healthy: it may be configuration on which no controller reports, so nobody waits for it. A failure
outweighs signs of health.
"""

from typing import Any

from towpath.health.generic.conditions import by_conditions
from towpath.health.generic.counts import by_counts
from towpath.health.generic.parts import by_error, by_nested, by_parents, by_parts, by_schedule
from towpath.health.generic.patterns import (
    CONFIGURATION_KINDS,
    DESIRED_STATE_FIELDS,
    ENABLE_FIELDS,
    FAILURE_WORDS,
    PAUSE_ANNOTATIONS,
    RECONCILE_ANNOTATIONS,
    REPORTED_KINDS,
    SUSPEND_FIELDS,
    TERMINAL_FIELDS,
    WORKLOAD_FIELDS,
)
from towpath.health.generic.phases import by_last_condition, by_word, still_runs
from towpath.health.generic.words import status_of
from towpath.health.verdict import (
    Health,
    Status,
    conditions_by_type,
    degraded,
    healthy,
    is_true,
    items,
    mapping_at,
    outdated,
    progressing,
    status_message,
    suspended,
    unknown,
)
from towpath.objects import Manifest


def generic(manifest: Manifest) -> Health:
    """Judge by observedGeneration, conditions, then phase or state, then booleans, counts and errors."""
    status = mapping_at(manifest, "status")
    if reason := suspension_reason(manifest) or _disabled_reason(manifest):
        return suspended(reason)
    if not status:
        return _without_status(str(manifest.get("kind")), mapping_at(manifest, "spec"))
    if waiting := outdated(manifest):
        return waiting
    if failure := next((status[key] for key in TERMINAL_FIELDS if status.get(key)), None):
        return degraded(str(failure), final=True)
    phase_health = by_word(status, status_message(manifest))
    if phase_health and phase_health.status is Status.HEALTHY and still_runs(manifest, phase_health.message):
        phase_health = progressing(phase_health.message)
    condition_health = by_conditions(manifest, phase_health)
    if condition_health and condition_health.status is Status.HEALTHY and phase_health:
        # A phase such as Failed or Pending beside a condition that is still True.
        return condition_health if phase_health.status is Status.HEALTHY else phase_health
    return (
        condition_health
        or phase_health
        or by_last_condition(status)
        or by_parents(manifest)
        or by_counts(mapping_at(manifest, "spec"), status, status_message(manifest))
        or by_nested(manifest)
        or by_error(status)
        or by_schedule(manifest)
        or by_parts(manifest)
        or unknown("its status says nothing known")
    )


def _without_status(kind: str, spec: dict[str, Any]) -> Health:
    """The verdict on an object without a status, by its kind's name and its specification."""
    if CONFIGURATION_KINDS.fullmatch(kind):
        return healthy("exists")
    if REPORTED_KINDS.fullmatch(kind) or not spec.keys().isdisjoint(WORKLOAD_FIELDS):
        return progressing("its controller has not reported on it yet")
    return unknown("it has no status to judge by")


def suspension_reason(manifest: Manifest) -> str | None:
    """Which field or annotation suspends the object, as a sentence; None when nothing does."""
    spec = mapping_at(manifest, "spec")
    for key in SUSPEND_FIELDS:
        if spec.get(key) is True:
            return f"its specification has {key}: true"
    for key in DESIRED_STATE_FIELDS:
        if isinstance(spec.get(key), str) and status_of(spec[key]) is Status.SUSPENDED:
            return f"its specification has {key}: {spec[key]}"
    for name, value in mapping_at(manifest, "metadata", "annotations").items():
        for pattern, required_value in ((PAUSE_ANNOTATIONS, "true"), (RECONCILE_ANNOTATIONS, "disabled")):
            if pattern.fullmatch(str(name)) and str(value).casefold() == required_value:
                return f"its annotation {name} is {required_value}"
    return None


def _disabled_reason(manifest: Manifest) -> str | None:
    spec = mapping_at(manifest, "spec")
    field = next((key for key, value in ENABLE_FIELDS.items() if spec.get(key) is value), None)
    return f"its specification has {field}: {str(spec[field]).lower()}" if field else None


def reported_failure(manifest: Manifest) -> Health | None:
    """Degraded when the generic rules find an explicit failure, else None. Used when no clause holds."""
    health = generic(manifest)
    return health if health.status is Status.DEGRADED and FAILURE_WORDS.search(health.message) else None


def contradiction(manifest: Manifest) -> Health | None:
    """The verdict that overrules a row's Healthy; None when the generic rules agree."""
    status = mapping_at(manifest, "status")
    state, history = status.get("state"), items(status, "conditions")
    if isinstance(state, str) and state.islower() and history and history[-1].get("type") == state:
        return None  # its conditions are a history of its states, and the failures are past
    if reason := suspension_reason(manifest):
        return suspended(reason)
    health = generic(manifest)
    if health.status is Status.DEGRADED:
        return health
    summaries = [
        condition
        for name, condition in conditions_by_type(manifest).items()
        if name in ("Ready", "Available", "Healthy")
    ]
    any_not_true = any("status" in condition and not is_true(condition) for condition in summaries)
    return health if health.status is Status.PROGRESSING and any_not_true else None
