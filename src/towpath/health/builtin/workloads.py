"""Workloads, judged by generation, counts and conditions, never by the absence of failures alone."""

from typing import Any

from towpath.health.verdict import (
    Health,
    conditions_by_type,
    degraded,
    explain,
    healthy,
    is_false,
    is_true,
    items,
    mapping_at,
    number,
    progressing,
    suspended,
    unknown,
    unobserved,
)
from towpath.objects import Manifest

TERMINAL_WAITING_REASONS = frozenset({"InvalidImageName", "ErrImageNeverPull", "ImageInspectError"})
"""Reasons of a waiting container that only a change of the object can end."""


def deployment(manifest: Manifest) -> Health:  # noqa: PLR0911
    spec, status = mapping_at(manifest, "spec"), mapping_at(manifest, "status")
    if spec.get("paused") is True:
        return suspended("paused: `kubectl rollout resume` lets it go on")
    if waiting := unobserved(manifest):
        return waiting
    conditions = conditions_by_type(manifest)
    progress = conditions.get("Progressing", {})
    if progress.get("reason") == "ProgressDeadlineExceeded":
        return degraded(explain(progress), final=True)
    wanted = number(spec, "replicas", 1)
    updated, available = number(status, "updatedReplicas"), number(status, "availableReplicas")
    if updated < wanted:
        if is_true(conditions.get("ReplicaFailure")):
            return degraded(explain(conditions["ReplicaFailure"]))
        return progressing(f"{updated} of {wanted} replicas are of the new version")
    if number(status, "replicas") > updated:
        old = number(status, "replicas") - updated
        return progressing(f"{old} old replicas run until the new ones are available")
    if available < updated:
        return progressing(f"{available} of {updated} new replicas are available")
    return healthy(f"{available} of {wanted} replicas are available")


def stateful_set(manifest: Manifest) -> Health:  # noqa: PLR0911
    spec, status = mapping_at(manifest, "spec"), mapping_at(manifest, "status")
    if waiting := unobserved(manifest):
        return waiting
    wanted, ready = number(spec, "replicas", 1), number(status, "readyReplicas")
    if ready < wanted:
        return progressing(f"{ready} of {wanted} replicas are ready")
    if mapping_at(spec, "updateStrategy").get("type") == "OnDelete":
        return healthy(f"{ready} of {wanted} replicas are ready; updates wait for pods to be deleted")
    partition = number(mapping_at(spec, "updateStrategy", "rollingUpdate"), "partition")
    updated = number(status, "updatedReplicas")
    if partition > 0:
        if updated < wanted - partition:
            return progressing(f"{updated} of {wanted - partition} replicas of the partition are updated")
        return healthy(f"{ready} of {wanted} replicas are ready; updated down to partition {partition}")
    if updated < wanted or status.get("updateRevision") != status.get("currentRevision"):
        return progressing(f"{updated} of {wanted} replicas are updated")
    if "availableReplicas" in status and number(status, "availableReplicas") < wanted:
        return progressing(f"{number(status, 'availableReplicas')} of {wanted} replicas are available")
    return healthy(f"{ready} of {wanted} replicas are ready")


def daemon_set(manifest: Manifest) -> Health:
    spec, status = mapping_at(manifest, "spec"), mapping_at(manifest, "status")
    if waiting := unobserved(manifest):
        return waiting
    wanted = number(status, "desiredNumberScheduled")
    updated, available = number(status, "updatedNumberScheduled"), number(status, "numberAvailable")
    on_delete = mapping_at(spec, "updateStrategy").get("type") == "OnDelete"
    if updated < wanted and not on_delete:
        return progressing(f"{updated} of {wanted} nodes have the new version")
    if available < wanted:
        return progressing(f"available on {available} of {wanted} nodes")
    return healthy(f"available on {available} of {wanted} nodes")


def replica_set(manifest: Manifest) -> Health:
    spec, status = mapping_at(manifest, "spec"), mapping_at(manifest, "status")
    if waiting := unobserved(manifest):
        return waiting
    conditions = conditions_by_type(manifest)
    if is_true(conditions.get("ReplicaFailure")):
        return degraded(explain(conditions["ReplicaFailure"]))
    wanted, available = number(spec, "replicas", 1), number(status, "availableReplicas")
    if available < wanted:
        return progressing(f"{available} of {wanted} replicas are available")
    return healthy(f"{available} of {wanted} replicas are available")


