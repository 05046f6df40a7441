"""Verdicts that need arithmetic: nodes, executors, instances, replicas."""

import re
from typing import Any

from towpath.health.verdict import (
    Health,
    Status,
    conditions_by_type,
    degraded,
    explain,
    healthy,
    is_false,
    is_true,
    items,
    mapping_at,
    number,
    outdated,
    progressing,
    suspended,
    unknown,
)
from towpath.objects import Manifest

_RATIO = re.compile(r"(\d+)/(\d+)\Z")
_FAILURES = ("failureMessage", "failureReason", "errorMessage")
_SPARK = {
    "COMPLETED": Status.HEALTHY,
    "FAILED": Status.DEGRADED,
    "SUBMISSION_FAILED": Status.DEGRADED,
    "FAILING": Status.DEGRADED,
    "INVALIDATING": Status.MISSING,
    "SUSPENDED": Status.SUSPENDED,
}


def elasticsearch(manifest: Manifest) -> Health:  # noqa: PLR0911
    """As many nodes as all node sets ask for, the phase Ready and the cluster green."""
    status = mapping_at(manifest, "status")
    available, phase, health = status.get("availableNodes"), status.get("phase"), status.get("health")
    if phase == "Invalid":
        return degraded("phase Invalid: its specification is refused")
    if not isinstance(available, int):
        return unknown("it has not said how many nodes are available")
    wanted = sum(number(each, "count") for each in items(mapping_at(manifest, "spec"), "nodeSets"))
    if available < wanted:
        return progressing(f"{available} of {wanted} nodes are available")
    if phase != "Ready":
        return progressing(f"phase {phase}") if phase else unknown("no phase told yet")
    if health == "green":
        return healthy(f"green, {available} nodes")
    if health in ("yellow", "red"):
        return degraded(f"health {health}: look at its indices, replicas and shards")
    return unknown(f"health {health}")


def open_telemetry_collector(manifest: Manifest) -> Health:
    """`2/2` replicas; a sidecar has none of its own."""
    mode = mapping_at(manifest, "spec").get("mode")
    ratio = str(mapping_at(manifest, "status", "scale").get("statusReplicas") or "")
    found = _RATIO.match(ratio)
    if not found:
        if mode == "sidecar" and mapping_at(manifest, "status"):
            return healthy("runs as a sidecar of other pods")
        return progressing("it has not said how many replicas are ready")
    ready, wanted = int(found[1]), int(found[2])
    if ready == 0:
        if mode == "daemonset" and wanted == 0:
            return healthy("no node matches")
        return degraded(f"none of {wanted} replicas is ready")
    text = f"{ready} of {wanted} replicas are ready"
    return healthy(text) if ready == wanted else progressing(text)


def spark_application(manifest: Manifest) -> Health:
    """Running means that as many executors run as are asked for."""
    state = mapping_at(manifest, "status", "applicationState")
    word, message = str(state.get("state") or ""), str(state.get("errorMessage") or "")
    if word in _SPARK:
        return Health(_SPARK[word], message or f"state {word}")
    if word != "RUNNING":
        return progressing(f"state {word}" if word else "it is not submitted yet")
    running = list(mapping_at(manifest, "status", "executorState").values()).count("RUNNING")
    dynamic = mapping_at(manifest, "spec", "dynamicAllocation")
    if dynamic.get("enabled") is True:
        low = number(dynamic, "minExecutors", number(dynamic, "initialExecutors", 1))
    else:
        low = number(mapping_at(manifest, "spec", "executor"), "instances", 1)
    text = f"{running} of {low} executors run"
    return healthy(text) if running >= low else progressing(text)


def postgres_cluster(manifest: Manifest) -> Health:
    """Crunchy: every instance of every set is ready, and the repository takes backups if there is one."""
    spec, status, told = (
        mapping_at(manifest, "spec"),
        mapping_at(manifest, "status"),
        conditions_by_type(manifest),
    )
    for key in ("shutdown", "paused"):
        if spec.get(key) is True:
            return suspended(f"its specification has {key}: true")
    for each in items(status, "instances"):
        ready, wanted = number(each, "readyReplicas"), number(each, "replicas")
        if ready < wanted:
            return progressing(f"{ready} of {wanted} instances of {each.get('name')} are ready")
    repository = told.get("PGBackRestReplicaRepoReady")
    if repository and not is_true(repository):
        return progressing(explain(repository))
    if repository or items(status, "instances"):
        return healthy("every instance is ready")
    return progressing("its controller has not reported on its instances yet")


