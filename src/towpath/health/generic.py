"""Custom resources of any operator: the kstatus rules, then the words that operators use.

Rules: github.com/kubernetes-sigs/cli-utils/pkg/kstatus. What says nothing is Unknown, never Healthy: it
may be configuration that no controller ever reports on, so nobody waits for it. Bad news outweighs good news.
"""

import re
from typing import Any

from towpath.health import gateways
from towpath.health.counts import by_counts
from towpath.health.patterns import (
    BAD,
    BUSY,
    ENABLING,
    ENDS,
    ERRORS,
    FAILED,
    FAILURE,
    GOOD,
    HELD,
    HOLDS,
    INNER,
    INSIDE,
    KEYS,
    NOT_YET,
    OTHER_KEY,
    PAUSING,
    PLAIN,
    RECONCILING,
    REPORTED,
    RUNS,
    SETTLED,
    STRONG,
    TO_ITS_END,
    VETO,
    WAITS,
    WANTED,
    WELL,
)
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
    part,
    progressing,
    suspended,
    told_by,
    unknown,
    why,
)
from towpath.health.words import verdict_of
from towpath.health.workloads import cron_job
from towpath.objects import Manifest


def generic(manifest: Manifest) -> Health:
    """Judge by observedGeneration, conditions, then phase or state, then booleans, counts and errors."""
    status = part(manifest, "status")
    if held := _held(manifest):
        return suspended(held)
    if not status:
        return _silent(str(manifest.get("kind")))
    if waiting := behind(manifest):
        return waiting
    by_word = _by_word(status, told_by(manifest))
    if by_word and by_word.status is Status.HEALTHY and _runs_on(manifest, by_word.message):
        by_word = progressing(by_word.message)
    by_conditions = _by_conditions(manifest, by_word)
    if by_conditions and by_conditions.status is Status.HEALTHY and by_word:
        # A phase such as Failed or Pending beside a condition that is still True.
        return by_conditions if by_word.status is Status.HEALTHY else by_word
    return (
        by_conditions
        or by_word
        or _by_last_condition(status)
        or _by_parents(manifest)
        or by_counts(part(manifest, "spec"), status, told_by(manifest))
        or _by_nested(manifest)
        or _by_error(status)
        or _by_schedule(manifest)
        or unknown("its status says nothing known")
    )


def _silent(kind: str) -> Health:
    """No status: by what objects of that name are for."""
    if REPORTED.fullmatch(kind):
        return progressing("its controller has not reported on it yet")
    return healthy("exists") if PLAIN.fullmatch(kind) else unknown("it has no status to judge by")


def _held(manifest: Manifest) -> str | None:
    """What in its specification or annotations keeps it from going on."""
    spec = part(manifest, "spec")
    for key in HOLDS:
        if spec.get(key) is True:
            return f"its specification has {key}: true"
    for key in WANTED:
        if isinstance(spec.get(key), str) and verdict_of(spec[key]) is Status.SUSPENDED:
            return f"its specification has {key}: {spec[key]}"
    for key in ENABLING:
        if spec.get(key) is False:
            return f"its specification has {key}: false"
    for name, value in part(manifest, "metadata", "annotations").items():
        for pattern, word in ((PAUSING, "true"), (RECONCILING, "disabled")):
            if pattern.fullmatch(str(name)) and str(value).casefold() == word:
                return f"its annotation {name} is {word}"
    return None


def _runs_on(manifest: Manifest, message: str) -> bool:
    """`Running` of what is done only when it has ended."""
    return bool(TO_ITS_END.fullmatch(str(manifest.get("kind"))) and RUNS.search(message))


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
    if held := _held(manifest):
        return suspended(held)
    told = generic(manifest)
    if told.status is Status.DEGRADED:
        return told
    sums = [each for name, each in conditions(manifest).items() if name in ("Ready", "Available", "Healthy")]
    refused = any("status" in each and not is_true(each) for each in sums)
    return told if told.status is Status.PROGRESSING and refused else None


