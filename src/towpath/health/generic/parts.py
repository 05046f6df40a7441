"""Custom resources whose status says nothing of the whole: by parts, errors and what was last."""

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
    """Kinds such as ReclaimSpaceCronJob, that write what a CronJob writes."""
    status = mapping_at(manifest, "status")
    return cron_job(manifest) if status.get("lastScheduleTime") and status.get("lastSuccessfulTime") else None


def by_nested(manifest: Manifest) -> Health | None:
    """The worst of its parts, or the word of what it did last: `latestExecution.result.status`."""
    here = mapping_at(manifest, "status")
    for _ in range(2):
        parts = [each for each in here.values() if isinstance(each, dict)]
        found = [health for each in parts if (health := by_counts({}, each, _error(each)))]
        if found:
            return worst(found)
        inner = [
            value for key, value in here.items() if isinstance(value, dict) and OUTCOME_KEYS.fullmatch(key)
        ]
        for each in inner:
            if health := by_word(each, _error(each)):
                return progressing(health.message) if still_runs(manifest, health.message) else health
        here = inner[0] if inner else {}
    return None


def by_parts(manifest: Manifest) -> Health | None:
    """Nothing about the whole: the worst word, count or ratio of its parts, or an address that it has got."""
    status = mapping_at(manifest, "status")
    if mapping_at(status, "loadBalancer").get("ingress"):
        return healthy("it has an address")
    parts = [
        each
        for key, value in status.items()
        if not UNRELATED_KEYS.fullmatch(key)
        for each in (value if isinstance(value, list) else [value])
        if isinstance(each, dict)
    ]
    # `servers: 1/2` is read as the part servers with `ready: 1/2`.
    parts += [{"ready": value} for key, value in status.items() if RATIO.fullmatch(str(value))]
    found = [by_word(each, _error(each)) or by_counts({}, each, _error(each)) for each in parts]
    told = worst([health for health in found if health])
    on = told and told.status is Status.HEALTHY and still_runs(manifest, told.message)
    return progressing(told.message) if told and on else told


def _error(each: dict[str, Any]) -> str:
    return str(each.get("message") or each.get("error") or "")


def by_error(status: dict[str, Any]) -> Health | None:
    said = next((status[key] for key in ERROR_FIELDS if isinstance(status.get(key), str) and status[key]), "")
    if said.casefold() not in ("", "none", "null"):
        return degraded(said)
    if word := next(
        (word for word in status.values() if isinstance(word, str) and word in FAILED_WORDS), None
    ):
        return degraded(word)
    several = status.get("errors") or status.get("lastErrors")
    return degraded(f"errors: {several}"[:300]) if isinstance(several, list | dict) and several else None
