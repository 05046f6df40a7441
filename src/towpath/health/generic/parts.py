"""Custom resources whose status has no summary: by their parts, errors and last outcome."""

from typing import Any

from towpath.health.builtin.workloads import cron_job
from towpath.health.generic import gateways
from towpath.health.generic.counts import by_counts
from towpath.health.generic.patterns import ERROR_FIELDS, FAILED_WORDS, OUTCOME_KEYS, RATIO, UNRELATED_KEYS
from towpath.health.generic.phases import by_word, still_runs, worst
from towpath.health.verdict import Health, Status, degraded, healthy, mapping_at, progressing
from towpath.objects import Manifest


def by_parents(manifest: Manifest) -> Health | None:
    status = mapping_at(manifest, "status")
    if isinstance(status.get("parents"), list):
        return gateways.route(manifest)
    if isinstance(status.get("ancestors"), list):
        return gateways.policy(manifest)
    return None


def by_schedule(manifest: Manifest) -> Health | None:
    """Kinds such as ReclaimSpaceCronJob that have the status of a CronJob."""
    status = mapping_at(manifest, "status")
    return cron_job(manifest) if status.get("lastScheduleTime") and status.get("lastSuccessfulTime") else None


def by_nested(manifest: Manifest) -> Health | None:
    """The worst of its nested parts, or the state of its last outcome: `latestExecution.result.status`."""
    level = mapping_at(manifest, "status")
    for _ in range(2):
        parts = [mapping for mapping in level.values() if isinstance(mapping, dict)]
        verdicts = [
            health for mapping in parts if (health := by_counts({}, mapping, _error_message(mapping)))
        ]
        if verdicts:
            return worst(verdicts)
        outcomes = [
            value for key, value in level.items() if isinstance(value, dict) and OUTCOME_KEYS.fullmatch(key)
        ]
        for mapping in outcomes:
            if health := by_word(mapping, _error_message(mapping)):
                return progressing(health.message) if still_runs(manifest, health.message) else health
        level = outcomes[0] if outcomes else {}
    return None


def by_parts(manifest: Manifest) -> Health | None:
    """The worst state, count or ratio of its parts; Healthy when it has a load balancer's address."""
    status = mapping_at(manifest, "status")
    if mapping_at(status, "loadBalancer").get("ingress"):
        return healthy("it has an address")
    parts = [
        entry
        for key, value in status.items()
        if not UNRELATED_KEYS.fullmatch(key)
        for entry in (value if isinstance(value, list) else [value])
        if isinstance(entry, dict)
    ]
    # `servers: 1/2` is read as the part servers with `ready: 1/2`.
    parts += [{"ready": value} for key, value in status.items() if RATIO.fullmatch(str(value))]
    verdicts = [
        by_word(entry, _error_message(entry)) or by_counts({}, entry, _error_message(entry))
        for entry in parts
    ]
    health = worst([health for health in verdicts if health])
    runs = health and health.status is Status.HEALTHY and still_runs(manifest, health.message)
    return progressing(health.message) if health and runs else health


def _error_message(mapping: dict[str, Any]) -> str:
    return str(mapping.get("message") or mapping.get("error") or "")


def by_error(status: dict[str, Any]) -> Health | None:
    message = next(
        (status[key] for key in ERROR_FIELDS if isinstance(status.get(key), str) and status[key]), ""
    )
    if message.casefold() not in ("", "none", "null"):
        return degraded(message)
    if word := next(
        (word for word in status.values() if isinstance(word, str) and word in FAILED_WORDS), None
    ):
        return degraded(word)
    errors = status.get("errors") or status.get("lastErrors")
    return degraded(f"errors: {errors}"[:300]) if isinstance(errors, list | dict) and errors else None