def _by_conditions(manifest: Manifest, by_word: Health | None) -> Health | None:  # noqa: PLR0911
    told = {_type(name): each for name, each in conditions(manifest).items()}
    if loud := _loud(manifest, told):
        return loud
    ends = TO_ITS_END.fullmatch(str(manifest.get("kind")))
    good = {
        name: condition
        for name, condition in told.items()
        if _is_good(name) and not (ends and name.endswith("Running") and is_false(condition))
    }
    main = next((name for name in STRONG if name in good), None)
    counted = {main: good[main]} if main else good
    vetoes = {name: each for name, each in good.items() if VETO.fullmatch(name)}
    refusing = {name: each for name, each in {**counted, **vetoes}.items() if is_false(each)}
    if refusing:
        return _refused(refusing, good, by_word)
    for name, condition in counted.items():
        if behind(manifest, condition):
            return progressing(f"condition {name} is about an older generation")
        if not is_true(condition):
            return progressing(why(condition)) if "status" in condition else None
    if not main and (strange := _by_strange_conditions(told)):
        return strange
    if counted:
        return healthy("; ".join(why(each) for each in list(counted.values())[:3]))
    return _by_strange_conditions(told)


def _loud(manifest: Manifest, told: dict[str, dict[str, Any]]) -> Health | None:  # noqa: PLR0911
    """What outweighs every good condition: failed, held, then on its way."""
    for name, condition in told.items():
        if is_true(condition) and BAD.fullmatch(_last(name)):
            if name.startswith(("Not", "Un")) and _is_broken(name, condition) is False:
                return progressing(why(condition))
            return degraded(why(condition), final=name == "Stalled")
        if is_false(condition) and condition.get("severity") == "Error":
            return degraded(why(condition))
        if BAD.fullmatch(_last(name)) and not is_false(condition) and _is_broken("", condition):
            return degraded(why(condition))  # Aiven's Error has the status Unknown
    true = {name: condition for name, condition in told.items() if is_true(condition)}
    for name, condition in true.items():
        if HELD.fullmatch(_last(name)):
            return suspended(why(condition))
    ended = not true.keys().isdisjoint(("Succeeded", "Successful", *ENDS))
    for name, condition in true.items():
        on = name in ("Running", "Started") and not ended and _runs_on(manifest, "running")
        if on or _is_busy(name, condition) or _first_run(condition, told):
            return progressing(why(condition))
    return None


def _type(name: str) -> str:
    """`ready` and `JOB_FAILED` as others write them: Ready, JobFailed."""
    if name.isupper() and len(name) > 3:
        return "".join(word.capitalize() for word in name.split("_"))
    return name[:1].upper() + name[1:]


def _by_strange_conditions(told: dict[str, dict[str, Any]]) -> Health | None:
    """Types that nobody knows: one that is refused with a reason is bad news, `Migrating` is on its way."""
    if failed := next(
        (
            each
            for name, each in told.items()
            if is_false(each) and not FAILURE.search(name) and _is_broken("", each)
        ),
        None,
    ):
        return degraded(why(failed))
    for name, condition in told.items():
        settled = name in ("Warning", "Running") or condition.get("reason") in SETTLED
        if is_true(condition) and name.endswith("ing") and not settled:
            return progressing(why(condition))
    if told and all(is_true(each) and WELL.fullmatch(str(each.get("reason"))) for each in told.values()):
        return healthy("; ".join(why(each) for each in list(told.values())[:3]))
    return None


def _last(name: str) -> str:
    """`example.com/Ready`, `ACK.ResourceSynced` and `Pulp-API-Ready` mean what their last part says."""
    return re.split(r"[/.-]", name)[-1]


def _is_good(name: str) -> bool:
    last = _last(name)
    return bool(GOOD.fullmatch(last)) and not BAD.fullmatch(last) and not last.startswith(("Not", "No", "Un"))


def _is_busy(name: str, condition: dict[str, Any]) -> bool:
    """A Deployment says Progressing for ever, and by the reason that it is done."""
    return bool(BUSY.fullmatch(name)) and condition.get("reason") not in SETTLED


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
    if by_word and by_word.status is Status.DEGRADED and FAILURE.search(by_word.message):
        return by_word
    if held := next((each for each in asked.values() if HELD.fullmatch(str(each.get("reason")))), None):
        return suspended(why(held))
    if waiting := next((each for name, each in asked.items() if broken[name] is False), None):
        return progressing(why(waiting))
    if by_word and by_word.status is not Status.HEALTHY:
        return by_word
    return progressing(why(first)) if _is_due(first) else degraded(why(first))


