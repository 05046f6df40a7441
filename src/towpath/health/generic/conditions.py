"""Custom resources by their conditions: decisive ones first, then the summary conditions."""

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
    """The verdict of the conditions, None when they say nothing; `by_word` is the verdict of the phase."""
    conditions = {
        _normalized_type(name): condition for name, condition in conditions_by_type(manifest).items()
    }
    if decisive := _decisive_condition(manifest, conditions):
        return decisive
    runs_to_completion = RUN_TO_COMPLETION_KINDS.fullmatch(str(manifest.get("kind")))
    positive = {
        name: condition
        for name, condition in conditions.items()
        if _is_positive(name)
        and not (runs_to_completion and name.endswith("Running") and is_false(condition))
    }
    summary = next((name for name in SUMMARY_TYPES if name in positive), None)
    counted = {summary: positive[summary]} if summary else positive
    required = {name: condition for name, condition in positive.items() if REQUIRED_TYPES.fullmatch(name)}
    false_conditions = {
        name: condition for name, condition in {**counted, **required}.items() if is_false(condition)
    }
    if false_conditions:
        return _by_false_conditions(false_conditions, positive, by_word)
    for name, condition in counted.items():
        if outdated(manifest, condition):
            return progressing(f"condition {name} is about an older generation")
        if not is_true(condition):
            return progressing(explain(condition)) if "status" in condition else None
    if not summary and (unknown_type := _by_unknown_types(conditions)):
        return unknown_type
    if runs_to_completion and counted and all(STARTED_TYPES.fullmatch(name) for name in counted):
        return progressing("; ".join(explain(condition) for condition in list(counted.values())[:3]))
    if counted:
        return healthy("; ".join(explain(condition) for condition in list(counted.values())[:3]))
    return _by_unknown_types(conditions)


def _decisive_condition(manifest: Manifest, conditions: dict[str, dict[str, Any]]) -> Health | None:  # noqa: PLR0911
    """A condition that outweighs every positive one: a failure, a suspension, then work in progress."""
    for name, condition in conditions.items():
        if is_true(condition) and NEGATIVE_TYPES.fullmatch(_last_segment(name)):
            if name.startswith(("Not", "Un")) and _is_broken(name, condition) is False:
                return progressing(explain(condition))
            return degraded(explain(condition), final=name == "Stalled")
        if is_false(condition) and condition.get("severity") == "Error":
            return degraded(explain(condition))
        may_have_failed = (is_true(condition) and name in END_TYPES) or (
            is_false(condition) and IN_PROGRESS_TYPES.fullmatch(name)
        )
        if may_have_failed and FAILURE_WORDS.search(str(condition.get("reason") or "")):
            return degraded(explain(condition))  # it has ended with a failure
        if (
            NEGATIVE_TYPES.fullmatch(_last_segment(name))
            and not is_false(condition)
            and _is_broken("", condition)
        ):
            return degraded(explain(condition))  # Aiven's Error has the status Unknown
    true_conditions = {name: condition for name, condition in conditions.items() if is_true(condition)}
    for name, condition in true_conditions.items():
        if SUSPENDED_WORDS.fullmatch(_last_segment(name)):
            return suspended(explain(condition))
    ended = not true_conditions.keys().isdisjoint(("Succeeded", "Successful", *END_TYPES))
    for name, condition in true_conditions.items():
        runs = name in ("Running", "Started") and not ended and still_runs(manifest, "running")
        if runs or _is_in_progress(name, condition) or _is_first_ansible_run(condition, conditions):
            return progressing(explain(condition))
    return None


def _normalized_type(name: str) -> str:
    """The type in the usual form: `ready` becomes Ready, `JOB_FAILED` becomes JobFailed."""
    if name.isupper() and len(name) > 3:
        return "".join(word.capitalize() for word in name.split("_"))
    return name[:1].upper() + name[1:]


