"""Lists of one kind in several namespaces: one request of the whole cluster where rights allow it."""

from collections.abc import Collection, Iterator
from typing import Any
from weakref import WeakKeyDictionary

from towpath.adapters.kubernetes import ApiRefusedError, Cluster
from towpath.engine.live.concurrent import concurrently
from towpath.kube.autoscaling import Kind
from towpath.objects import Manifest, ObjectRef

SECRET = ("", "Secret")
SPREAD = 16
"""Whole objects, of which others may have thousands, are read and watched by namespace in so many of them at
most: that takes about as long as one request of the whole cluster."""
_refused: WeakKeyDictionary[Cluster, set[Kind]] = WeakKeyDictionary()
"""Kinds that a connection may not list in the whole cluster: it is not asked again."""


def list_in(cluster: Cluster, kind: Kind, namespaces: Collection[str], **selectors: Any) -> list[Manifest]:
    """All objects of a kind in some namespaces, and of no other. Secrets of others are not read.

    Where the whole cluster may not be listed there is one request for each namespace; ApiRefusedError where
    one of these is refused.
    """
    listed = list_everywhere(cluster, kind, namespaces, **selectors)
    if listed is not None:
        return listed
    found = concurrently(lambda name: list(cluster.list(*kind, name, **selectors)), sorted(namespaces))
    return [live for each in found for live in each]


def list_or_get(
    cluster: Cluster,
    kind: Kind,
    refs: Collection[ObjectRef],
    *,
    version: str | None = None,
    managed_fields: bool = True,
) -> list[Manifest]:
    """The objects of a cluster-scoped kind by one request; where that is refused, `refs` one by one.

    Rights may be for named objects, which a list cannot be.
    """
    try:
        return list(cluster.list(*kind, None, version=version, managed_fields=managed_fields))
    except ApiRefusedError as error:
        if error.status != 403:
            raise
    found = concurrently(lambda ref: cluster.get(ref, version=version), refs)
    return [live for live in found if live is not None]


def list_everywhere(
    cluster: Cluster, kind: Kind, namespaces: Collection[str], **selectors: Any
) -> list[Manifest] | None:
    """The same by one request of the whole cluster; None where that is refused, or not worth it."""
    refused = _refused.setdefault(cluster, set())
    if len(namespaces) < 2 or kind == SECRET or kind in refused:
        return None
    try:
        return [*_inside(cluster.list(*kind, None, **selectors), namespaces)]
    except ApiRefusedError as error:
        if error.status != 403:
            raise
        refused.add(kind)
        return None


def _inside(listed: Any, namespaces: Collection[str]) -> Iterator[Manifest]:
    for live in listed:
        if live["metadata"].get("namespace", "") in namespaces:
            yield live
