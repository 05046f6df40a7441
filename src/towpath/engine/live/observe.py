"""What is live, asked once per kind: the namespace's state, the inventory, the metadata of what matters."""

import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Literal

from towpath.adapters.kubernetes import ApiRefusedError, Cluster, WatchExpiredError
from towpath.applyset.digest_key import KEY_NAME, key_of, key_ref
from towpath.applyset.inventory import Inventory, Owner
from towpath.applyset.inventory_configmap import from_configmap
from towpath.engine.live.autoscalers import read_autoscalers
from towpath.engine.live.concurrent import concurrently
from towpath.engine.live.lists import SECRET, list_everywhere
from towpath.engine.live.namespace_owner import require_own_inventory
from towpath.errors import TransientError
from towpath.kube.autoscaling import Kind
from towpath.objects import Manifest, ObjectRef

FEW = 3
"""So many cluster-scoped objects of a kind are read one by one, because a list would hold everybody's."""
NOT_HELM = "type!=helm.sh/release.v1"
"""Field selector: Helm keeps megabytes of history in Secrets, of which no app is made."""
_HELM_RELEASE = "sh.helm.release."

NamespaceState = Literal["present", "missing", "terminating"]


@dataclass(frozen=True, slots=True)
class Live:
    """Metadata of live objects by reference; kinds that were not served yet.

    `scalers` are whole objects: autoscalers, and the definitions of custom kinds that are scaled.
    `digest_key` is the key of recorded digests (applyset/digest_key.py), if Secrets were asked for.
    """

    metadata: dict[ObjectRef, Manifest] = field(default_factory=dict)
    scalers: tuple[Manifest, ...] = ()
    unserved: frozenset[Kind] = frozenset()
    digest_key: bytes | None = field(default=None, repr=False)


def namespace_ref(name: str) -> ObjectRef:
    """The reference of a Namespace."""
    return ObjectRef("", "Namespace", "", name)


def secrets_of(namespace: str) -> ObjectRef:
    """A reference that asks for all Secrets of the namespace: their values must not be shown elsewhere."""
    return ObjectRef(*SECRET, namespace, "")


def namespace_state(cluster: Cluster, name: str) -> NamespaceState:
    """Whether objects can be in the namespace now; one that may not be asked about is there."""
    try:
        live = cluster.get(namespace_ref(name), metadata_only=True)
    except ApiRefusedError as error:
        if error.status != 403:
            raise
        return "present"
    return state_of_namespace(live)


def state_of_namespace(live: Manifest | None) -> NamespaceState:
    """The same of what was read; metadata are enough."""
    if live is None:
        return "missing"
    return "terminating" if "deletionTimestamp" in live["metadata"] else "present"


def wait_gone(cluster: Cluster, ref: ObjectRef, seconds: float) -> bool:
    """Watch until the object is gone; False when it is still there after `seconds`."""
    deadline = time.monotonic() + seconds
    namespace = ref.namespace or None
    while True:
        found, version = cluster.list_with_version(
            ref.group, ref.kind, namespace, fields=f"metadata.name={ref.name}", metadata_only=True
        )
        if not found:
            return True
        left = deadline - time.monotonic()
        if left <= 0:
            return False
        try:
            for event in cluster.watch(
                ref.group,
                ref.kind,
                namespace,
                since=version,
                seconds=left,
                fields=f"metadata.name={ref.name}",
                metadata_only=True,
            ):
                if event.type == "DELETED":
                    return True
        except WatchExpiredError:
            continue


def read_inventory(cluster: Cluster, owner: Owner) -> tuple[Inventory | None, str]:
    """The inventory and its resourceVersion; (None, "") when there is none.

    Raises RefusedError when it is another environment's.
    """
    found = cluster.get(owner.ref)
    if found is None:
        return None, ""
    inventory = from_configmap(found)
    require_own_inventory(inventory, owner)
    return inventory, found["metadata"]["resourceVersion"]