def _by_unknown_types(conditions: dict[str, dict[str, Any]]) -> Health | None:
    """The verdict of condition types that no pattern names.

    False with a failure as reason is Degraded; a type such as `Migrating` that is True is Progressing.
    """
    if failed_condition := next(
        (
            condition
            for name, condition in conditions.items()
            if is_false(condition) and not _may_be_false(name) and _is_broken("", condition)
        ),
        None,
    ):
        return degraded(explain(failed_condition))
    for name, condition in conditions.items():
        is_pending = PENDING_REASONS.fullmatch(str(condition.get("reason"))) and not name.endswith("ing")
        is_positive_and_true = is_true(condition) and _is_positive(name)
        if is_pending and not is_positive_and_true and not NEGATIVE_TYPES.fullmatch(_last_segment(name)):
            return progressing(explain(condition))
        is_settled = name == "Warning" or is_positive_and_true or condition.get("reason") in SETTLED_REASONS
        if is_true(condition) and name.endswith("ing") and not is_settled:
            return progressing(explain(condition))
    if conditions and all(
        is_true(condition) and SUCCESS_REASONS.fullmatch(str(condition.get("reason")))
        for condition in conditions.values()
    ):
        return healthy("; ".join(explain(condition) for condition in list(conditions.values())[:3]))
    return None


def _last_segment(name: str) -> str:
    """What carries the meaning in `example.com/Ready`, `ACK.ResourceSynced` and `Pulp-API-Ready`."""
    return re.split(r"[/.-]", name)[-1]


def _may_be_false(name: str) -> bool:
    """Whether False is no problem: the type names a failure, or something optional."""
    return bool(
        NEGATIVE_TYPES.fullmatch(_last_segment(name)) or FAILURE_WORDS.search(name) or "Optional" in name
    )


def _is_positive(name: str) -> bool:
    segment = _last_segment(name)
    return (
        bool(POSITIVE_TYPES.fullmatch(segment))
        and not NEGATIVE_TYPES.fullmatch(segment)
        and not segment.startswith(("Not", "No", "Un"))
    )


def _is_in_progress(name: str, condition: dict[str, Any]) -> bool:
    """Whether work goes on. A Deployment keeps Progressing True for ever; its reason says that it is done."""
    return bool(IN_PROGRESS_TYPES.fullmatch(name)) and condition.get("reason") not in SETTLED_REASONS


def _is_first_ansible_run(condition: dict[str, Any], conditions: dict[str, dict[str, Any]]) -> bool:
    """Whether an Ansible operator runs its playbook for the first time; `Running` means the playbook."""
    return condition.get("message") == "Running reconciliation" and "Successful" not in conditions


def _by_false_conditions(
    false_conditions: dict[str, dict[str, Any]], positive: dict[str, dict[str, Any]], by_word: Health | None
) -> Health:
    """Degraded or Progressing, by the first condition that tells which; Degraded when none does."""
    candidates = dict(false_conditions)
    first_condition = next(iter(false_conditions.values()))
    if not first_condition.get("reason") and not first_condition.get("message"):
        candidates |= {name: condition for name, condition in positive.items() if is_false(condition)}
    is_broken = {name: _is_broken(name, condition) for name, condition in candidates.items()}
    if failed_condition := next(
        (condition for name, condition in candidates.items() if is_broken[name] is True), None
    ):
        return degraded(explain(failed_condition))
    if by_word and by_word.status is Status.DEGRADED and FAILURE_WORDS.search(by_word.message):
        return by_word
    if suspended_condition := next(
        (
            condition
            for condition in candidates.values()
            if SUSPENDED_WORDS.fullmatch(str(condition.get("reason")))
        ),
        None,
    ):
        return suspended(explain(suspended_condition))
    if waiting_condition := next(
        (condition for name, condition in candidates.items() if is_broken[name] is False), None
    ):
        return progressing(explain(waiting_condition))
    if by_word and by_word.status is not Status.HEALTHY:
        return by_word
    return (
        progressing(explain(first_condition))
        if _is_not_yet(first_condition)
        else degraded(explain(first_condition))
    )


def _is_broken(name: str, condition: dict[str, Any]) -> bool | None:
    """Is a False condition a failure? By severity (Cluster API), reason, then message; None when unclear."""
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


def _is_not_yet(condition: dict[str, Any]) -> bool:
    return any(NOT_YET_WORDS.search(str(condition.get(key) or "")) for key in ("reason", "message"))
