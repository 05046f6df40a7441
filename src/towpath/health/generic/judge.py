"""Custom resources of any operator: the kstatus rules, then the words that operators use.

Rules: github.com/kubernetes-sigs/cli-utils/pkg/kstatus. What says nothing is Unknown, never Healthy: it
may be configuration that no controller ever reports on, so nobody waits for it. Bad news outweighs good news.
"""

from typing import Any

from towpath.health.generic.conditions import by_conditions
from towpath.health.generic.counts import by_counts
from towpath.health.generic.parts import by_error, by_nested, by_parents, by_parts, by_schedule
from towpath.health.generic.patterns import (
    FAILURE,
    HOLDS,
    MADE_OF,
    PAUSING,
    PLAIN,
    RECONCILING,
    REPORTED,
    SWITCHES,
    TERMINAL,
    WANTED,
)
from towpath.health.generic.phases import by_last_condition, by_word, runs_on
from towpath.health.generic.words import verdict_of
from towpath.health.verdict import (
    Health,
    Status,
    behind,
    conditions,
    degraded,
    healthy,
    is_true,
    items,
    part,
    progressing,
    suspended,
    told_by,
    unknown,
)
from towpath.objects import Manifest


def generic(manifest: Manifest) -> Health:
    """Judge by observedGeneration, conditions, then phase or state, then booleans, counts and errors."""
    status = part(manifest, "status")
    if held := held_by(manifest) or _switched_off(manifest):
        return suspended(held)
    if not status:
        return _silent(str(manifest.get("kind")), part(manifest, "spec"))
    if waiting := behind(manifest):
        return waiting
    if failure := next((status[key] for key in TERMINAL if status.get(key)), None):
        return degraded(str(failure), final=True)
    word = by_word(status, told_by(manifest))
    if word and word.status is Status.HEALTHY and runs_on(manifest, word.message):
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
        or by_counts(part(manifest, "spec"), status, told_by(manifest))
        or by_nested(manifest)
        or by_error(status)
        or by_schedule(manifest)
        or by_parts(manifest)
        or unknown("its status says nothing known")
    )


def _silent(kind: str, spec: dict[str, Any]) -> Health:
    """No status: by what objects of that name, or with such a specification, are for."""
    if PLAIN.fullmatch(kind):
        return healthy("exists")
    if REPORTED.fullmatch(kind) or not spec.keys().isdisjoint(MADE_OF):
        return progressing("its controller has not reported on it yet")
    return unknown("it has no status to judge by")


def held_by(manifest: Manifest) -> str | None:
    """What in its specification or annotations keeps it from going on."""
    spec = part(manifest, "spec")
    for key in HOLDS:
        if spec.get(key) is True:
            return f"its specification has {key}: true"
    for key in WANTED:
        if isinstance(spec.get(key), str) and verdict_of(spec[key]) is Status.SUSPENDED:
            return f"its specification has {key}: {spec[key]}"
    for name, value in part(manifest, "metadata", "annotations").items():
        for pattern, word in ((PAUSING, "true"), (RECONCILING, "disabled")):
            if pattern.fullmatch(str(name)) and str(value).casefold() == word:
                return f"its annotation {name} is {word}"
    return None


def _switched_off(manifest: Manifest) -> str | None:
    spec = part(manifest, "spec")
    off = next((key for key, value in SWITCHES.items() if spec.get(key) is value), None)
    return f"its specification has {off}: {str(spec[off]).lower()}" if off else None


def bad_news(manifest: Manifest) -> Health | None:
    """What makes an object Degraded though its row is silent: only what is called a failure."""
    told = generic(manifest)
    return told if told.status is Status.DEGRADED and FAILURE.search(told.message) else None


def objection(manifest: Manifest) -> Health | None:
    """What speaks against an object that a row takes for Healthy."""
    status = part(manifest, "status")
    state, history = status.get("state"), items(status, "conditions")
    if isinstance(state, str) and state.islower() and history and history[-1].get("type") == state:
        return None  # its conditions are a history of its states, and the bad ones are over
    if held := held_by(manifest):
        return suspended(held)
    told = generic(manifest)
    if told.status is Status.DEGRADED:
        return told
    sums = [each for name, each in conditions(manifest).items() if name in ("Ready", "Available", "Healthy")]
    refused = any("status" in each and not is_true(each) for each in sums)
    return told if told.status is Status.PROGRESSING and refused else None