def pod(manifest: Manifest) -> Health:  # noqa: PLR0911
    spec, status = mapping_at(manifest, "spec"), mapping_at(manifest, "status")
    phase = status.get("phase")
    if trouble := container_trouble(manifest):
        return trouble
    if phase == "Succeeded":
        return healthy("ended well")
    if phase == "Failed":
        return degraded(_failure(status), final=True)
    if phase == "Pending":
        scheduled = conditions_by_type(manifest).get("PodScheduled")
        return progressing(explain(scheduled) if scheduled and is_false(scheduled) else "starting")
    if phase == "Running":
        ready = conditions_by_type(manifest).get("Ready")
        if spec.get("restartPolicy", "Always") != "Always":
            return progressing("running to its end")
        if is_true(ready):
            return healthy("ready")
        if crashed := _last_crash(status):
            return degraded(crashed)
        return progressing(explain(ready) if ready else "not ready yet")
    return unknown(f"phase {phase!r}" if phase else "no phase reported yet")


def container_trouble(manifest: Manifest) -> Health | None:
    """Degraded for the first container that cannot start or keeps crashing, else None."""
    status = mapping_at(manifest, "status")
    for container in (*items(status, "initContainerStatuses"), *items(status, "containerStatuses")):
        waiting = mapping_at(container, "state", "waiting")
        reason = str(waiting.get("reason") or "")
        if not (
            reason.startswith("Err")
            or reason.endswith(("Error", "BackOff"))
            or reason in TERMINAL_WAITING_REASONS
        ):
            continue
        text = f"container {container.get('name')}: {reason}"
        if waiting.get("message"):
            text += f": {waiting['message']}"
        if reason == "CrashLoopBackOff" and (
            exit_ := _exit(mapping_at(container, "lastState", "terminated"))
        ):
            text += f" ({exit_})"
        crashes = number(container, "restartCount")
        final = (
            reason in TERMINAL_WAITING_REASONS
            or reason == "ImagePullBackOff"
            or (reason == "CrashLoopBackOff" and crashes >= 2)
        )
        return degraded(text, final=final)
    return None


def job(manifest: Manifest) -> Health:
    status, conditions = mapping_at(manifest, "status"), conditions_by_type(manifest)
    for name in ("Failed", "FailureTarget"):
        if is_true(conditions.get(name)):
            return degraded(explain(conditions[name]), final=True)
    for name in ("Complete", "SuccessCriteriaMet"):
        if is_true(conditions.get(name)):
            return healthy("completed")
    if is_true(conditions.get("Suspended")) or mapping_at(manifest, "spec").get("suspend") is True:
        return suspended("suspended")
    active, failed = number(status, "active"), number(status, "failed")
    return progressing(f"{active} active, {failed} failed" if failed else f"{active} active")


def cron_job(manifest: Manifest) -> Health:
    status = mapping_at(manifest, "status")
    if mapping_at(manifest, "spec").get("suspend") is True:
        return suspended("suspended: it starts no jobs")
    if "status" not in manifest:
        return progressing("its controller has not reported on it yet")
    if active := items(status, "active"):
        return healthy(f"{len(active)} jobs are running")
    last_start, last_success = status.get("lastScheduleTime"), status.get("lastSuccessfulTime")
    if not last_start:
        return healthy("waits for its first time")
    # RFC 3339 in UTC sorts as text.
    if not last_success or str(last_success) < str(last_start):
        return degraded(f"its last run, at {last_start}, did not succeed")
    return healthy(f"last succeeded at {last_success}")


def _failure(status: dict[str, Any]) -> str:
    if status.get("message") or status.get("reason"):
        return ": ".join(str(text) for text in (status.get("reason"), status.get("message")) if text)
    for container in (*items(status, "initContainerStatuses"), *items(status, "containerStatuses")):
        ended = mapping_at(container, "state", "terminated")
        if number(ended, "exitCode") != 0:
            return f"container {container.get('name')}: {_exit(ended)}"
    return "failed"


def _last_crash(status: dict[str, Any]) -> str:
    for container in items(status, "containerStatuses"):
        ended = mapping_at(container, "lastState", "terminated")
        if ended and container.get("ready") is not True:
            restarts = number(container, "restartCount")
            return f"container {container.get('name')} was restarted {restarts} times: {_exit(ended)}"
    return ""


def _exit(ended: dict[str, Any]) -> str:
    if not ended:
        return ""
    text = f"exit code {number(ended, 'exitCode')}"
    reason = ended.get("reason")
    return f"{reason}, {text}" if reason and reason != "Error" else text
