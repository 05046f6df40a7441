"""Makes a plain app of what people own in a namespace of a cluster. Secrets are never read whole."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from towpath.adapters.kubernetes import ApiRefusedError, Cluster, Resource, TooDeepError
from towpath.applyset.inventory import PART_OF_LABEL
from towpath.drift.extras import is_extra
from towpath.engine.imports.assemble import Imported
from towpath.engine.imports.cluster_app import (
    HEAD,
    HELM_RECORD,
    ClusterApp,
    cluster_app,
    deployment_managers,
)
from towpath.errors import ConfigError, TooLargeError
from towpath.fields import pointer
from towpath.foreign.annotations import told_annotations
from towpath.kube.autoscaling import autoscaling
from towpath.kube.declared import declared, is_of_controllers
from towpath.objects import Manifest, ref_of
from towpath.redact.manifests import secret_values
from towpath.yamltext.writer import dump

MAX_OBJECTS = 2_000
_RELEASE_ANNOTATION = "meta.helm.sh/release-name"
_ADDRESSES = ("Endpoints", "EndpointSlice")
_BARE = {
    "Pod": "runs by itself; it is not carried over: a Deployment or a Job would make it again",
    "ReplicaSet": "belongs to no Deployment; it is not carried over: make it one",
}
_RECORDS = ("Event", "Lease")
"""Kinds of which a namespace may have thousands, none of them a person's."""
_PATH_STEP = re.compile(r"[^/%\x00-\x1f\x7f]+")
_KIND = re.compile(r"[A-Za-z][A-Za-z0-9]{0,62}")


def import_namespace(cluster: Cluster, namespace: str) -> Imported:
    """The repository of what is live in a namespace, with a note for each object that is left out.

    Raises UnknownNameError for no such namespace, TooLargeError for more than MAX_OBJECTS objects.
    """
    app = cluster_app(cluster, namespace, namespace, "plain")
    live = list(_live(cluster, app))
    scaling, claims = autoscaling(live), _claims_of_sets(live)
    for each in live:
        ref = ref_of(each)
        if ref.kind == "PersistentVolumeClaim" and claims.fullmatch(ref.name):
            continue
        if _has_ended(each):
            message = "has ended; it is not carried over: from Git it would run again elsewhere"
            app.tell(str(ref), message)
            app.leave(ref.kind, ref.name)
            continue
        try:
            manifest = declared(pointer.without(each, scaling.pointers(each)))
            path, content = _file(app, manifest), dump(manifest, head=HEAD, file=str(ref)).encode()
        except (ConfigError, RecursionError, UnicodeError) as error:
            why = error.problems[0].message if isinstance(error, ConfigError) else "is no plain data"
            app.tell(str(ref), f"cannot be written: {why}; it is not carried over")
            continue
        app.files[path] = content
        app.managers |= deployment_managers([each])
        app.notes += told_annotations({path: content})
        if any(secret_values(manifest)):
            message = (
                "has values that look like credentials: look before you commit, and move them to a Secret"
            )
            app.tell(path, message)
    return app.repository()


@dataclass(slots=True)
class _Chosen:
    """What is to be read of one kind, by uid."""

    resource: Resource
    uids: set[str]


def _live(cluster: Cluster, app: ClusterApp) -> Iterator[Manifest]:
    """The objects that are carried over, whole. Which they are is judged by metadata."""
    seen: set[str] = set()
    chosen: list[_Chosen] = []
    releases = _releases(cluster, app)
    parts: Counter[str] = Counter()
    for resource in sorted(cluster.discover().listable(), key=lambda each: (each.kind, each.group)):
        if resource.kind in _RECORDS:
            continue
        found = _list(cluster, app, resource, metadata_only=True)
        wanted = _Chosen(resource, set())
        for each in found:
            uid = str(each["metadata"].get("uid"))
            if uid in seen or not _is_wanted(app, each, releases, parts):
                continue
            seen.add(uid)
            wanted.uids.add(uid)
        if wanted.uids:
            chosen.append(wanted)
        if len(seen) > MAX_OBJECTS:
            raise TooLargeError(f"has more than {MAX_OBJECTS:,} objects", file=f"namespace {app.namespace}")
    for release, count in sorted(parts.items()):
        what = f"its {count} object{'s are' if count > 1 else ' is'} not carried over here"
        app.tell(f"Helm release {release}", f"{what}: `--helm-release {release}` imports it")
    for kind in chosen:
        objects = _list(cluster, app, kind.resource, metadata_only=False)
        yield from (each for each in objects if str(each["metadata"].get("uid")) in kind.uids)


