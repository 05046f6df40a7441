"""Argo Rollouts and Argo CD: what takes more than a row."""

from towpath.health.verdict import (
    Health,
    Status,
    conditions,
    degraded,
    healthy,
    is_true,
    items,
    number,
    part,
    progressing,
    suspended,
    unknown,
    why,
)
from towpath.objects import Manifest

_WORKLOAD = "rollout.argoproj.io/workload-generation"
_PHASES = {"Degraded": Status.DEGRADED, "Paused": Status.SUSPENDED, "Progressing": Status.PROGRESSING}


def application(manifest: Manifest) -> Health:
    """An Argo CD Application: its own word on its objects."""
    said = part(manifest, "status", "health")
    word, message = said.get("status"), str(said.get("message") or "")
    if not word:
        return progressing("Argo CD has not judged it yet")
    if word not in list(Status):
        return unknown(f"health {word}")
    return Health(Status(word), message or f"health {word}")


def rollout(manifest: Manifest) -> Health:  # noqa: PLR0911
    """An Argo Rollout: observed, valid, not paused, every replica new and available, and then stable."""
    spec, status = part(manifest, "spec"), part(manifest, "status")
    if waiting := _unseen(manifest):
        return waiting
    told = conditions(manifest)
    if "InvalidSpec" in told:
        return degraded(why(told["InvalidSpec"]), final=True)
    progress = told.get("Progressing", {})
    if progress.get("reason") in ("RolloutAborted", "ProgressDeadlineExceeded"):
        return degraded(why(progress), final=True)
    message = str(status.get("message") or "")
    if items(status, "pauseConditions") or spec.get("paused") is True:
        return suspended(message or "paused: `kubectl argo rollouts promote` lets it go on")
    if status.get("phase") in _PHASES:
        return Health(_PHASES[status["phase"]], message or f"phase {status['phase']}")
    if not status.get("currentPodHash"):
        return progressing("its controller has not reported on it yet")
    return (
        _counts(manifest) or _cutover(manifest) or healthy(message or "every replica is of the new version")
    )


def _unseen(manifest: Manifest) -> Health | None:
    metadata, status = part(manifest, "metadata"), part(manifest, "status")
    observed = status.get("observedGeneration")
    if observed in (None, ""):
        return progressing("its controller has not reported on it yet")
    # Before v1.0 this was a hash, which cannot be compared.
    if str(observed).isdecimal() and int(observed) != metadata.get("generation"):
        return progressing(
            "its controller has not seen the newest change"
            f" (generation {metadata.get('generation')}, seen {observed})"
        )
    wanted = part(metadata, "annotations").get(_WORKLOAD)
    seen = status.get("workloadObservedGeneration")
    if part(manifest, "spec", "workloadRef") and wanted and str(seen) != str(wanted):
        return progressing("its controller has not seen the newest change of the workload it refers to")
    return None


def _counts(manifest: Manifest) -> Health | None:
    status = part(manifest, "status")
    wanted = number(part(manifest, "spec"), "replicas", 1)
    updated, available = number(status, "updatedReplicas"), number(status, "availableReplicas")
    if updated < wanted:
        return progressing(f"{updated} of {wanted} replicas are of the new version")
    if available < updated:
        return progressing(f"{available} of {updated} new replicas are available")
    return None


def _cutover(manifest: Manifest) -> Health | None:
    strategy, status = part(manifest, "spec", "strategy"), part(manifest, "status")
    current = status.get("currentPodHash")
    stable = status.get("stableRS") or part(status, "canary").get("stableRS")
    if "blueGreen" in strategy:
        active = part(status, "blueGreen").get("activeSelector") or status.get("activeSelector")
        if active != current:
            return progressing("the active Service does not serve the new version yet")
        if stable and stable != current:
            return progressing("waits for the analysis of the new version")
    elif "canary" in strategy:
        old = number(status, "replicas") - number(status, "updatedReplicas")
        if old > 0:
            return progressing(f"{old} old replicas still run")
        if stable != current:
            return progressing("not every step of the canary is done")
    elif not is_true(conditions(manifest).get("Available")):
        return progressing("not available yet")
    return None
