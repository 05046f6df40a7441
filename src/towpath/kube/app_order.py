"""In which order apps come when one needs what another brings. Pure.

An app that declares the environment's Namespace, a CustomResourceDefinition or anything else for the whole
cluster comes before those that are in that Namespace, use that kind, or declare nothing for the cluster.
"""

from collections.abc import Iterable, Mapping, Sequence

from towpath.objects import Manifest, ref_of

Dependency = tuple[str, ...]


def order_apps(apps: Mapping[str, Sequence[Manifest]]) -> list[list[str]]:
    """Apps by name in groups, each of which may be synced at once. Apps that need each other share one."""
    brought = {app: set(_brings(objects)) for app, objects in apps.items()}
    needed = {app: set(_needs(objects)) - brought[app] for app, objects in apps.items()}
    left, ordered = set(apps), []
    while left:
        missing = {app: set().union(*(brought[other] for other in left - {app})) for app in left}
        ready = sorted(app for app in left if not needed[app] & missing[app])
        ordered.append(ready or sorted(left))
        left -= set(ordered[-1])
    return ordered


def _brings(objects: Iterable[Manifest]) -> Iterable[Dependency]:
    for manifest in objects:
        ref = ref_of(manifest)
        if ref.kind == "Namespace":
            yield ("Namespace", ref.name)
        elif ref.kind == "CustomResourceDefinition":
            spec = manifest.get("spec") or {}
            yield ("kind", spec.get("group", ""), (spec.get("names") or {}).get("kind", ""))
        elif not ref.namespace and "Webhook" not in ref.kind:
            yield ("cluster",)


def _needs(objects: Iterable[Manifest]) -> Iterable[Dependency]:
    scoped = False
    for manifest in objects:
        ref = ref_of(manifest)
        yield ("kind", ref.group, ref.kind)
        if ref.namespace:
            yield ("Namespace", ref.namespace)
        scoped = scoped or not ref.namespace
    if not scoped:
        yield ("cluster",)
