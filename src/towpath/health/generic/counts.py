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
    for key, of in COUNT_FIELDS:
        if isinstance(status.get(key), int):
            ready, wanted = number(status, key), number(spec, of, number(status, of))
            updated = number(status, "updated" + key.removeprefix("ready").removeprefix("available"), ready)
            text = f"{ready} of {wanted} {of} are ready"
            if ready >= wanted > updated:
                return progressing(f"{updated} of {wanted} {of} are updated")
            return healthy(text) if ready >= wanted else progressing(text)
    for key, missing in status.items():
        if key.startswith("unavailable") and isinstance(missing, int) and missing > 0:
            return progressing(f"{key}: {missing}")
    return _by_pairs({**spec, **status})


def _by_pairs(status: dict[str, Any]) -> Health | None:
    """`healthyInstances` beside `desiredInstances` or `instances`; every pair of `status` counts."""
    found: list[Health] = []
    for key, ready in status.items():
        match = READY_COUNT_FIELD.fullmatch(key)
        if not match or not isinstance(ready, int) or isinstance(ready, bool):
            continue
        noun = match[2]
        nouns = noun[:1].lower() + noun[1:]
        of = next(
            (f"{word}{noun}" for word in DESIRED_PREFIXES if isinstance(status.get(f"{word}{noun}"), int)),
            nouns,
        )
        wanted = number(status, of)
        if wanted > 0:
            text = f"{ready} of {wanted} {nouns} are ready"
            found.append(healthy(text) if ready >= wanted else progressing(text))
    return next((each for each in found if each.status is not Status.HEALTHY), found[0] if found else None)
