"""Custom resources of any operator: the kstatus rules, then the words that operators use.

Rules: github.com/kubernetes-sigs/cli-utils/pkg/kstatus. What says nothing is Unknown, never Healthy, and bad
news outweighs good news.
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
    number,
    part,
    progressing,
    suspended,
    told_by,
    unknown,
    why,
)
from towpath.objects import Manifest

_BAD = re.compile(
    r"Stalled|Invalid\w*|\w*(Failed|Failure|Failing|Degraded|Unhealthy|Stuck|Conflict|Conflicted)"
    r"|(?!No)\w*Errors?|ErrorOccurred|ErrorState|NotReady|NotAvailable|Unavailable|Denied|Rejected"
    r"|Irreconcilable"
)
"""Condition types that are good news when False."""
_BUSY = re.compile(
    r"Reconciling|Progressing|Updating\w*|Upgrading|Creating|Deleting|Terminating|Provisioning|Initializing"
    r"|Pending|InProgress|In-progress|Deploying|Scaling|Rebalancing|Restarting|Issuing|RollingOut"
)
_HELD = re.compile(r"Paused|Suspended|Stopped|Hibernated|Hibernating|Disabled|Cordoned")
_STRONG = ("Ready", "Healthy", "Available", "Succeeded", "Successful", "Completed", "Complete", "Established")
"""Condition types that sum an object up, the first that is there counts."""
_GOOD = re.compile(
    r"\w*(Ready|Available|Healthy|Succeeded|Successful|Success|Completed|Complete|Established|Programmed"
    r"|Accepted|Admitted|Deployed|Installed|Synced|Synchronized|Reconciled|Applied|Active|Running|Valid|Validated"
    r"|Resolved|ResolvedRefs|Initialized|Provisioned|Bound|Online|Created|Compliant|Connected|Established)"
)
_VETO = re.compile(
    r"\w*(Synced|Synchronized|Reconciled|ReconcileSuccess|Applied|Accepted|ResolvedRefs|Valid|Healthy)"
)
"""Good conditions that an object cannot be Healthy without, when they are there and False."""
_WAITS = re.compile(
    r"pending|creating|waiting|progress|initiali[sz]|provisioning|reconciling|starting|scheduling|not yet"
    r"|updating|upgrading|installing|deploying|scaling|bootstrap|unknown|minimumreplicas|in progress",
    re.IGNORECASE,
)
_FAILURE = re.compile(
    r"fail|error|invalid|denied|forbidden|not ?found|reject|missing|unhealthy|crash|cannot|could not|unable"
    r"|timed? ?out|exceeded|conflict|unauthorized|refused",
    re.IGNORECASE,
)
_WORDS = {
    Status.HEALTHY: """
        ready running active available healthy bound succeeded success successful completed complete finished
        established deployed installed online normal valid ok operational synced enabled applied created
        provisioned connected accepted passed green up stable reconciled initialized attached done resolved
        compliant issued executed loaded published imported exists inuse""",
    Status.DEGRADED: """
        failed failure error errored degraded unhealthy invalid rejected lost crashed crashloopbackoff
        unavailable offline noncompliant faulted broken red aborted denied timeout timedout conflict
        configerror validationfailed failedvalidation partiallyfailed createfailed updatefailed
        deletefailed syncfailed
        notready unreachable expired stuck fatal misconfigured outofsync rolledback inerror""",
    Status.PROGRESSING: """
        pending creating progressing provisioning initializing initialising updating upgrading installing
        reconciling starting inprogress waiting scaling scalingup scalingdown terminating deleting restarting
        bootstrapping deploying queued new scheduling scheduled preparing migrating rebalancing configuring
        processing syncing applying planning submitted connecting validating recovering rollingback
        uninstalling importing exporting backingup restoring expanding yellow building pulling
        uploading downloading""",
    Status.SUSPENDED: "suspended paused stopped hibernated disabled pausing suspending hibernating sleeping",
}
_VERDICTS = {word: status for status, words in _WORDS.items() for word in words.split()}
_KEYS = ("phase", "state", "health", "status", "currentState", "currentStatus", "result", "stage")


def generic(manifest: Manifest) -> Health:
    """Judge by observedGeneration, conditions, then phase or state, then booleans and counts."""
    spec, status = part(manifest, "spec"), part(manifest, "status")
    if spec.get("suspend") is True or spec.get("suspended") is True or spec.get("paused") is True:
        return suspended("suspended")
    if not status:
        return unknown("it has no status to judge by")
    if waiting := behind(manifest):
        return waiting
    by_conditions, by_word = _by_conditions(manifest), _by_word(manifest)
    if by_conditions and by_conditions.status is Status.HEALTHY and by_word:
        # A phase such as Failed or Pending beside a condition that is still True.
        return by_conditions if by_word.status is Status.HEALTHY else by_word
    return (
        by_conditions
        or by_word
        or _by_parents(manifest)
        or _by_counts(manifest)
        or unknown("its status says nothing known")
    )


def _by_conditions(manifest: Manifest) -> Health | None:  # noqa: PLR0911
    told = conditions(manifest)
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
    for condition in (*counted.values(), *vetoes.values()):
        if is_false(condition):
            return _refused(condition)
    if not counted:
        return None
    for name, condition in counted.items():
        if behind(manifest, condition):
            return progressing(f"condition {name} is about an older generation")
        if not is_true(condition):
            return progressing(why(condition))
    return healthy("; ".join(why(condition) for condition in list(counted.values())[:3]))


def _is_good(name: str) -> bool:
    # `example.com/Ready` and `ACK.ResourceSynced` mean what their last part says.
    last = re.split(r"[/.]", name)[-1]
    return (
        bool(_GOOD.fullmatch(last)) and not _BAD.fullmatch(last) and not last.startswith(("Not", "No", "Un"))
    )


def _is_busy(name: str, condition: dict[str, Any]) -> bool:
    """A Deployment says Progressing for ever, and by the reason that it is done."""
    return bool(_BUSY.fullmatch(name)) and condition.get("reason") not in (
        "NewReplicaSetAvailable",
        "AsExpected",
        "Completed",
        "Complete",
        "Done",
    )


def _first_run(condition: dict[str, Any], told: dict[str, dict[str, Any]]) -> bool:
    """Operators made with Ansible: `Running` means their playbook, not what it makes."""
    return condition.get("message") == "Running reconciliation" and "Successful" not in told


def _refused(condition: dict[str, Any]) -> Health:
    text = f"{condition.get('reason') or ''} {condition.get('message') or ''}"
    if not _FAILURE.search(text) and _WAITS.search(text):
        return progressing(why(condition))
    return degraded(why(condition))


def _by_word(manifest: Manifest) -> Health | None:
    status = part(manifest, "status")
    others = [key for key in status if key.endswith(("Phase", "State", "Status")) and key not in _KEYS]
    worst: Health | None = None
    for key in (*_KEYS, *others):
        value = status.get(key)
        if isinstance(value, dict):
            value = value.get("phase") or value.get("state") or value.get("status") or value.get("health")
        if not isinstance(value, str) or not value:
            continue
        verdict = _VERDICTS.get(re.sub(r"[^a-z]", "", value.lower()))
        if verdict is None:
            continue
        message = told_by(manifest)
        health = Health(verdict, f"{key} {value}" + (f": {message}" if message else ""))
        if worst is None or (worst.status is Status.HEALTHY and verdict is not Status.HEALTHY):
            worst = health
    return worst


def _by_parents(manifest: Manifest) -> Health | None:
    status = part(manifest, "status")
    if isinstance(status.get("parents"), list):
        return gateways.route(manifest)
    if isinstance(status.get("ancestors"), list):
        return gateways.policy(manifest)
    return None


def _by_counts(manifest: Manifest) -> Health | None:
    spec, status = part(manifest, "spec"), part(manifest, "status")
    for key in ("ready", "healthy", "available", "isReady"):
        if status.get(key) is True:
            return healthy(f"{key}: true")
        if status.get(key) is False:
            return progressing(told_by(manifest) or f"{key}: false")
    if isinstance(status.get("readyReplicas"), int):
        ready = number(status, "readyReplicas")
        wanted = number(spec, "replicas", number(status, "replicas"))
        text = f"{ready} of {wanted} replicas are ready"
        return healthy(text) if ready >= wanted else progressing(text)
    return None
