"""Finds a live object by what people write for its kind, and what controls it."""

from collections.abc import Iterable, Iterator
from typing import Protocol

from towpath.adapters.kubernetes import ApiRefusedError, Kinds
from towpath.errors import UnknownNameError
from towpath.objects import Manifest, ObjectRef, group_of

SHORT_NAMES = {
    "cm": "ConfigMap", "cj": "CronJob", "crd": "CustomResourceDefinition", "deploy": "Deployment",
    "ds": "DaemonSet", "ep": "Endpoints", "hpa": "HorizontalPodAutoscaler", "ing": "Ingress",
    "netpol": "NetworkPolicy", "ns": "Namespace", "pdb": "PodDisruptionBudget", "po": "Pod",
    "pv": "PersistentVolume", "pvc": "PersistentVolumeClaim", "rs": "ReplicaSet", "sa": "ServiceAccount",
    "sts": "StatefulSet", "svc": "Service",
}  # fmt: skip
"""As kubectl has them; discovery by groups does not tell short names."""
HIGHEST = 10
"""Owners of owners that are asked for."""


class Reading(Protocol):
    """What is asked of a cluster."""

    def discover(self, *, refresh: bool = False) -> Kinds: ...

    def get(self, ref: ObjectRef) -> Manifest | None: ...


def kinds_named(kinds: Kinds, text: str) -> list[tuple[str, str]]:
    """(group, kind) of what a person writes: `deployment`, `deployments`, `deploy`, `deployment.apps`.

    Raises UnknownNameError, with the nearest name.
    """
    word, _, group = text.lower().partition(".")
    word = SHORT_NAMES.get(word, word).lower()
    found = [
        key
        for key, served in kinds.by_kind.items()
        if word in (key[1].lower(), served[0].plural.lower()) and group in ("", key[0])
    ]
    if not found:
        raise UnknownNameError("kind", text, {key[1] for key in kinds.by_kind}, where="the cluster")
    return found


def find_objects(cluster: Reading, kind: str, name: str, namespaces: Iterable[str]) -> list[Manifest]:
    """Every live object of that kind and name in these namespaces, or the cluster-scoped one."""
    kinds, found = cluster.discover(), {}
    for group, each in kinds_named(kinds, kind):
        namespaced = kinds.by_kind[group, each][0].namespaced
        for namespace in dict.fromkeys(namespaces) if namespaced else ("",):
            if live := _get(cluster, ObjectRef(group, each, namespace, name)):
                found[live["metadata"]["uid"]] = live
    return list(found.values())


def owners_of(cluster: Reading, live: Manifest) -> Iterator[Manifest]:
    """What controls the object, and what controls that, up to what nothing controls."""
    for _ in range(HIGHEST):
        references = live["metadata"].get("ownerReferences") or ()
        reference = next((each for each in references if each.get("controller")), None) or next(
            iter(references), None
        )
        if reference is None:
            return
        group, namespace = group_of(reference["apiVersion"]), live["metadata"].get("namespace", "")
        served = cluster.discover().find(group, reference["kind"])
        place = namespace if served is None or served.namespaced else ""
        owner = _get(cluster, ObjectRef(group, reference["kind"], place, reference["name"]))
        if owner is None or owner["metadata"]["uid"] != reference.get("uid"):
            return
        yield owner
        live = owner


def _get(cluster: Reading, ref: ObjectRef) -> Manifest | None:
    """The object; None also where this account may not read it, or the kind is not served any more."""
    try:
        return cluster.get(ref)
    except ApiRefusedError as error:
        if error.status not in (403, 404):
            raise
        return None
