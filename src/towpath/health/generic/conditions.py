"""Custom resources by their conditions: what outweighs the others, what sums the object up, what it means."""

import re
from typing import Any

from towpath.health.generic.patterns import (
    END_TYPES,
    FAILURE_WORDS,
    IN_PROGRESS_TYPES,
    NEGATIVE_TYPES,
    NO_FAILURE_WORDS,
    NOT_YET_WORDS,
    PENDING_REASONS,
    POSITIVE_TYPES,
    REQUIRED_TYPES,
    RUN_TO_COMPLETION_KINDS,
    SETTLED_REASONS,
    STARTED_TYPES,
    SUCCESS_REASONS,
    SUMMARY_TYPES,
    SUSPENDED_WORDS,
    WAITING_WORDS,
)
from towpath.health.generic.phases import still_runs
from towpath.health.verdict import (
    Health,
    Status,
    conditions_by_type,
    degraded,
    explain,
    healthy,
    is_false,
    is_true,
    outdated,
    progressing,
    suspended,
)
from towpath.objects import Manifest


def by_conditions(manifest: Manifest, by_word: Health | None) -> Health | None:  # noqa: PLR0911
    told = {_type(name): each for name, each in conditions_by_type(manifest).items()}
    if loud := _loud(manifest, told):
        return loud
    ends = RUN_TO_COMPLETION_KINDS.fullmatch(str(manifest.get("kind")))
    good = {
        name: condition
        for name, condition in told.items()
        if _is_good(name) and not (ends and name.endswith("Running") and is_false(condition))
    }
    main = next((name for name in SUMMARY_TYPES if name in good), None)
    counted = {main: good[main]} if main else good
    vetoes = {name: each for name, each in good.items() if REQUIRED_TYPES.fullmatch(name)}
    refusing = {name: each for name, each in {**counted, **vetoes}.items() if is_false(each)}
    if refusing:
        return _refused(refusing, good, by_word)
    for name, condition in counted.items():
        if outdated(manifest, condition):
            return progressing(f"condition {name} is about an older generation")
        if not is_true(condition):
            return progressing(explain(condition)) if "status" in condition else None
    if not main and (strange := _by_strange_conditions(told)):
        return strange
    if ends and counted and all(STARTED_TYPES.fullmatch(name) for name in counted):
        return progressing("; ".join(explain(each) for each in list(counted.values())[:3]))
    if counted:
        return healthy("; ".join(explain(each) for each in list(counted.values())[:3]))
    return _by_strange_conditions(told)


def _loud(manifest: Manifest, told: dict[str, dict[str, Any]]) -> Health | None:  # noqa: PLR0911
    """What outweighs every good condition: failed, held, then on its way."""
    for name, condition in told.items():
        if is_true(condition) and NEGATIVE_TYPES.fullmatch(_last(name)):
            if name.startswith(("Not", "Un")) and _is_broken(name, condition) is False:
                return progressing(explain(condition))
            return degraded(explain(condition), final=name == "Stalled")
        if is_false(condition) and condition.get("severity") == "Error":
            return degraded(explain(condition))
        over = (is_true(condition) and name in END_TYPES) or (
            is_false(condition) and IN_PROGRESS_TYPES.fullmatch(name)
        )
        if over and FAILURE_WORDS.search(str(condition.get("reason") or "")):
            return degraded(explain(condition))  # it is over, and not well
        if NEGATIVE_TYPES.fullmatch(_last(name)) and not is_false(condition) and _is_broken("", condition):
            return degraded(explain(condition))  # Aiven's Error has the status Unknown
    true = {name: condition for name, condition in told.items() if is_true(condition)}
    for name, condition in true.items():
        if SUSPENDED_WORDS.fullmatch(_last(name)):
            return suspended(explain(condition))
    ended = not true.keys().isdisjoint(("Succeeded", "Successful", *END_TYPES))
    for name, condition in true.items():
        on = name in ("Running", "Started") and not ended and still_runs(manifest, "running")
        if on or _is_busy(name, condition) or _first_run(condition, told):
            return progressing(explain(condition))
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
            if is_false(each) and not _may_be_false(name) and _is_broken("", each)
        ),
        None,
    ):
        return degraded(explain(failed))
    for name, condition in told.items():
        due = PENDING_REASONS.fullmatch(str(condition.get("reason"))) and not name.endswith("ing")
        kept = is_true(condition) and _is_good(name)
        if due and not kept and not NEGATIVE_TYPES.fullmatch(_last(name)):
            return progressing(explain(condition))
        settled = name == "Warning" or kept or condition.get("reason") in SETTLED_REASONS
        if is_true(condition) and name.endswith("ing") and not settled:
            return progressing(explain(condition))
    if told and all(
        is_true(each) and SUCCESS_REASONS.fullmatch(str(each.get("reason"))) for each in told.values()
    ):
        return healthy("; ".join(explain(each) for each in list(told.values())[:3]))
    return None


def _last(name: str) -> str:
    """`example.com/Ready`, `ACK.ResourceSynced` and `Pulp-API-Ready` mean what their last part says."""
    return re.split(r"[/.-]", name)[-1]


def _may_be_false(name: str) -> bool:
    """What is bad news when it is True, and what nobody has to have."""
    return bool(NEGATIVE_TYPES.fullmatch(_last(name)) or FAILURE_WORDS.search(name) or "Optional" in name)


def _is_good(name: str) -> bool:
    last = _last(name)
    return (
        bool(POSITIVE_TYPES.fullmatch(last))
        and not NEGATIVE_TYPES.fullmatch(last)
        and not last.startswith(("Not", "No", "Un"))
    )


def _is_busy(name: str, condition: dict[str, Any]) -> bool:
    """A Deployment says Progressing for ever, and by the reason that it is done."""
    return bool(IN_PROGRESS_TYPES.fullmatch(name)) and condition.get("reason") not in SETTLED_REASONS


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
        return degraded(explain(failed))
    if by_word and by_word.status is Status.DEGRADED and FAILURE_WORDS.search(by_word.message):
        return by_word
    if held := next(
        (each for each in asked.values() if SUSPENDED_WORDS.fullmatch(str(each.get("reason")))), None
    ):
        return suspended(explain(held))
    if waiting := next((each for name, each in asked.items() if broken[name] is False), None):
        return progressing(explain(waiting))
    if by_word and by_word.status is not Status.HEALTHY:
        return by_word
    return progressing(explain(first)) if _is_due(first) else degraded(explain(first))


def _is_broken(name: str, condition: dict[str, Any]) -> bool | None:
    """None when neither its severity (of Cluster API) nor its words say it; the reason comes first."""
    severity, reason = condition.get("severity"), str(condition.get("reason") or "")
    if severity in ("Error", "Info"):
        return bool(severity == "Error")
    message = NO_FAILURE_WORDS.sub("", str(condition.get("message") or ""))
    for text in (reason, message):
        if FAILURE_WORDS.search(text):
            return True
        if WAITING_WORDS.search(text) or (text is reason and reason.endswith("ing")):
            return False
    return False if name in END_TYPES else None


def _is_due(condition: dict[str, Any]) -> bool:
    return any(NOT_YET_WORDS.search(str(condition.get(key) or "")) for key in ("reason", "message"))
