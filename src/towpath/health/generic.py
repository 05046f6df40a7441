"""Custom resources of any operator: the kstatus rules, then the words that operators use.

Rules: github.com/kubernetes-sigs/cli-utils/pkg/kstatus. What says nothing is Unknown, never Healthy.
"""

import re

from towpath.health.verdict import (
    Health,
    Status,
    conditions,
    degraded,
    healthy,
    is_false,
    is_true,
    part,
    progressing,
    suspended,
    unknown,
    why,
)
from towpath.objects import Manifest

_GOOD_CONDITIONS = (
    "Ready",
    "Available",
    "Healthy",
    "Succeeded",
    "Completed",
    "Complete",
    "Established",
    "Programmed",
)
_BAD_CONDITIONS = ("Stalled", "Failed", "Degraded", "Failure")
_BUSY_CONDITIONS = ("Reconciling", "Progressing")
_WORDS = {
    Status.HEALTHY: """
        ready running active available healthy bound succeeded success successful completed complete
        established deployed installed online normal valid""",
    Status.DEGRADED: """
        failed failure error errored degraded unhealthy invalid rejected lost crashed crashloopbackoff
        unavailable offline""",
    Status.PROGRESSING: """
        pending creating progressing provisioning initializing initialising updating upgrading installing
        reconciling starting inprogress waiting scaling terminating deleting restarting bootstrapping""",
    Status.SUSPENDED: "suspended paused stopped hibernated",
}
_VERDICTS = {word: status for status, words in _WORDS.items() for word in words.split()}
_FAILURE = re.compile(
    r"fail|error|invalid|denied|forbidden|notfound|reject|missing|unhealthy|crash", re.IGNORECASE
)


def generic(manifest: Manifest) -> Health:
    """Judge by observedGeneration, conditions, then phase or state."""
    status = part(manifest, "status")
    if not status:
        return unknown("it has no status to judge by")
    if part(manifest, "spec").get("suspend") is True or part(manifest, "spec").get("paused") is True:
        return suspended("suspended")
    generation = part(manifest, "metadata").get("generation")
    observed = status.get("observedGeneration")
    if isinstance(generation, int) and isinstance(observed, int) and observed < generation:
        return progressing(
            f"its controller has not seen the newest change (generation {generation}, seen {observed})"
        )
    return _by_conditions(manifest) or _by_phase(manifest) or unknown("its status says nothing known")


def _by_conditions(manifest: Manifest) -> Health | None:  # noqa: PLR0911
    told = conditions(manifest)
    generation = part(manifest, "metadata").get("generation")
    for name in _BAD_CONDITIONS:
        if is_true(told.get(name)):
            return degraded(why(told[name]), final=name == "Stalled")
    if is_true(told.get("Reconciling")):
        return progressing(why(told["Reconciling"]))
    for name in _GOOD_CONDITIONS:
        condition = told.get(name)
        if condition is None:
            continue
        seen = condition.get("observedGeneration")
        if isinstance(seen, int) and isinstance(generation, int) and seen < generation:
            return progressing(f"condition {name} is about an older generation")
        if is_true(condition):
            return healthy(why(condition))
        text = f"{condition.get('reason') or ''} {condition.get('message') or ''}"
        if is_false(condition) and _FAILURE.search(text):
            return degraded(why(condition))
        return progressing(why(condition))
    for name in _BUSY_CONDITIONS:
        if is_true(told.get(name)):
            return progressing(why(told[name]))
    return None


def _by_phase(manifest: Manifest) -> Health | None:
    status = part(manifest, "status")
    for key in ("phase", "state", "health", "status"):
        value = status.get(key)
        if not isinstance(value, str) or not value:
            continue
        word = re.sub(r"[^a-z]", "", value.lower())
        if word in _VERDICTS:
            message = status.get("message") or status.get("reason")
            return Health(_VERDICTS[word], f"{key} {value}" + (f": {message}" if message else ""))
    return None
