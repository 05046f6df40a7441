"""Custom resources by booleans, ratios and counts: `ready: true`, `2/3`, `readyReplicas` of `replicas`."""

from typing import Any

from towpath.health.generic.patterns import (
    COUNT_FIELDS,
    DESIRED_PREFIXES,
    FAILURE_WORDS,
    RATIO,
    READY_COUNT_FIELD,
    READY_FLAGS,
)
from towpath.health.verdict import Health, Status, degraded, healthy, number, progressing


def by_counts(spec: dict[str, Any], status: dict[str, Any], message: str) -> Health | None:
    for key in READY_FLAGS:
        value = str(status.get(key)).casefold()
        ratio = RATIO.fullmatch(value)
        if value == "true" or (ratio and int(ratio[1]) >= int(ratio[2]) > 0):
            return healthy(f"{key}: {value}")
        if value == "false" or ratio:
            broken = key == "valid" or FAILURE_WORDS.search(message)
            return (degraded if broken else progressing)(message or f"{key}: {value}")
    for key, total_field in COUNT_FIELDS:
        if isinstance(status.get(key), int):
            ready, wanted = number(status, key), number(spec, total_field, number(status, total_field))
            updated = number(status, "updated" + key.removeprefix("ready").removeprefix("available"), ready)
            text = f"{ready} of {wanted} {total_field} are ready"
            if ready >= wanted > updated:
                return progressing(f"{updated} of {wanted} {total_field} are updated")
            return healthy(text) if ready >= wanted else progressing(text)
    for key, missing in status.items():
        if key.startswith("unavailable") and isinstance(missing, int) and missing > 0:
            return progressing(f"{key}: {missing}")
    return _by_pairs({**spec, **status})


def _by_pairs(status: dict[str, Any]) -> Health | None:
    """`healthyInstances` beside `desiredInstances` or `instances`; every pair of `status` counts."""
    verdicts: list[Health] = []
    for key, ready in status.items():
        match = READY_COUNT_FIELD.fullmatch(key)
        if not match or not isinstance(ready, int) or isinstance(ready, bool):
            continue
        noun = match[2]
        nouns = noun[:1].lower() + noun[1:]
        total_field = next(
            (f"{word}{noun}" for word in DESIRED_PREFIXES if isinstance(status.get(f"{word}{noun}"), int)),
            nouns,
        )
        wanted = number(status, total_field)
        if wanted > 0:
            text = f"{ready} of {wanted} {nouns} are ready"
            verdicts.append(healthy(text) if ready >= wanted else progressing(text))
    return next(
        (verdict for verdict in verdicts if verdict.status is not Status.HEALTHY),
        verdicts[0] if verdicts else None,
    )
