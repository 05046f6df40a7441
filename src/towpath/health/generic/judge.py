"""Custom resources of any operator: the kstatus rules, then the words that operators use.

Rules: github.com/kubernetes-sigs/cli-utils/pkg/kstatus. What says nothing is Unknown, never Healthy: it
may be configuration that no controller ever reports on, so nobody waits for it. Bad news outweighs good news.
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
    if held := suspension_reason(manifest) or _switched_off(manifest):
        return suspended(held)
    if not status:
        return _silent(str(manifest.get("kind")), mapping_at(manifest, "spec"))
    if waiting := outdated(manifest):
        return waiting
    if failure := next((status[key] for key in TERMINAL_FIELDS if status.get(key)), None):
        return degraded(str(failure), final=True)
    word = by_word(status, status_message(manifest))
    if word and word.status is Status.HEALTHY and still_runs(manifest, word.message):
        word = progressing(word.message)
    judged = by_conditions(manifest, word)
    if judged and judged.status is Status.HEALTHY and word:
        # A phase such as Failed or Pending beside a condition that is still True.
        return judged if word.status is Status.HEALTHY else word
    return (
        judged
        or word
        or by_last_condition(status)
        or by_parents(manifest)
        or by_counts(mapping_at(manifest, "spec"), status, status_message(manifest))
        or by_nested(manifest)
        or by_error(status)
        or by_schedule(manifest)
        or by_parts(manifest)
        or unknown("its status says nothing known")
    )


def _silent(kind: str, spec: dict[str, Any]) -> Health:
    """No status: by what objects of that name, or with such a specification, are for."""
    if CONFIGURATION_KINDS.fullmatch(kind):
        return healthy("exists")
    if REPORTED_KINDS.fullmatch(kind) or not spec.keys().isdisjoint(WORKLOAD_FIELDS):
        return progressing("its controller has not reported on it yet")
    return unknown("it has no status to judge by")


def suspension_reason(manifest: Manifest) -> str | None:
    """What in its specification or annotations keeps it from going on."""
    spec = mapping_at(manifest, "spec")
    for key in SUSPEND_FIELDS:
        if spec.get(key) is True:
            return f"its specification has {key}: true"
    for key in DESIRED_STATE_FIELDS:
        if isinstance(spec.get(key), str) and status_of(spec[key]) is Status.SUSPENDED:
            return f"its specification has {key}: {spec[key]}"
    for name, value in mapping_at(manifest, "metadata", "annotations").items():
        for pattern, word in ((PAUSE_ANNOTATIONS, "true"), (RECONCILE_ANNOTATIONS, "disabled")):
            if pattern.fullmatch(str(name)) and str(value).casefold() == word:
                return f"its annotation {name} is {word}"
    return None


def _switched_off(manifest: Manifest) -> str | None:
    spec = mapping_at(manifest, "spec")
    off = next((key for key, value in ENABLE_FIELDS.items() if spec.get(key) is value), None)
    return f"its specification has {off}: {str(spec[off]).lower()}" if off else None


def reported_failure(manifest: Manifest) -> Health | None:
    """What makes an object Degraded though its row is silent: only what is called a failure."""
    told = generic(manifest)
    return told if told.status is Status.DEGRADED and FAILURE_WORDS.search(told.message) else None


def contradiction(manifest: Manifest) -> Health | None:
    """What speaks against an object that a row takes for Healthy."""
    status = mapping_at(manifest, "status")
    state, history = status.get("state"), items(status, "conditions")
    if isinstance(state, str) and state.islower() and history and history[-1].get("type") == state:
        return None  # its conditions are a history of its states, and the bad ones are over
    if held := suspension_reason(manifest):
        return suspended(held)
    told = generic(manifest)
    if told.status is Status.DEGRADED:
        return told
    sums = [
        each
        for name, each in conditions_by_type(manifest).items()
        if name in ("Ready", "Available", "Healthy")
    ]
    refused = any("status" in each and not is_true(each) for each in sums)
    return told if told.status is Status.PROGRESSING and refused else None
