"""Argo Rollouts and Argo CD: verdicts that a row cannot express."""

from towpath.health.verdict import (
    Health,
    Status,
    conditions_by_type,
    degraded,
    explain,
    healthy,
    is_true,
    items,
    mapping_at,
    number,
    progressing,
    suspended,
    unknown,
)
from towpath.objects import Manifest

_WORKLOAD = "rollout.argoproj.io/workload-generation"
_PHASES = {
    "Healthy": Status.HEALTHY,
    "Degraded": Status.DEGRADED,
    "Paused": Status.SUSPENDED,
    "Progressing": Status.PROGRESSING,
}


def application(manifest: Manifest) -> Health:
    """An Argo CD Application: the health that Argo CD itself reports."""
    health = mapping_at(manifest, "status", "health")
    word, message = health.get("status"), str(health.get("message") or "")
    if not word:
        return progressing("Argo CD has not judged it yet")
    if word not in list(Status):
        return unknown(f"health {word}")
    return Health(Status(word), message or f"health {word}")


def rollout(manifest: Manifest) -> Health:
    """An Argo Rollout by its phase; controllers before v1.0 write no phase, so by conditions and counts."""
    status = mapping_at(manifest, "status")
    if waiting := _outdated_rollout(manifest):
        return waiting
    if status.get("controllerPause") is True and not items(status, "pauseConditions"):
        return progressing("its controller has not continued yet after the pause")
    phase, message = str(status.get("phase")), str(status.get("message") or "")
    if phase in _PHASES:
        return Health(_PHASES[phase], message or f"phase {phase}", final=phase == "Degraded")
    return _of_conditions(manifest) or _counts(manifest) or _cutover(manifest) or healthy("fully promoted")


def _outdated_rollout(manifest: Manifest) -> Health | None:
    metadata, status = mapping_at(manifest, "metadata"), mapping_at(manifest, "status")
    observed, generation = str(status.get("observedGeneration") or ""), metadata.get("generation")
    # Before v0.10 this was a hash, which cannot be compared, even when it looks like a large number.
    if observed.isdecimal() and isinstance(generation, int) and int(observed[:19]) < generation:
        return progressing(
            f"its controller has not seen the newest change (generation {generation}, seen {observed})"
        )
    wanted = mapping_at(metadata, "annotations").get(_WORKLOAD)
    observed_workload = status.get("workloadObservedGeneration")
    if mapping_at(manifest, "spec", "workloadRef") and wanted and str(observed_workload) != str(wanted):
        return progressing("its controller has not seen the newest change of the workload it refers to")
    return None


def _of_conditions(manifest: Manifest) -> Health | None:
    spec, status = mapping_at(manifest, "spec"), mapping_at(manifest, "status")
    conditions = conditions_by_type(manifest)
    if "InvalidSpec" in conditions:
        return degraded(explain(conditions["InvalidSpec"]), final=True)
    for condition in conditions.values():
        if condition.get("reason") in ("RolloutAborted", "ProgressDeadlineExceeded"):
            return degraded(explain(condition), final=True)
    if items(status, "pauseConditions") or spec.get("paused") is True:
        return suspended("paused: `kubectl argo rollouts promote` lets it go on")
    restart = spec.get("restartAt")
    if restart and restart != status.get("restartedAt"):
        return progressing("its pods are being restarted")
    if not status.get("currentPodHash"):
        return progressing("its controller has not reported on it yet")
    return None


def _counts(manifest: Manifest) -> Health | None:
    status = mapping_at(manifest, "status")
    wanted = number(mapping_at(manifest, "spec"), "replicas", 1)
    updated, available = number(status, "updatedReplicas"), number(status, "availableReplicas")
    if updated < wanted:
        return progressing(f"{updated} of {wanted} replicas are of the new version")
    if available < updated:
        return progressing(f"{available} of {updated} new replicas are available")
    return None


def _cutover(manifest: Manifest) -> Health | None:
    strategy, status = mapping_at(manifest, "spec", "strategy"), mapping_at(manifest, "status")
    current = status.get("currentPodHash")
    stable = status.get("stableRS") or mapping_at(status, "canary").get("stableRS")
    if "blueGreen" in strategy:
        active = mapping_at(status, "blueGreen").get("activeSelector") or status.get("activeSelector")
        if active != current:
            return progressing("the active Service does not serve the new version yet")
        if stable and stable != current:
            return progressing("waits for the analysis of the new version")
    elif "canary" in strategy:
        old_replicas = number(status, "replicas") - number(status, "updatedReplicas")
        # With traffic routing they may run on for a while.
        if old_replicas > 0 and not mapping_at(strategy, "canary").get("trafficRouting"):
            return progressing(f"{old_replicas} old replicas still run")
        if stable != current:
            return progressing("not every step of the canary is done")
    elif not is_true(conditions_by_type(manifest).get("Available")):
        return progressing("not available yet")
    return None
