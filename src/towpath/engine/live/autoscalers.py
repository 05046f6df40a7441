"""Reads live autoscalers, and the definitions of the custom kinds that are scaled."""

from collections.abc import Iterable

from towpath.adapters.kubernetes import ApiRefusedError, Cluster
from towpath.engine.live.lists import list_in
from towpath.kube.autoscaling import CRD, HPA, KEDA, Kind, kind_of, scale_targets
from towpath.objects import Manifest, ObjectRef


def read_autoscalers(cluster: Cluster, objects: Iterable[Manifest], namespace: str) -> tuple[Manifest, ...]:
    """The autoscalers of the objects' namespaces (without one: of `namespace`), and the definitions of kinds.

    Definitions are the CustomResourceDefinitions of what autoscalers or `objects` scale.
    Nothing is asked where none of `objects` can be scaled. What this account may not read is left out.
    """
    objects = list(objects)
    kinds = autoscaler_kinds(cluster, objects)
    if not kinds:
        return ()
    served = [kind for kind in kinds if kind in cluster.discover()]
    places = {each["metadata"].get("namespace") or "" for each in objects} - {""}
    live = [each for kind in served for each in _listed(cluster, kind, places or {namespace})]
    scaled = {target[:2] for each in (*objects, *live) for target in scale_targets(each)}
    definitions = [_definition(cluster, kind) for kind in sorted(_scalable(cluster, objects) & scaled)]
    return (*live, *(each for each in definitions if each is not None))


def autoscaler_kinds(cluster: Cluster, objects: Iterable[Manifest]) -> tuple[Kind, ...]:
    """The kinds of autoscalers, served or not; none where none of `objects` can be scaled."""
    objects = list(objects)
    built_in = any("replicas" in (each.get("spec") or {}) for each in objects)
    return (HPA, KEDA) if built_in or _scalable(cluster, objects) else ()


def _scalable(cluster: Cluster, objects: Iterable[Manifest]) -> set[Kind]:
    """The custom kinds among `objects` that have a scale subresource."""
    kinds = cluster.discover()
    return {
        kind
        for kind in {kind_of(each) for each in objects}
        if "." in kind[0] and (served := kinds.find(*kind)) and served.scalable
    }


def _listed(cluster: Cluster, kind: Kind, namespaces: set[str]) -> Iterable[Manifest]:
    try:
        return list_in(cluster, kind, namespaces)
    except ApiRefusedError as error:
        if error.status != 403 or kind == HPA:
            raise
        return ()  # KEDA makes a HorizontalPodAutoscaler of each


def _definition(cluster: Cluster, kind: Kind) -> Manifest | None:
    plural = cluster.resource(*kind).plural
    try:
        return cluster.get(ObjectRef(*CRD, "", f"{plural}.{kind[0]}"))
    except ApiRefusedError as error:
        if error.status != 403:
            raise
        return None