def _is_broken(name: str, condition: dict[str, Any]) -> bool | None:
    """None when neither its severity (of Cluster API) nor its words say it; the reason comes first."""
    severity, reason = condition.get("severity"), str(condition.get("reason") or "")
    if severity in ("Error", "Info"):
        return bool(severity == "Error")
    message = re.sub(r"^Previously: .*", "", str(condition.get("message") or ""))
    for text in (reason, message):
        if FAILURE.search(text):
            return True
        if WAITS.search(text) or (text is reason and reason.endswith("ing")):
            return False
    return False if name in ENDS else None


def _is_due(condition: dict[str, Any]) -> bool:
    return any(NOT_YET.search(str(condition.get(key) or "")) for key in ("reason", "message"))


def _by_word(status: dict[str, Any], message: str) -> Health | None:
    """The worst that the usual fields say; of other phases and states only that one has failed."""
    found = [health for key in KEYS if (health := _word(key, status.get(key), message))]
    others = [
        health
        for key, value in status.items()
        if key not in KEYS and OTHER_KEY.fullmatch(key) and (health := _word(key, value, message))
    ]
    if found or any(isinstance(status.get(key), str) and status[key] for key in KEYS):
        # The health of a part; it does not make up for a phase of the whole that nobody knows.
        others = [health for health in others if health.status is Status.DEGRADED]
    return _worst(found + others)


def _worst(every: list[Health]) -> Health | None:
    """The first that is not Healthy, else the first."""
    return next((each for each in every if each.status is not Status.HEALTHY), every[0] if every else None)


def _word(key: str, value: Any, message: str) -> Health | None:
    if isinstance(value, dict):
        value = next((value[each] for each in INNER if value.get(each)), "")
    if not isinstance(value, str):
        return None
    verdict = verdict_of(value)
    if verdict is None:
        return None
    return Health(verdict, f"{key} {value}" + (f": {message}" if message else ""))


def _by_last_condition(status: dict[str, Any]) -> Health | None:
    """Conditions whose status is a word, or in the form of a history: the last one's type is the state."""
    told = items(status, "conditions")
    if not told or any(str(each.get("status")).casefold() in ("true", "false", "unknown") for each in told):
        return None
    worded = [health for each in told if (health := _word("condition", each.get("status"), why(each)))]
    if worded:
        return _worst(worded)
    return _word("condition", told[-1].get("type"), why(told[-1]))


def _by_parents(manifest: Manifest) -> Health | None:
    status = part(manifest, "status")
    if isinstance(status.get("parents"), list):
        return gateways.route(manifest)
    if isinstance(status.get("ancestors"), list):
        return gateways.policy(manifest)
    return None


def _by_schedule(manifest: Manifest) -> Health | None:
    """Kinds such as ReclaimSpaceCronJob, that write what a CronJob writes."""
    status = part(manifest, "status")
    return cron_job(manifest) if status.get("lastScheduleTime") and status.get("lastSuccessfulTime") else None


def _by_nested(manifest: Manifest) -> Health | None:
    """The worst of its parts, or the word of what it did last: `latestExecution.result.status`."""
    here = part(manifest, "status")
    for _ in range(2):
        parts = [each for each in here.values() if isinstance(each, dict)]
        found = [health for each in parts if (health := by_counts({}, each, _error(each)))]
        if found:
            return _worst(found)
        inner = [value for key, value in here.items() if isinstance(value, dict) and INSIDE.fullmatch(key)]
        for each in inner:
            if health := _by_word(each, _error(each)):
                return progressing(health.message) if _runs_on(manifest, health.message) else health
        here = inner[0] if inner else {}
    return None


def _error(each: dict[str, Any]) -> str:
    return str(each.get("message") or each.get("error") or "")


def _by_error(status: dict[str, Any]) -> Health | None:
    said = next((status[key] for key in ERRORS if isinstance(status.get(key), str) and status[key]), "")
    if said.casefold() not in ("", "none", "null"):
        return degraded(said)
    if word := next((word for word in status.values() if isinstance(word, str) and word in FAILED), None):
        return degraded(word)
    several = status.get("errors") or status.get("lastErrors")
    return degraded(f"errors: {several}"[:300]) if isinstance(several, list | dict) and several else None
