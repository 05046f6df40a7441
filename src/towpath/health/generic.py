"""Custom resources of any operator: the kstatus rules, then the words that operators use.

Rules: github.com/kubernetes-sigs/cli-utils/pkg/kstatus. What says nothing is Unknown, never Healthy: it
may be configuration that no controller ever reports on, so nobody waits for it. Bad news outweighs good news.
"""

import re
from typing import Any

from towpath.health.operators import gateways
from towpath.health.verdict import (
    Health,
    Status,
    behind,
    conditions,
    degraded,
    healthy,
    is_false,
    is_true,
    items,
    number,
    part,
    progressing,
    suspended,
    told_by,
    unknown,
    why,
)
from towpath.health.words import verdict_of
from towpath.objects import Manifest

_BAD = re.compile(
    r"Stalled|Invalid\w*|Irreconcilable|ErrorState|\w*(Failed|Failure|Failing|Degraded|Unhealthy|Stuck|Conflict"
    r"|Conflicted|Misconfigured|NotReady|NotAvailable|Unavailable|Unreachable)"
    r"|(?!No)\w*Errors?|ErrorOccurred|Denied|Rejected"
)
"""Condition types that are good news when False."""
_BUSY = re.compile(
    r"Reconciling|Progressing|Updating\w*|Upgrading|Creating|Deleting|Terminating|Provisioning|Initializing"
    r"|Pending|InProgress|In-progress|Deploying|Scaling|Rebalancing|Restarting|Issuing|RollingOut|Syncing"
    r"|Installing|Promoting|\w*InProgress"
)
_HELD = re.compile(
    r"\w*(Paused|Suspended|Hibernated|Halted)|Stopped|Hibernating|Disabled|Cordoned|ScaledToZero"
)
"""Condition types, and reasons, that say that nothing is to happen."""
_STRONG = ("Ready", "Healthy", "Available", "Succeeded", "Successful", "Completed", "Complete", "Established")
"""Condition types that sum an object up, the first that is there counts."""
_ENDS = ("Completed", "Complete", "Finished")
"""What is False only because it has not come to its end."""
_GOOD = re.compile(
    r"\w*(Ready|Available|Healthy|Succeeded|Successful|Success|Completed|Complete|Established|Programmed"
    r"|Accepted|Admitted|Deployed|Installed|Synced|Synchronized|Reconciled|Applied|Active|Running|Valid|Validated"
    r"|Resolved|ResolvedRefs|Initialized|Provisioned|Bound|Online|Created|Compliant|Connected|Bootstrapped)"
)
_VETO = re.compile(
    r"\w*(Synced|Synchronized|Reconciled|ReconcileSuccess|Applied|Accepted|ResolvedRefs|Valid|Healthy)"
)
"""Good conditions that an object cannot be Healthy without, when they are there and False."""
_WAITS = re.compile(
    r"pending|creating|waiting|progress|initiali[sz]|provisioning|reconciling|starting|scheduling|not yet"
    r"|updating|upgrading|installing|deploying|scaling|bootstrap|unknown|minimumreplicas"
    r"|minimum availability|in progress|(dependenc(y|ies)|source|parent|owner|upstream)notready",
    re.IGNORECASE,
)
_FAILURE = re.compile(
    r"fail|error|invalid|denied|forbidden|not ?found|reject|missing|unhealthy|crash|cannot|could not|unable"
    r"|timed? ?out|exceeded|conflict|unauthorized|refused",
    re.IGNORECASE,
)
_KEYS = ("phase", "state", "health", "status", "currentState", "currentStatus", "result", "stage")
_OTHER_KEY = re.compile(r"(?!previous|last|desired|target|expected|old|spec)\w+(Phase|State|Status|Health)")
_RATIO = re.compile(r"(\d+)/(\d+)")
_HOLDS = ("suspend", "suspended", "paused", "pause", "halted", "hibernate", "stopped")
"""What a specification says to keep its controller from acting."""
_COUNTS = (
    ("readyReplicas", "replicas"),
    ("availableReplicas", "replicas"),
    ("readyInstances", "instances"),
    ("readyNodes", "nodes"),
    ("readyMembers", "members"),
)
_ERRORS = ("error", "lastError", "errorMessage", "failureMessage", "failureReason")


