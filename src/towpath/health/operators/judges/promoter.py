"""GitOps Promoter and Karmada: verdicts that compare several parts of the status."""

from typing import Any

from towpath.health.rows import READY, judge_of
from towpath.health.verdict import (
    Health,
    Status,
    conditions_by_type,
    degraded,
    explain,
    healthy,
    items,
    mapping_at,
    progressing,
)
from towpath.objects import Manifest

_RECONCILED = "Degraded !Ready(ReconciliationError); Healthy Ready"


def gate(manifest: Manifest) -> Health:
    """Ready, and no environment has failed or is waiting."""
    ready = judge_of(READY)(manifest)
    if ready.status is not Status.HEALTHY:
        return ready
    phases = {
        str(environment.get("branch")): environment.get("phase")
        for environment in items(mapping_at(manifest, "status"), "environments")
    }
    if failed := [branch for branch, phase in phases.items() if phase == "failure"]:
        return degraded(f"failed for {', '.join(failed)}")
    if waiting := [branch for branch, phase in phases.items() if phase != "success"]:
        return progressing(f"waits for {', '.join(waiting)}")
    return ready


def change_transfer_policy(manifest: Manifest) -> Health:
    """Healthy when the proposed commit is the active one."""
    ready = judge_of(_RECONCILED)(manifest)
    if ready.status is not Status.HEALTHY:
        return ready
    return _moving(mapping_at(manifest, "status"), "") or healthy("the proposed commit is active")


def promotion_strategy(manifest: Manifest) -> Health:
    """Healthy when the one proposed commit is active in every environment."""
    ready = judge_of(_RECONCILED)(manifest)
    if ready.status is not Status.HEALTHY:
        return ready
    environments = items(mapping_at(manifest, "status"), "environments")
    if not environments:
        return degraded("it has no environments")
    for environment in environments:
        if not _sha(environment, "active") or not _sha(environment, "proposed"):
            return progressing(f"{environment.get('branch')}: no active or no proposed commit yet")
    if len({_sha(environment, "proposed") for environment in environments}) > 1:
        return progressing("not every environment has the newest commit proposed")
    for environment in environments:
        if waiting := _moving(environment, f"{environment.get('branch')}: "):
            return waiting
    return healthy("the proposed commit is active in every environment")


def _moving(parent: dict[str, Any], prefix: str) -> Health | None:
    active, proposed = _sha(parent, "active"), _sha(parent, "proposed")
    if not active or not proposed:
        return progressing(f"{prefix}no active or no proposed commit yet")
    if active == proposed:
        return None
    checks = items(mapping_at(parent, "proposed"), "commitStatuses")
    open_checks = [
        f"{environment.get('key')} {environment.get('phase')}"
        for environment in checks
        if environment.get("phase") != "success"
    ]
    return progressing(
        f"{prefix}{proposed[:7]} waits to follow {active[:7]}: {', '.join(open_checks) or 'merging'}"
    )


def _sha(parent: dict[str, Any], which: str) -> str:
    return str(mapping_at(parent, which, "dry").get("sha") or "")


def resource_binding(manifest: Manifest) -> Health:
    """Karmada: applied and healthy in every cluster it is bound to."""
    clusters = items(mapping_at(manifest, "spec"), "clusters")
    statuses = items(mapping_at(manifest, "status"), "aggregatedStatus")
    if not clusters or len(statuses) != len(clusters):
        applied = conditions_by_type(manifest).get("FullyApplied")
        return progressing(
            explain(applied) if applied else f"{len(statuses)} of {len(clusters)} clusters reported"
        )
    for cluster_status in statuses:
        if cluster_status.get("health") == "Unhealthy" or (
            cluster_status.get("health") == "Unknown" and cluster_status.get("applied") is not True
        ):
            message = cluster_status.get("appliedMessage") or cluster_status.get("health")
            return degraded(f"cluster {cluster_status.get('clusterName')}: {message}")
    return healthy(f"applied and healthy in {len(clusters)} clusters")
