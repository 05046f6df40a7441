"""Custom resources by their conditions: what outweighs the others, what sums the object up, what it means."""

import re
from typing import Any

from towpath.health.generic.patterns import (
    BAD,
    BEGUN,
    BUSY,
    DUE,
    ENDS,
    FAILURE,
    GOOD,
    HARMLESS,
    HELD,
    NOT_YET,
    SETTLED,
    STRONG,
    TO_ITS_END,
    VETO,
    WAITS,
    WELL,
)
from towpath.health.generic.phases import runs_on
from towpath.health.verdict import (
    Health,
    Status,
    behind,
    conditions,
    degraded,
    healthy,
    is_false,
    is_true,
    progressing,
    suspended,
    why,
)
from towpath.objects import Manifest


def by_conditions(manifest: Manifest, by_word: Health | None) -> Health | None:  # noqa: PLR0911
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
    if ends and counted and all(BEGUN.fullmatch(name) for name in counted):
        return progressing("; ".join(why(each) for each in list(counted.values())[:3]))
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
        over = (is_true(condition) and name in ENDS) or (is_false(condition) and BUSY.fullmatch(name))
        if over and FAILURE.search(str(condition.get("reason") or "")):
            return degraded(why(condition))  # it is over, and not well
        if BAD.fullmatch(_last(name)) and not is_false(condition) and _is_broken("", condition):
            return degraded(why(condition))  # Aiven's Error has the status Unknown
    true = {name: condition for name, condition in told.items() if is_true(condition)}
    for name, condition in true.items():
        if HELD.fullmatch(_last(name)):
            return suspended(why(condition))
    ended = not true.keys().isdisjoint(("Succeeded", "Successful", *ENDS))
    for name, condition in true.items():
        on = name in ("Running", "Started") and not ended and runs_on(manifest, "running")
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
            if is_false(each) and not _may_be_false(name) and _is_broken("", each)
        ),
        None,
    ):
        return degraded(why(failed))
    for name, condition in told.items():
        due = DUE.fullmatch(str(condition.get("reason"))) and not name.endswith("ing")
        kept = is_true(condition) and _is_good(name)
        if due and not kept and not BAD.fullmatch(_last(name)):
            return progressing(why(condition))
        settled = name == "Warning" or kept or condition.get("reason") in SETTLED
        if is_true(condition) and name.endswith("ing") and not settled:
            return progressing(why(condition))
    if told and all(is_true(each) and WELL.fullmatch(str(each.get("reason"))) for each in told.values()):
        return healthy("; ".join(why(each) for each in list(told.values())[:3]))
    return None


def _last(name: str) -> str:
    """`example.com/Ready`, `ACK.ResourceSynced` and `Pulp-API-Ready` mean what their last part says."""
    return re.split(r"[/.-]", name)[-1]


def _may_be_false(name: str) -> bool:
    """What is bad news when it is True, and what nobody has to have."""
    return bool(BAD.fullmatch(_last(name)) or FAILURE.search(name) or "Optional" in name)


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
    message = HARMLESS.sub("", str(condition.get("message") or ""))
    for text in (reason, message):
        if FAILURE.search(text):
            return True
        if WAITS.search(text) or (text is reason and reason.endswith("ing")):
            return False
    return False if name in ENDS else None


def _is_due(condition: dict[str, Any]) -> bool:
    return any(NOT_YET.search(str(condition.get(key) or "")) for key in ("reason", "message"))