def generic(manifest: Manifest) -> Health:
    """Judge by observedGeneration, conditions, then phase or state, then booleans, counts and errors."""
    spec, status = part(manifest, "spec"), part(manifest, "status")
    if held := next((key for key in _HOLDS if spec.get(key) is True), None):
        return suspended(f"its specification has {held}: true")
    if not status:
        return unknown("it has no status to judge by")
    if waiting := behind(manifest):
        return waiting
    by_word = _by_word(status, told_by(manifest))
    by_conditions = _by_conditions(manifest, by_word)
    if by_conditions and by_conditions.status is Status.HEALTHY and by_word:
        # A phase such as Failed or Pending beside a condition that is still True.
        return by_conditions if by_word.status is Status.HEALTHY else by_word
    return (
        by_conditions
        or by_word
        or _by_last_condition(status)
        or _by_parents(manifest)
        or _by_counts(spec, status, told_by(manifest))
        or _by_error(status)
        or unknown("its status says nothing known")
    )


def _by_conditions(manifest: Manifest, by_word: Health | None) -> Health | None:  # noqa: PLR0911
    told = {name[:1].upper() + name[1:]: each for name, each in conditions(manifest).items()}
    for name, condition in told.items():
        if is_true(condition) and _BAD.fullmatch(name):
            return degraded(why(condition), final=name == "Stalled")
    for name, condition in told.items():
        if is_true(condition) and _HELD.fullmatch(name):
            return suspended(why(condition))
    for name, condition in told.items():
        if is_true(condition) and (_is_busy(name, condition) or _first_run(condition, told)):
            return progressing(why(condition))
    good = {name: condition for name, condition in told.items() if _is_good(name)}
    main = next((name for name in _STRONG if name in good), None)
    counted = {main: good[main]} if main else good
    vetoes = {name: each for name, each in good.items() if _VETO.fullmatch(name)}
    refusing = {name: each for name, each in {**counted, **vetoes}.items() if is_false(each)}
    if refusing:
        return _refused(refusing, good, by_word)
    for name, condition in counted.items():
        if behind(manifest, condition):
            return progressing(f"condition {name} is about an older generation")
        if not is_true(condition):
            return progressing(why(condition)) if "status" in condition else None
    if counted:
        return healthy("; ".join(why(each) for each in list(counted.values())[:3]))
    return _by_strange_conditions(told)


def _by_strange_conditions(told: dict[str, dict[str, Any]]) -> Health | None:
    """Types that nobody knows: one that is refused with a reason is bad news, `Migrating` is on its way."""
    if failed := next((each for each in told.values() if is_false(each) and _is_broken("", each)), None):
        return degraded(why(failed))
    for name, condition in told.items():
        if is_true(condition) and name.endswith("ing") and name not in ("Warning", "Running"):
            return progressing(why(condition))
    return None


def _is_good(name: str) -> bool:
    # `example.com/Ready` and `ACK.ResourceSynced` mean what their last part says.
    last = re.split(r"[/.]", name)[-1]
    return (
        bool(_GOOD.fullmatch(last)) and not _BAD.fullmatch(last) and not last.startswith(("Not", "No", "Un"))
    )


def _is_busy(name: str, condition: dict[str, Any]) -> bool:
    """A Deployment says Progressing for ever, and by the reason that it is done."""
    settled = ("NewReplicaSetAvailable", "AsExpected", "Completed", "Complete", "Done")
    return bool(_BUSY.fullmatch(name)) and condition.get("reason") not in settled


def _first_run(condition: dict[str, Any], told: dict[str, dict[str, Any]]) -> bool:
    """Operators made with Ansible: `Running` means their playbook, not what it makes."""
    return condition.get("message") == "Running reconciliation" and "Successful" not in told


