"""OpenKruise workloads, which wait for a person at a partition, and KServe's counted conditions."""

from typing import Any

from towpath.health.verdict import (
    Health,
    conditions_by_type,
    degraded,
    explain,
    healthy,
    is_false,
    is_true,
    mapping_at,
    number,
    progressing,
    suspended,
)
from towpath.objects import Manifest

_PAUSED = "paused: set `paused` to false to let it go on"


def clone_set(manifest: Manifest) -> Health:
    """A CloneSet stops when as many replicas as its partition allows are updated."""
    status = mapping_at(manifest, "status")
    return _replicas(
        manifest,
        mapping_at(manifest, "spec", "updateStrategy"),
        reached=number(status, "updatedReplicas") >= number(status, "expectedUpdatedReplicas"),
    )


def stateful_set(manifest: Manifest) -> Health:
    """An Advanced StatefulSet: the same below its partition."""
    status = mapping_at(manifest, "status")
    strategy = mapping_at(manifest, "spec", "updateStrategy", "rollingUpdate")
    beyond = number(status, "replicas") - number(strategy, "partition")
    return _replicas(manifest, strategy, reached=number(status, "updatedReplicas") > beyond)


def daemon_set(manifest: Manifest) -> Health:  # noqa: PLR0911
    """An Advanced DaemonSet: on every node it should be on."""
    status = mapping_at(manifest, "status")
    strategy = mapping_at(manifest, "spec", "updateStrategy", "rollingUpdate")
    if waiting := _unobserved(manifest):
        return waiting
    wanted, updated = number(status, "desiredNumberScheduled"), number(status, "updatedNumberScheduled")
    if strategy.get("paused") is True or "updatedNumberScheduled" not in status:
        return suspended(_PAUSED)
    if _partitioned(manifest, strategy):
        if updated > wanted - number(strategy, "partition"):
            return suspended(f"{updated} of {wanted} nodes are updated: its partition waits for a person")
        return progressing(f"{updated} of {wanted} nodes are updated")
    if updated == wanted == number(status, "numberAvailable"):
        return healthy(f"available on {wanted} nodes")
    if updated == wanted == number(status, "numberUnavailable"):
        return degraded(f"available on none of {wanted} nodes")
    return progressing(f"available on {number(status, 'numberAvailable')} of {wanted} nodes")


def game_server_set(manifest: Manifest) -> Health:
    """A set of game servers: updated down to its partition, and ready."""
    if waiting := _unobserved(manifest):
        return waiting
    status = mapping_at(manifest, "status")
    strategy = mapping_at(manifest, "spec", "updateStrategy", "rollingUpdate")
    wanted, partition = number(status, "replicas"), number(strategy, "partition")
    if strategy.get("paused") is True:
        return suspended(_PAUSED)
    if partition and number(status, "updatedReplicas") >= wanted - partition:
        return suspended(f"updated down to partition {partition}, which waits for a person")
    ready = number(status, "updatedReadyReplicas")
    text = f"{ready} of {wanted} replicas are updated and ready"
    return healthy(text) if ready == wanted else progressing(text)


def inference_service(manifest: Manifest) -> Health:
    """KServe: every condition counts, except those that say that it is stopped."""
    conditions = conditions_by_type(manifest)
    if is_true(conditions.pop("Stopped", None)) or any(
        condition.get("reason") == "Stopped" for condition in conditions.values()
    ):
        return suspended("stopped")
    false_conditions = [
        f"{name}: {explain(condition)}" for name, condition in conditions.items() if is_false(condition)
    ]
    if false_conditions:
        return degraded("; ".join(false_conditions[:3]))
    if not is_true(conditions.get("PredictorReady")) or not is_true(conditions.get("IngressReady")):
        return progressing("its predictor or its ingress is not ready yet")
    if waiting := [name for name, condition in conditions.items() if not is_true(condition)]:
        return progressing(f"waits for {', '.join(waiting[:3])}")
    return healthy("ready") if is_true(conditions.get("Ready")) else progressing("not ready yet")


def _replicas(manifest: Manifest, strategy: dict[str, Any], *, reached: bool) -> Health:
    if waiting := _unobserved(manifest):
        return waiting
    status = mapping_at(manifest, "status")
    wanted, available = number(status, "replicas"), number(status, "updatedAvailableReplicas")
    if strategy.get("paused") is True or "updatedAvailableReplicas" not in status:
        return suspended(_PAUSED)
    text = f"{available} of {wanted} replicas are updated and available"
    if _partitioned(manifest, strategy):
        return suspended(f"{text}: its partition waits for a person") if reached else progressing(text)
    return healthy(text) if available == wanted else degraded(text)


def _partitioned(manifest: Manifest, strategy: dict[str, Any]) -> bool:
    partition, generation = strategy.get("partition"), mapping_at(manifest, "metadata").get("generation")
    return partition not in (None, 0, "0%") and isinstance(generation, int) and generation > 1


def _unobserved(manifest: Manifest) -> Health | None:
    observed = mapping_at(manifest, "status").get("observedGeneration")
    if observed is None or observed != mapping_at(manifest, "metadata").get("generation"):
        return progressing("its controller has not seen the newest change")
    return None
