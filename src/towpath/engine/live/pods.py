"""Which pods belong to a workload's newest revision, and what they run. Pure."""

from collections.abc import Iterator, Mapping

from towpath.health.verdict import items, mapping_at, number
from towpath.kube.containers import CONTAINER_STATUS_LISTS, containers
from towpath.objects import Manifest, ObjectRef
from towpath.release.image_ref import same_repository

WORKLOADS = frozenset(
    {
        ("apps", "Deployment"),
        ("apps", "StatefulSet"),
        ("apps", "DaemonSet"),
        ("apps", "ReplicaSet"),
        ("batch", "Job"),
        ("", "Pod"),
        ("", "ReplicationController"),
    }
)
_REVISION = "deployment.kubernetes.io/revision"

Snapshot = Mapping[ObjectRef, Manifest]


def current_pods(workload: Manifest, snapshot: Snapshot) -> list[Manifest]:
    """The pods of the newest revision that are not being deleted: what an older one does is no news."""
    kind = workload["kind"]
    pods = [
        each
        for each in _of_kind(snapshot, "", "Pod")
        if not mapping_at(each, "metadata").get("deletionTimestamp")
    ]
    if kind == "Pod":
        uid = workload["metadata"].get("uid")
        return [pod for pod in pods if pod["metadata"].get("uid") == uid]
    if kind == "Deployment":
        replica_set = current_replica_set(workload, snapshot)
        return _owned(pods, replica_set) if replica_set else []
    owned = _owned(pods, workload)
    if kind == "StatefulSet":
        revision = mapping_at(workload, "status").get("updateRevision")
        return [pod for pod in owned if _label(pod, "controller-revision-hash") == revision]
    if kind == "DaemonSet":
        annotations = mapping_at(workload, "metadata", "annotations")
        generation = annotations.get("deprecated.daemonset.template.generation")
        return [pod for pod in owned if generation in (None, _label(pod, "pod-template-generation"))]
    return owned


def pods_wanted(workload: Manifest) -> int:
    """How many pods of the newest revision there must be; 0 where the workload alone does not tell."""
    if workload["kind"] not in ("Deployment", "ReplicaSet", "StatefulSet"):
        return 0
    spec = mapping_at(workload, "spec")
    held_back = number(mapping_at(spec, "updateStrategy", "rollingUpdate"), "partition")
    if mapping_at(spec, "updateStrategy").get("type") == "OnDelete":
        return 0
    return max(0, number(spec, "replicas", 1) - held_back)


def current_replica_set(deployment: Manifest, snapshot: Snapshot) -> Manifest | None:
    """The ReplicaSet of the Deployment's newest revision; None while there is none yet."""
    revision = mapping_at(deployment, "metadata", "annotations").get(_REVISION)
    for replica_set in _owned(_of_kind(snapshot, "apps", "ReplicaSet"), deployment):
        if mapping_at(replica_set, "metadata", "annotations").get(_REVISION) == revision:
            return replica_set
    return None


def uses_image(workload: Manifest, image: str) -> bool:
    """Whether a container of the workload's template runs the app's image."""
    return any(same_repository(str(each.get("image", "")), image) for each in containers(workload))


def other_images(pod: Manifest, image: str, digest: str) -> list[str]:
    """What containers that should run `image@digest` run instead, or do not tell yet; [] when right."""
    wanted = {
        each.get("name"): str(each.get("image"))
        for each in containers(pod)
        if same_repository(str(each.get("image", "")), image)
    }
    told = {each.get("name"): str(each.get("imageID") or "") for each in _statuses(pod)}
    wrong = []
    for name, asked in wanted.items():
        running = told.get(name, "")
        # Some runtimes tell the digest of the image's configuration; then what was asked for decides.
        right = digest in running or (running and "@" not in running and asked.endswith(f"@{digest}"))
        if not right:
            wrong.append(f"container {name} runs {running or 'nothing yet'}")
    if not wanted:
        wrong.append(f"runs no container of {image}")
    return wrong


def _statuses(pod: Manifest) -> Iterator[Manifest]:
    status = mapping_at(pod, "status")
    for key in CONTAINER_STATUS_LISTS:
        yield from items(status, key)


def _of_kind(snapshot: Snapshot, group: str, kind: str) -> list[Manifest]:
    return [each for ref, each in snapshot.items() if ref.group == group and ref.kind == kind]


def _owned(manifests: list[Manifest], owner: Manifest) -> list[Manifest]:
    uid = owner["metadata"].get("uid")
    return [
        each
        for each in manifests
        if any(item.get("uid") == uid for item in items(mapping_at(each, "metadata"), "ownerReferences"))
    ]


def _label(manifest: Manifest, name: str) -> object:
    return mapping_at(manifest, "metadata", "labels").get(name)