def observe(
    cluster: Cluster, refs: Iterable[ObjectRef], namespace: str, *, scaled: Iterable[Manifest] = ()
) -> Live:
    """Metadata of every live object of the kinds of `refs` in their namespaces; a kind not served has none.

    `namespace` is the environment's. One request per kind, or per kind and namespace where the whole cluster
    may not be listed. A reference without a name asks for the kind only.
    `scaled` are objects of Git that may have autoscalers.
    Secrets are listed whole: their values are remembered before anything is said about the other objects,
    which may hold the same values.
    """
    by_kind: dict[Kind, list[ObjectRef]] = {}
    for ref in refs:
        by_kind.setdefault((ref.group, ref.kind), []).append(ref)
    # Look once more when a kind is new: its CRD may have come after the last look.
    if not all(kind in cluster.discover() for kind in by_kind):
        cluster.discover(refresh=True)
    served = {kind: wanted for kind, wanted in by_kind.items() if kind in cluster.discover()}
    with ThreadPoolExecutor(1) as beside:
        scalers = beside.submit(read_autoscalers, cluster, scaled, namespace)
        found = concurrently(lambda item: _of_kind(cluster, item[0], item[1], namespace), served.items())
    metadata = {ref: live for group in found for ref, live in group.items()}
    key = key_of(metadata.get(key_ref(namespace)))
    return Live(metadata, scalers.result(), frozenset(by_kind.keys() - served.keys()), key)


def require_gone(cluster: Cluster, namespace: str, seconds: float) -> None:
    """Wait for the end of a terminating namespace; TransientError when it takes longer."""
    if not wait_gone(cluster, namespace_ref(namespace), seconds):
        raise TransientError(
            f"namespace {namespace} is still being deleted after {seconds:.0f} s",
            remedy=f"`kubectl get namespace {namespace} -o yaml` tells what it waits for.",
        )


def _of_kind(
    cluster: Cluster, kind: Kind, wanted: Sequence[ObjectRef], namespace: str
) -> dict[ObjectRef, Manifest]:
    if cluster.resource(*kind).namespaced:
        return _by_ref(kind, _in_namespaces(cluster, kind, wanted, namespace))
    if len(wanted) <= FEW or kind == ("", "Namespace"):
        return _one_by_one(cluster, wanted)
    try:
        return _by_ref(kind, _listed(cluster, kind, None, wanted))
    except ApiRefusedError as error:
        if error.status != 403:
            raise
        return _one_by_one(cluster, wanted)  # rights on named objects only


def _in_namespaces(
    cluster: Cluster, kind: Kind, wanted: Sequence[ObjectRef], home: str
) -> Iterable[Manifest]:
    places: dict[str, list[ObjectRef]] = {}
    for ref in wanted:
        places.setdefault(ref.namespace or home, []).append(ref)
    everywhere = list_everywhere(cluster, kind, places, metadata_only=True)
    if everywhere is not None:
        return everywhere

    def listed(item: tuple[str, list[ObjectRef]]) -> Iterable[Manifest]:
        try:
            return [*_listed(cluster, kind, *item)]
        except ApiRefusedError as error:
            if error.status == 403 and not any(ref.name for ref in item[1]):
                return ()  # nobody's objects of a kind that this account may not see
            raise

    return [live for each in concurrently(listed, places.items()) for live in each]


def _by_ref(kind: Kind, listed: Iterable[Manifest]) -> dict[ObjectRef, Manifest]:
    return {
        ObjectRef(*kind, live["metadata"].get("namespace", ""), live["metadata"]["name"]): live
        for live in listed
    }


def _listed(
    cluster: Cluster, kind: Kind, namespace: str | None, wanted: Sequence[ObjectRef]
) -> Iterable[Manifest]:
    if kind != SECRET:
        return cluster.list(*kind, namespace, metadata_only=True)
    whole = cluster.list(*kind, namespace, fields=NOT_HELM)
    hidden = _one_by_one(cluster, [ref for ref in wanted if ref.name.startswith(_HELM_RELEASE)])
    return [*map(_bare, whole), *hidden.values()]


def _bare(secret: Manifest) -> Manifest:
    if secret["metadata"]["name"] == KEY_NAME:
        return secret
    return {key: secret[key] for key in ("apiVersion", "kind", "metadata")}


def _one_by_one(cluster: Cluster, wanted: Sequence[ObjectRef]) -> dict[ObjectRef, Manifest]:
    read = concurrently(lambda ref: cluster.get(ref, metadata_only=True), wanted)
    return {ref: live for ref, live in zip(wanted, read, strict=True) if live is not None}
