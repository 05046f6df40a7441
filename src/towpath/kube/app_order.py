"""The order in which apps are synced when one needs what another declares. Pure.

An app that declares the environment's Namespace, a CustomResourceDefinition or another cluster-scoped object
is synced before apps with objects in that Namespace or of that kind, and before apps without cluster-scoped
objects. What people wrote under `dependsOn` holds before that.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from types import MappingProxyType

from towpath.objects import Manifest, ref_of

Dependency = tuple[str, ...]
"""`("Namespace", name)`, `("kind", group, kind)`, or `("cluster",)` for any other cluster-scoped object."""


NOTHING_WRITTEN: Mapping[str, Collection[str]] = MappingProxyType({})


def order_apps(
    apps: Mapping[str, Sequence[Manifest]], depends_on: Mapping[str, Collection[str]] = NOTHING_WRITTEN
) -> list[list[str]]:
    """Groups of apps, first to last; those of a group are synced at the same time.

    `depends_on` is by app: what it names comes in an earlier group. Else apps that need each other are in one
    group. Within a group apps are sorted by name.
    """
    provided = {app: set(_provided(objects)) for app, objects in apps.items()}
    required = {app: set(_required(objects)) - provided[app] for app, objects in apps.items()}
    remaining, groups = set(apps), []
    while remaining:
        missing = {app: set().union(*(provided[other] for other in remaining - {app})) for app in remaining}
        free = sorted(app for app in remaining if remaining.isdisjoint(depends_on.get(app, ())))
        ready = [app for app in free if not required[app] & missing[app]]
        groups.append(ready or free or sorted(remaining))
        remaining -= set(groups[-1])
    return groups


def _provided(objects: Iterable[Manifest]) -> Iterable[Dependency]:
    for manifest in objects:
        ref = ref_of(manifest)
        if ref.kind == "Namespace":
            yield ("Namespace", ref.name)
        elif ref.kind == "CustomResourceDefinition":
            spec = manifest.get("spec") or {}
            yield ("kind", spec.get("group", ""), (spec.get("names") or {}).get("kind", ""))
        elif not ref.namespace and "Webhook" not in ref.kind:
            yield ("cluster",)


def _required(objects: Iterable[Manifest]) -> Iterable[Dependency]:
    has_cluster_scoped = False
    for manifest in objects:
        ref = ref_of(manifest)
        yield ("kind", ref.group, ref.kind)
        if ref.namespace:
            yield ("Namespace", ref.namespace)
        has_cluster_scoped = has_cluster_scoped or not ref.namespace
    if not has_cluster_scoped:
        yield ("cluster",)