def kubeadm_control_plane(manifest: Manifest) -> Health:  # noqa: PLR0911
    """Cluster API: etcd well, every machine ready and of the newest version."""
    status = mapping_at(manifest, "status")
    old, new = conditions_by_type(manifest), _by_type(mapping_at(status, "v1beta2"))
    updated = number(status, "updatedReplicas", number(status, "upToDateReplicas"))
    etcd = old.get("EtcdClusterHealthy")
    if etcd and not is_true(etcd):
        return degraded(explain(etcd))
    for told, name in (
        (new, "MachinesReady"),
        (new, "MachinesUpToDate"),
        (old, "ControlPlaneComponentsHealthy"),
    ):
        if name in told and not is_true(told[name]):
            return progressing(explain(told[name]))
    for told in (new, old):
        if is_true(told.get("RollingOut")):
            return progressing(explain(told["RollingOut"]))
    if not status:
        return progressing("its controller has not reported on it yet")
    wanted, ready = number(status, "replicas"), number(status, "readyReplicas")
    if updated < wanted:
        return progressing(f"{updated} of {wanted} machines are updated")
    if ready != wanted:
        return progressing(f"{ready} of {wanted} machines are ready")
    for name in ("Ready", "Available"):
        if name in old and not is_true(old[name]):
            broken = old[name].get("severity") == "Error"
            return degraded(explain(old[name])) if broken else progressing(explain(old[name]))
    if not old and not new:
        return progressing("it has no conditions yet")
    return outdated(manifest) or healthy(f"{ready} machines are ready")


def cluster_api(manifest: Manifest) -> Health:  # noqa: PLR0911
    """What providers of Cluster API make: Ready, or a condition that is False with severity Error."""
    status, told = mapping_at(manifest, "status"), conditions_by_type(manifest)
    failure = next((status[key] for key in _FAILURES if status.get(key)), None)
    if failure:
        return degraded(str(failure), final=True)
    if is_true(told.get("Paused")):
        return suspended(explain(told["Paused"]))
    for name, condition in told.items():
        if name.endswith("Updating") and is_true(condition):
            return progressing(explain(condition))
    if is_true(told.get("Ready")):
        return outdated(manifest) or healthy(explain(told["Ready"]))
    errors = [explain(each) for each in told.values() if is_false(each) and each.get("severity") == "Error"]
    if errors:
        return degraded("; ".join(errors[:3]))
    if status.get("ready") is True and "Ready" not in told:
        return outdated(manifest) or healthy("ready")
    return progressing(explain(told["Ready"]) if "Ready" in told else "not ready yet")


def fleet(manifest: Manifest) -> Health:
    """Agones: a game server that players have taken is as good as a ready one."""
    status = mapping_at(manifest, "status")
    if not status:
        return progressing("its controller has not reported on it yet")
    wanted = number(mapping_at(manifest, "spec"), "replicas", number(status, "replicas"))
    there = sum(number(status, key) for key in ("readyReplicas", "allocatedReplicas", "reservedReplicas"))
    text = f"{there} of {wanted} game servers are ready or taken"
    return healthy(text) if there >= wanted else progressing(text)


def game_server(manifest: Manifest) -> Health:
    """Kruise: in the state it should be in, with its pod ready."""
    status = mapping_at(manifest, "status")
    now, wanted = status.get("currentState"), status.get("desiredState")
    if not status:
        return unknown("it has no status to judge by")
    if now != wanted:
        return progressing(f"goes from {now} to {wanted}")
    pod = _by_type(mapping_at(status, "podStatus")).get("KruisePodReady")
    if pod and not is_true(pod):
        return degraded(explain(pod))
    return healthy("ready") if now == "Ready" else unknown(f"state {now}")


def _by_type(parent: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {str(item.get("type")): item for item in items(parent, "conditions")}
