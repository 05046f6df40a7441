"""Built-in kinds that do not run pods themselves."""

import json
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


def exists(_manifest: Manifest) -> Health:
    """Kinds on which no controller reports: an object that exists is Healthy."""
    return healthy("exists")


def service(manifest: Manifest) -> Health:
    if mapping_at(manifest, "spec").get("type") != "LoadBalancer":
        return healthy("exists")
    if items(mapping_at(manifest, "status", "loadBalancer"), "ingress"):
        return healthy("the load balancer has an address")
    return progressing("waits for the load balancer's address")


def ingress(manifest: Manifest) -> Health:
    if items(mapping_at(manifest, "status", "loadBalancer"), "ingress"):
        return healthy("has an address")
    return progressing("waits for an address from the ingress controller")


def persistent_volume_claim(manifest: Manifest) -> Health:
    phase = mapping_at(manifest, "status").get("phase")
    if phase == "Bound":
        return healthy("bound")
    if phase == "Lost":
        return degraded("its volume is lost")
    if phase == "Pending":
        return progressing("waits for a volume: is there a storage class, and a pod that uses the claim?")
    return unknown(f"phase {phase!r}" if phase else "no phase reported yet")


def persistent_volume(manifest: Manifest) -> Health:
    status = mapping_at(manifest, "status")
    phase = status.get("phase")
    if phase in ("Available", "Bound", "Released"):
        return healthy(str(phase).lower())
    if phase == "Failed":
        return degraded(str(status.get("message") or "failed"))
    return progressing("pending") if phase == "Pending" else unknown("no phase reported yet")


def namespace(manifest: Manifest) -> Health:
    phase = mapping_at(manifest, "status").get("phase")
    if phase == "Active":
        return healthy("active")
    if phase == "Terminating":
        blocking = [explain(item) for item in conditions_by_type(manifest).values() if is_true(item)]
        return progressing("; ".join(["is being deleted", *blocking]))
    return unknown("no phase reported yet")


def custom_resource_definition(manifest: Manifest) -> Health:
    conditions = conditions_by_type(manifest)
    if is_true(conditions.get("Terminating")):
        return progressing("is being deleted")
    if is_false(conditions.get("NamesAccepted")):
        return degraded(explain(conditions["NamesAccepted"]))
    if is_true(conditions.get("NonStructuralSchema")):
        return degraded(explain(conditions["NonStructuralSchema"]))
    established = conditions.get("Established")
    if is_true(established):
        return healthy("established")
    if not conditions or not established or established.get("reason") == "Installing":
        return progressing("not established yet")
    return degraded(explain(established))


def horizontal_pod_autoscaler(manifest: Manifest) -> Health:
    conditions = conditions_by_type(manifest) or _annotated_conditions(manifest)
    for name in ("AbleToScale", "ScalingActive"):
        condition = conditions.get(name)
        if condition and is_false(condition):
            if condition.get("reason") == "ScalingDisabled":
                return suspended(explain(condition))
            return degraded(explain(condition))
    if is_true(conditions.get("AbleToScale")):
        return healthy(explain(conditions["AbleToScale"]))
    return progressing("waits for its first metrics")


def _annotated_conditions(manifest: Manifest) -> dict[str, dict[str, Any]]:
    """Conditions from an annotation: version 1 of the API has no other place for them."""
    text = mapping_at(manifest, "metadata", "annotations").get("autoscaling.alpha.kubernetes.io/conditions")
    try:
        listed = json.loads(str(text)) if text else []
    except (ValueError, RecursionError):
        return {}
    return {str(condition.get("type")): condition for condition in items({"": listed}, "")}


def pod_disruption_budget(manifest: Manifest) -> Health:
    if waiting := unobserved(manifest):
        return waiting
    status = mapping_at(manifest, "status")
    allowed = conditions_by_type(manifest).get("DisruptionAllowed", {})
    if allowed.get("reason") == "SyncFailed":
        return degraded(explain(allowed))
    if is_false(allowed) and allowed.get("reason") != "InsufficientPods":
        return degraded(explain(allowed))
    # Too few healthy pods is what the budget is for; the pods have a health of their own.
    current, wanted = number(status, "currentHealthy"), number(status, "desiredHealthy")
    return healthy(
        f"{number(status, 'disruptionsAllowed')} disruptions allowed, {current} of {wanted} pods healthy"
    )


def api_service(manifest: Manifest) -> Health:
    available = conditions_by_type(manifest).get("Available")
    if available is None:
        return progressing("not available yet")
    return healthy(explain(available)) if is_true(available) else progressing(explain(available))


def node(manifest: Manifest) -> Health:
    ready = conditions_by_type(manifest).get("Ready")
    if ready is None:
        return unknown("no Ready condition")
    if is_true(ready) and mapping_at(manifest, "spec").get("unschedulable") is True:
        return suspended("cordoned: no new pods come to it")
    return healthy("ready") if is_true(ready) else degraded(explain(ready))
