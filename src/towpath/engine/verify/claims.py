"""Volume claims that nobody consumes: a class may bind a claim only when the first pod that uses it comes."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress

from towpath.adapters.kubernetes import ApiRefusedError, Cluster
from towpath.health.verdict import items, mapping_at
from towpath.objects import Manifest, ObjectRef

CLAIM = ("", "PersistentVolumeClaim")
STORAGE_CLASS = ("storage.k8s.io", "StorageClass")
_CLASS_ANNOTATION = "volume.beta.kubernetes.io/storage-class"
"""Goes before `storageClassName`, for the server too."""
_LATE = "WaitForFirstConsumer"
_SCHEDULED = "volume.kubernetes.io/selected-node"
_ENDED = ("Succeeded", "Failed")


def read_classes(cluster: Cluster, claims: Iterable[Manifest]) -> dict[ObjectRef, Manifest]:
    """The storage classes of claims that are Pending; without those that this account may not read."""
    found = {}
    for ref in {_class_of(claim) for claim in claims if _is_pending(claim)}:
        with suppress(ApiRefusedError):
            if ref.name and (live := cluster.get(ref)):
                found[ref] = live
    return found


def unconsumed(refs: Iterable[ObjectRef], live: Mapping[ObjectRef, Manifest]) -> frozenset[ObjectRef]:
    """The claims among `refs` that wait for a first consumer, of which there is none. Pure.

    `live` has their storage classes and all pods of their namespaces.
    """
    waiting = {ref for ref in refs if (ref.group, ref.kind) == CLAIM and _waits(live.get(ref), live)}
    if not waiting:
        return frozenset()
    pods = [each for ref, each in live.items() if (ref.group, ref.kind) == ("", "Pod")]
    return frozenset(waiting.difference(*(_claims_of(pod) for pod in pods)))


def _is_pending(claim: Manifest) -> bool:
    return mapping_at(claim, "status").get("phase") == "Pending"


def _waits(claim: Manifest | None, live: Mapping[ObjectRef, Manifest]) -> bool:
    if claim is None or not _is_pending(claim) or "deletionTimestamp" in claim["metadata"]:
        return False
    spec = mapping_at(claim, "spec")
    if spec.get("volumeName") or _SCHEDULED in mapping_at(claim, "metadata", "annotations"):
        return False  # it is bound to a volume of Git's choice, or for a pod that was there
    storage = live.get(_class_of(claim))
    return storage is not None and storage.get("volumeBindingMode") == _LATE


def _class_of(claim: Manifest) -> ObjectRef:
    named = mapping_at(claim, "metadata", "annotations").get(_CLASS_ANNOTATION)
    return ObjectRef(
        *STORAGE_CLASS, "", str(named or mapping_at(claim, "spec").get("storageClassName") or "")
    )


def _claims_of(pod: Manifest) -> Iterator[ObjectRef]:
    """The claims that a pod waits for or uses; none when it has ended."""
    if mapping_at(pod, "status").get("phase") in _ENDED:
        return
    namespace, name = pod["metadata"].get("namespace", ""), pod["metadata"]["name"]
    for volume in items(mapping_at(pod, "spec"), "volumes"):
        if claim := mapping_at(volume, "persistentVolumeClaim").get("claimName"):
            yield ObjectRef(*CLAIM, namespace, str(claim))
        elif "ephemeral" in volume:
            yield ObjectRef(*CLAIM, namespace, f"{name}-{volume.get('name')}")
