"""Explains a refusal by an object that left Git, but still has what the new one needs."""

from collections.abc import Iterable

from towpath.adapters.kubernetes import ApiRefusedError, Cluster
from towpath.applyset.apply_object import ApplyObject
from towpath.applyset.prune import PRUNE_ANNOTATION
from towpath.errors import TowpathError
from towpath.kube.exclusive import shared_value
from towpath.objects import ObjectRef


def explain_clash(
    cluster: Cluster, desired: ApplyObject, error: TowpathError, leaving: Iterable[ObjectRef]
) -> TowpathError | None:
    """The error with the object of `leaving` that is in the way, and what lets it go first; None: none is.

    Asks the cluster only when an object of the same kind waits to be deleted.
    """
    if not isinstance(error, ApiRefusedError) or error.status not in (400, 403, 409, 422):
        return None
    for ref in sorted(leaving):
        if (ref.group, ref.kind) != (desired.ref.group, desired.ref.kind):
            continue
        live = cluster.get(ref, version=desired.manifest["apiVersion"].rpartition("/")[2])
        shared = shared_value(desired.initial, live, error.fields) if live else None
        if shared:
            field, value = shared
            error.remedy = (
                f"{ref} has {field} {value}, too. It left Git, and is deleted only when the app is verified"
                f" without it. To delete it before, annotate it:\n`kubectl annotate {_kubectl(ref)}"
                f" {PRUNE_ANNOTATION}=first`"
            )
            return error
    return None


def _kubectl(ref: ObjectRef) -> str:
    kind = f"{ref.kind}.{ref.group}".rstrip(".").lower()
    return f"-n {ref.namespace} {kind} {ref.name}" if ref.namespace else f"{kind} {ref.name}"
