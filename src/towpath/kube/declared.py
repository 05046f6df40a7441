"""A live object as a person would have written it: without what the server and its controllers set. Pure."""

from collections.abc import Iterator
from typing import Any

from towpath.fields import field_set, pointer
from towpath.fields.canonical import without_server_fields
from towpath.fields.managed_fields import RESTART_RULE, Metadata, manager_entries
from towpath.kube.defaults import without_defaults
from towpath.objects import Manifest, group_of

CONTROLLERS = ("kube-controller-manager", "kube-scheduler", "kubelet", "kube-apiserver", "kube-proxy")
"""Field managers of Kubernetes itself."""
_ANNOTATIONS = (
    "autoscaling.alpha.kubernetes.io/conditions",
    "autoscaling.alpha.kubernetes.io/current-metrics",
    "batch.kubernetes.io/job-tracking",
    "deployment.kubernetes.io/revision",
    "deprecated.daemonset.template.generation",
    "kubectl.kubernetes.io/last-applied-configuration",
    "pv.kubernetes.io/bind-completed",
    "pv.kubernetes.io/bound-by-controller",
    "volume.beta.kubernetes.io/storage-provisioner",
    "volume.kubernetes.io/selected-node",
    "volume.kubernetes.io/storage-provisioner",
)
_JOB_LABELS = (
    *("controller-uid", "job-name"),
    *("batch.kubernetes.io/controller-uid", "batch.kubernetes.io/job-name"),
)
_TEMPLATES = (
    "/spec/template/metadata",
    "/spec/jobTemplate/metadata",
    "/spec/jobTemplate/spec/template/metadata",
)
_TOKEN_SECRETS = ("token", "dockercfg")


def declared(live: Manifest) -> Manifest:
    """A copy with `apiVersion`, `kind`, `metadata` and what people declare."""
    kept = pointer.without(live, [*_of_controllers(live), RESTART_RULE])
    kept = without_server_fields(kept)
    metadata = dict(kept["metadata"])
    for key in ("namespace", "finalizers", "ownerReferences", "generateName"):
        metadata.pop(key, None)
    annotations = {
        k: v for k, v in (metadata.pop("annotations", None) or {}).items() if k not in _ANNOTATIONS
    }
    head = {"apiVersion": live["apiVersion"], "kind": live["kind"]}
    metadata |= {"annotations": annotations} if annotations else {}
    kept = {**head, **{k: v for k, v in kept.items() if k not in head}, "metadata": metadata}
    kept = pointer.without(kept, _of_server(kept))
    kept = _without_empty(without_defaults(kept))
    first = {key: kept[key] for key in ("apiVersion", "kind", "metadata")}
    return first | {key: value for key, value in kept.items() if key not in first}


def is_of_controllers(metadata: Metadata) -> bool:
    """Whether a controller of Kubernetes writes the object."""
    return any(entry["manager"] in CONTROLLERS for entry in manager_entries(metadata))


def _of_controllers(live: Manifest) -> Iterator[str]:
    """Pointers of the fields that only controllers of Kubernetes own, an autoscaler's replicas too."""
    metadata = live["metadata"]
    theirs = set(_pointers(metadata, live, of_controllers=True))
    yield from sorted(theirs - set(_pointers(metadata, live, of_controllers=False)), reverse=True)


def _pointers(metadata: Metadata, live: Manifest, *, of_controllers: bool) -> Iterator[str]:
    for entry in manager_entries(metadata):
        if (entry["manager"] in CONTROLLERS) == of_controllers and entry.get("subresource") != "status":
            for path in field_set.leaves(entry.get("fieldsV1") or {}):
                # An item of a list is a person's: removing it would move the others.
                if all(step.startswith("f:") for step in path) and (at := field_set.pointer_of(path, live)):
                    yield at


def _of_server(manifest: Manifest) -> Iterator[str]:
    """Pointers of what the server makes by the kind."""
    kind = (group_of(manifest["apiVersion"]), manifest["kind"])
    for template in _TEMPLATES:
        yield f"{template}/creationTimestamp"
    if kind == ("", "Service"):
        yield from _of_service(manifest.get("spec") or {})
    elif kind == ("batch", "Job") and not pointer.read(manifest, "/spec/manualSelector"):
        yield "/spec/selector"
        for label in _JOB_LABELS:
            yield pointer.build(("metadata", "labels", label))
            yield pointer.build(("spec", "template", "metadata", "labels", label))
    elif kind == ("apps", "StatefulSet"):
        yield from (
            "/spec/volumeClaimTemplates/*/status",
            "/spec/volumeClaimTemplates/*/metadata/creationTimestamp",
        )
    elif kind == ("", "ServiceAccount"):
        name = manifest["metadata"]["name"]
        made = tuple(f"{name}-{each}-" for each in _TOKEN_SECRETS)
        secrets = manifest.get("secrets") or []
        if all(isinstance(each, dict) and str(each.get("name")).startswith(made) for each in secrets):
            yield "/secrets"


def _of_service(spec: Any) -> Iterator[str]:
    """Addresses that the cluster has given away, and families that it chose."""
    yield "/spec/clusterIPs"
    if spec.get("clusterIP") != "None":
        yield "/spec/clusterIP"
    if spec.get("ipFamilyPolicy", "SingleStack") == "SingleStack":
        yield from ("/spec/ipFamilies", "/spec/ipFamilyPolicy")


def _without_empty(manifest: Manifest) -> Manifest:
    """Without metadata of templates, labels and annotations that are empty now."""
    for places in (
        [f"{place}/{key}" for place in ("/metadata", *_TEMPLATES) for key in ("labels", "annotations")],
        _TEMPLATES,
    ):
        empty = [place for place in places if pointer.read(manifest, place) == {}]
        manifest = pointer.without(manifest, empty)
    return manifest
