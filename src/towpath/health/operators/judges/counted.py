"""Verdicts that need arithmetic: nodes, executors, instances, replicas."""

import re

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
    part_conditions,
    progressing,
    suspended,
    unknown,
)
from towpath.objects import Manifest

_RATIO = re.compile(r"(\d{1,9})/(\d{1,9})\Z")
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
    wanted = sum(number(node_set, "count") for node_set in items(mapping_at(manifest, "spec"), "nodeSets"))
    if available < wanted:
        return progressing(f"{available} of {wanted} nodes are available")
    if phase != "Ready":
        return progressing(f"phase {phase}") if phase else unknown("no phase reported yet")
    if health == "green":
        return healthy(f"green, {available} nodes")
    if health in ("yellow", "red"):
        return degraded(f"health {health}: look at its indices, replicas and shards")
    return unknown(f"health {health}")


def open_telemetry_collector(manifest: Manifest) -> Health:
    """`2/2` replicas; a sidecar has none of its own."""
    mode = mapping_at(manifest, "spec").get("mode")
    ratio = str(mapping_at(manifest, "status", "scale").get("statusReplicas") or "")
    ratio_match = _RATIO.match(ratio)
    if not ratio_match:
        if mode == "sidecar" and mapping_at(manifest, "status"):
            return healthy("runs as a sidecar of other pods")
        return progressing("it has not said how many replicas are ready")
    ready, wanted = int(ratio_match[1]), int(ratio_match[2])
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
        wanted = number(dynamic, "minExecutors", number(dynamic, "initialExecutors", 1))
    else:
        wanted = number(mapping_at(manifest, "spec", "executor"), "instances", 1)
    text = f"{running} of {wanted} executors run"
    return healthy(text) if running >= wanted else progressing(text)


def postgres_cluster(manifest: Manifest) -> Health:
    """Crunchy: every instance of every set is ready, and the repository takes backups if there is one."""
    spec, status, conditions = (
        mapping_at(manifest, "spec"),
        mapping_at(manifest, "status"),
        conditions_by_type(manifest),
    )
    for key in ("shutdown", "paused"):
        if spec.get(key) is True:
            return suspended(f"its specification has {key}: true")
    for instances in items(status, "instances"):
        ready, wanted = number(instances, "readyReplicas"), number(instances, "replicas")
        if ready < wanted:
            return progressing(f"{ready} of {wanted} instances of {instances.get('name')} are ready")
    repository = conditions.get("PGBackRestReplicaRepoReady")
    if repository and not is_true(repository):
        return progressing(explain(repository))
    if repository or items(status, "instances"):
        return healthy("every instance is ready")
    return progressing("its controller has not reported on its instances yet")


def kubeadm_control_plane(manifest: Manifest) -> Health:  # noqa: PLR0911
    """Cluster API: etcd well, every machine ready and of the newest version."""
    status = mapping_at(manifest, "status")
    old, new = conditions_by_type(manifest), part_conditions(mapping_at(status, "v1beta2"))
    updated = number(status, "updatedReplicas", number(status, "upToDateReplicas"))
    etcd = old.get("EtcdClusterHealthy")
    if etcd and not is_true(etcd):
        return degraded(explain(etcd))
    for conditions, name in (
        (new, "MachinesReady"),
        (new, "MachinesUpToDate"),
        (old, "ControlPlaneComponentsHealthy"),
    ):
        if name in conditions and not is_true(conditions[name]):
            return progressing(explain(conditions[name]))
    for conditions in (new, old):
        if is_true(conditions.get("RollingOut")):
            return progressing(explain(conditions["RollingOut"]))
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
    status, conditions = mapping_at(manifest, "status"), conditions_by_type(manifest)
    failure = next((status[key] for key in _FAILURES if status.get(key)), None)
    if failure:
        return degraded(str(failure), final=True)
    if is_true(conditions.get("Paused")):
        return suspended(explain(conditions["Paused"]))
    for name, condition in conditions.items():
        if name.endswith("Updating") and is_true(condition):
            return progressing(explain(condition))
    if is_true(conditions.get("Ready")):
        return outdated(manifest) or healthy(explain(conditions["Ready"]))
    errors = [
        explain(each) for each in conditions.values() if is_false(each) and each.get("severity") == "Error"
    ]
    if errors:
        return degraded("; ".join(errors[:3]))
    if status.get("ready") is True and "Ready" not in conditions:
        return outdated(manifest) or healthy("ready")
    return progressing(explain(conditions["Ready"]) if "Ready" in conditions else "not ready yet")


def fleet(manifest: Manifest) -> Health:
    """Agones: a game server that players have taken is as good as a ready one."""
    status = mapping_at(manifest, "status")
    if not status:
        return progressing("its controller has not reported on it yet")
    wanted = number(mapping_at(manifest, "spec"), "replicas", number(status, "replicas"))
    usable = sum(number(status, key) for key in ("readyReplicas", "allocatedReplicas", "reservedReplicas"))
    text = f"{usable} of {wanted} game servers are ready or taken"
    return healthy(text) if usable >= wanted else progressing(text)


def game_server(manifest: Manifest) -> Health:
    """Kruise: in the state it should be in, with its pod ready."""
    status = mapping_at(manifest, "status")
    state, wanted = status.get("currentState"), status.get("desiredState")
    if not status:
        return unknown("it has no status to judge by")
    if state != wanted:
        return progressing(f"goes from {state} to {wanted}")
    pod = part_conditions(mapping_at(status, "podStatus")).get("KruisePodReady")
    if pod and not is_true(pod):
        return degraded(explain(pod))
    return healthy("ready") if state == "Ready" else unknown(f"state {state}")