def _refused(
    refusing: dict[str, dict[str, Any]], good: dict[str, dict[str, Any]], by_word: Health | None
) -> Health:
    """Broken, or only not there yet: by the first that says so; when none does, it is broken."""
    asked = dict(refusing)
    first = next(iter(refusing.values()))
    if not first.get("reason") and not first.get("message"):
        asked |= {name: each for name, each in good.items() if is_false(each)}
    broken = {name: _is_broken(name, each) for name, each in asked.items()}
    if failed := next((each for name, each in asked.items() if broken[name] is True), None):
        return degraded(why(failed))
    if by_word and by_word.status is Status.DEGRADED and _FAILURE.search(by_word.message):
        return by_word
    if held := next((each for each in asked.values() if _HELD.fullmatch(str(each.get("reason")))), None):
        return suspended(why(held))
    if waiting := next((each for name, each in asked.items() if broken[name] is False), None):
        return progressing(why(waiting))
    if by_word and by_word.status is Status.PROGRESSING:
        return by_word
    return degraded(why(first))


def _is_broken(name: str, condition: dict[str, Any]) -> bool | None:
    """None when neither its severity (of Cluster API) nor its words say it; the reason comes first."""
    severity, reason = condition.get("severity"), str(condition.get("reason") or "")
    if severity in ("Error", "Info"):
        return bool(severity == "Error")
    for text in (reason, str(condition.get("message") or "")):
        if _FAILURE.search(text):
            return True
        if _WAITS.search(text) or (text is reason and reason.endswith("ing")):
            return False
    return False if name in _ENDS else None


def _by_word(status: dict[str, Any], message: str) -> Health | None:
    """The worst that the usual fields say; of other phases and states only that one has failed."""
    found = [health for key in _KEYS if (health := _word(key, status.get(key), message))]
    others = [
        health
        for key, value in status.items()
        if key not in _KEYS and _OTHER_KEY.fullmatch(key) and (health := _word(key, value, message))
    ]
    if found:
        others = [health for health in others if health.status is Status.DEGRADED]
    every = found + others
    return next((each for each in every if each.status is not Status.HEALTHY), every[0] if every else None)


def _word(key: str, value: Any, message: str) -> Health | None:
    if isinstance(value, dict):
        value = value.get("phase") or value.get("state") or value.get("status") or value.get("health")
    if not isinstance(value, str):
        return None
    verdict = verdict_of(value)
    if verdict is None:
        return None
    return Health(verdict, f"{key} {value}" + (f": {message}" if message else ""))


def _by_last_condition(status: dict[str, Any]) -> Health | None:
    """Conditions in the form of a history: the last one's type is the state."""
    told = items(status, "conditions")
    if not told or any(str(each.get("status")).casefold() in ("true", "false", "unknown") for each in told):
        return None
    return _word("condition", told[-1].get("type"), why(told[-1]))


def _by_parents(manifest: Manifest) -> Health | None:
    status = part(manifest, "status")
    if isinstance(status.get("parents"), list):
        return gateways.route(manifest)
    if isinstance(status.get("ancestors"), list):
        return gateways.policy(manifest)
    return None


def _by_counts(spec: dict[str, Any], status: dict[str, Any], message: str) -> Health | None:
    for key in ("ready", "healthy", "available", "isReady"):
        value = str(status.get(key)).casefold()
        ratio = _RATIO.fullmatch(value)
        if value == "true" or (ratio and int(ratio[1]) >= int(ratio[2]) > 0):
            return healthy(f"{key}: {value}")
        if value == "false" or ratio:
            return progressing(message or f"{key}: {value}")
    for key, of in _COUNTS:
        if isinstance(status.get(key), int):
            ready, wanted = number(status, key), number(spec, of, number(status, of))
            text = f"{ready} of {wanted} {of} are ready"
            return healthy(text) if ready >= wanted else progressing(text)
    return None


def _by_error(status: dict[str, Any]) -> Health | None:
    said = next((status[key] for key in _ERRORS if isinstance(status.get(key), str) and status[key]), None)
    return degraded(said) if said else None