def _is_wanted(app: ClusterApp, live: Manifest, releases: set[str], parts: Counter[str]) -> bool:
    """Whether an object is carried over; what is a person's and is not, is told. Metadata is enough."""
    metadata, kind = live["metadata"], live["kind"]
    name = str(metadata.get("name"))
    labels, annotations = metadata.get("labels") or {}, metadata.get("annotations") or {}
    shown = f"{kind} {app.namespace}/{name[:253]}"
    if not metadata.get("ownerReferences") and kind in _BARE:
        app.tell(shown, _BARE[kind])
    elif kind in _ADDRESSES and not (metadata.get("ownerReferences") or is_of_controllers(metadata)):
        app.tell(shown, "is kept by hand; it is not carried over: add it to the app")
    if not is_extra(live):
        return False
    if annotations.get(_RELEASE_ANNOTATION) in releases:
        parts[annotations[_RELEASE_ANNOTATION]] += 1
    elif kind == "Secret":
        app.tell(
            shown,
            "a Secret is never written to Git; it stays on the cluster as it is, and is no extra by `extras`."
            " Make it by an operator (External Secrets, Sealed Secrets), or by hand where the app goes next",
        )
        app.leave(kind, name)
    elif PART_OF_LABEL in labels:
        app.tell(shown, f"belongs to another ApplySet ({str(labels[PART_OF_LABEL])[:80]})")
    elif metadata.get("deletionTimestamp"):
        app.tell(shown, "is being deleted")
    elif not (_PATH_STEP.fullmatch(name) and name not in (".", "..") and _KIND.fullmatch(kind)):
        app.tell(ascii(shown), "has a name that no API server gives")
    else:
        return True
    return False


def _releases(cluster: Cluster, app: ClusterApp) -> set[str]:
    """The Helm releases that have their records in the namespace."""
    found = _list(cluster, app, cluster.resource("", "Secret"), metadata_only=True)
    records = (HELM_RECORD.fullmatch(str(each["metadata"].get("name"))) for each in found)
    return {record["release"] for record in records if record}


def _list(
    cluster: Cluster, app: ClusterApp, resource: Resource, *, metadata_only: bool
) -> Sequence[Manifest]:
    """The objects of a kind; none, and a note, where the server does not tell them."""
    try:
        return cluster.list(
            resource.group,
            resource.kind,
            app.namespace,
            version=resource.version,
            metadata_only=metadata_only,
        )
    except ApiRefusedError as error:
        if error.status not in (403, 404, 405):
            raise
        app.tell(f"{resource.kind} ({resource.api_version})", "may not be listed; none is carried over")
    except (RecursionError, TooDeepError):
        app.tell(f"{resource.kind} ({resource.api_version})", "nested too deeply; none is carried over")
    return ()


def _has_ended(live: Manifest) -> bool:
    conditions = pointer.read(live, "/status/conditions") if live["kind"] == "Job" else None
    return any(
        isinstance(each, dict) and each.get("type") in ("Complete", "Failed") and each.get("status") == "True"
        for each in (conditions if isinstance(conditions, list) else ())
    )


def _claims_of_sets(live: Sequence[Manifest]) -> re.Pattern[str]:
    """Names of claims that StatefulSets make: no owner is in them."""
    names = [
        f"{re.escape(str(pointer.read(template, '/metadata/name')))}-{re.escape(ref_of(each).name)}-[0-9]+"
        for each in live
        if each["kind"] == "StatefulSet"
        for template in _items(pointer.read(each, "/spec/volumeClaimTemplates"))
    ]
    return re.compile("|".join(names) or r"(?!)")


def _items(value: Any) -> list[Mapping[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _file(app: ClusterApp, manifest: Manifest) -> str:
    """A path of its own below the app's folder, made of nothing that could lead elsewhere."""
    text = f"{manifest['kind']}-{manifest['metadata']['name']}".lower()
    base = re.sub(r"[^a-z0-9]+", "-", text).strip("-")[:100]
    path, number = f"{app.folder}/{base}.yaml", 2
    while path in app.files:
        path, number = f"{app.folder}/{base}-{number}.yaml", number + 1
    return path
