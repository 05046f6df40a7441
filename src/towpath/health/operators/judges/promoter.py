"""GitOps Promoter and Karmada: verdicts that compare what is proposed with what is active."""

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
    """Ready, and no environment failed or still waits."""
    ready = judge_of(READY)(manifest)
    if ready.status is not Status.HEALTHY:
        return ready
    phases = {
        str(each.get("branch")): each.get("phase")
        for each in items(mapping_at(manifest, "status"), "environments")
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
    for each in environments:
        if not _sha(each, "active") or not _sha(each, "proposed"):
            return progressing(f"{each.get('branch')}: no active or no proposed commit yet")
    if len({_sha(each, "proposed") for each in environments}) > 1:
        return progressing("not every environment has the newest commit proposed")
    for each in environments:
        if waiting := _moving(each, f"{each.get('branch')}: "):
            return waiting
    return healthy("the proposed commit is active in every environment")


def _moving(parent: dict[str, Any], where: str) -> Health | None:
    active, proposed = _sha(parent, "active"), _sha(parent, "proposed")
    if not active or not proposed:
        return progressing(f"{where}no active or no proposed commit yet")
    if active == proposed:
        return None
    checks = items(mapping_at(parent, "proposed"), "commitStatuses")
    open_ = [f"{each.get('key')} {each.get('phase')}" for each in checks if each.get("phase") != "success"]
    return progressing(f"{where}{proposed[:7]} waits to follow {active[:7]}: {', '.join(open_) or 'merging'}")


def _sha(parent: dict[str, Any], which: str) -> str:
    return str(mapping_at(parent, which, "dry").get("sha") or "")


def resource_binding(manifest: Manifest) -> Health:
    """Karmada: applied and healthy in every cluster it is bound to."""
    clusters = items(mapping_at(manifest, "spec"), "clusters")
    told = items(mapping_at(manifest, "status"), "aggregatedStatus")
    if not clusters or len(told) != len(clusters):
        applied = conditions_by_type(manifest).get("FullyApplied")
        return progressing(
            explain(applied) if applied else f"{len(told)} of {len(clusters)} clusters reported"
        )
    for each in told:
        if each.get("health") == "Unhealthy" or (
            each.get("health") == "Unknown" and each.get("applied") is not True
        ):
            return degraded(
                f"cluster {each.get('clusterName')}: {each.get('appliedMessage') or each.get('health')}"
            )
    return healthy(f"applied and healthy in {len(clusters)} clusters")
