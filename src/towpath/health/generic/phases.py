"""Custom resources by the word of their phase or state."""

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
    """The worst that the usual fields say; of other phases and states only that one has failed."""
    found = [health for key in STATE_KEYS if (health := _word(key, status.get(key), message))]
    others = [
        health
        for key, value in status.items()
        if key not in STATE_KEYS
        and OTHER_STATE_KEYS.fullmatch(key)
        and (health := _word(key, value, message))
    ]
    if found or any(isinstance(status.get(key), str) and status[key] for key in STATE_KEYS):
        # The health of a part; it does not make up for a phase of the whole that nobody knows.
        others = [health for health in others if health.status is Status.DEGRADED]
    return worst(found + others)


def worst(every: list[Health]) -> Health | None:
    """The first that is Degraded, else the first that is not Healthy, else the first."""
    for kind in ((Status.DEGRADED,), (Status.PROGRESSING, Status.SUSPENDED)):
        if found := next((each for each in every if each.status in kind), None):
            return found
    return every[0] if every else None


def _word(key: str, value: Any, message: str) -> Health | None:
    if isinstance(value, dict):
        value = next((value[each] for each in NESTED_STATE_KEYS if value.get(each)), "")
    if not isinstance(value, str):
        return None
    verdict = status_of(value)
    if verdict is None:
        return None
    if NOT_YET_WORDS.fullmatch(value) and FAILURE_WORDS.search(message):
        verdict = Status.DEGRADED
    return Health(verdict, f"{key} {value}" + (f": {message}" if message else ""))


def by_last_condition(status: dict[str, Any]) -> Health | None:
    """Conditions whose status is a word, or in the form of a history: the last one's type is the state."""
    told = items(status, "conditions")
    if not told or any(str(each.get("status")).casefold() in _BOOLEANS for each in told):
        return None
    worded = [health for each in told if (health := _word("condition", each.get("status"), explain(each)))]
    if worded:
        return worst(worded)
    return _word("condition", told[-1].get("type"), explain(told[-1]))


def still_runs(manifest: Manifest, message: str) -> bool:
    """`Running` of what is done only when it has ended."""
    return bool(
        RUN_TO_COMPLETION_KINDS.fullmatch(str(manifest.get("kind"))) and RUNNING_WORDS.search(message)
    )
