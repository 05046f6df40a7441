"""Custom resources by their phase or state."""

from typing import Any

from towpath.health.generic.patterns import (
    FAILURE_WORDS,
    NESTED_STATE_KEYS,
    NOT_YET_WORDS,
    OTHER_STATE_KEYS,
    RUN_TO_COMPLETION_KINDS,
    RUNNING_WORDS,
    STATE_KEYS,
)
from towpath.health.generic.words import status_of
from towpath.health.verdict import Health, Status, explain, items
from towpath.objects import Manifest

_BOOLEANS = ("true", "false", "unknown")


def by_word(status: dict[str, Any], message: str) -> Health | None:
    """The worst verdict of the usual state fields; other state fields count only when they are Degraded."""
    verdicts = [health for key in STATE_KEYS if (health := _word(key, status.get(key), message))]
    part_verdicts = [
        health
        for key, value in status.items()
        if key not in STATE_KEYS
        and OTHER_STATE_KEYS.fullmatch(key)
        and (health := _word(key, value, message))
    ]
    if verdicts or any(isinstance(status.get(key), str) and status[key] for key in STATE_KEYS):
        # The health of a part does not replace an unknown phase of the whole.
        part_verdicts = [health for health in part_verdicts if health.status is Status.DEGRADED]
    return worst(verdicts + part_verdicts)


def worst(verdicts: list[Health]) -> Health | None:
    """The first that is Degraded, else the first that is not Healthy, else the first."""
    for statuses in ((Status.DEGRADED,), (Status.PROGRESSING, Status.SUSPENDED)):
        if first := next((verdict for verdict in verdicts if verdict.status in statuses), None):
            return first
    return verdicts[0] if verdicts else None


def _word(key: str, value: Any, message: str) -> Health | None:
    if isinstance(value, dict):
        value = next((value[name] for name in NESTED_STATE_KEYS if value.get(name)), "")
    if not isinstance(value, str):
        return None
    verdict = status_of(value)
    if verdict is None:
        return None
    if NOT_YET_WORDS.fullmatch(value) and FAILURE_WORDS.search(message):
        verdict = Status.DEGRADED
    return Health(verdict, f"{key} {value}" + (f": {message}" if message else ""))


def by_last_condition(status: dict[str, Any]) -> Health | None:
    """Conditions whose status is a state, or that form a history: the type of the last one is the state."""
    history = items(status, "conditions")
    if not history or any(str(condition.get("status")).casefold() in _BOOLEANS for condition in history):
        return None
    verdicts = [
        health
        for condition in history
        if (health := _word("condition", condition.get("status"), explain(condition)))
    ]
    if verdicts:
        return worst(verdicts)
    return _word("condition", history[-1].get("type"), explain(history[-1]))


def still_runs(manifest: Manifest, message: str) -> bool:
    """Whether the message means work in progress: `Running`, of a kind that runs to completion."""
    return bool(
        RUN_TO_COMPLETION_KINDS.fullmatch(str(manifest.get("kind"))) and RUNNING_WORDS.search(message)
    )
