"""An object that cannot be changed as Git wants it: told by its fields, or deleted and created anew."""

import copy
import re
import secrets

from towpath.adapters.kubernetes import ApiConflictError, ApiRefusedError, Cluster
from towpath.applyset.annotations import RECREATE_ANNOTATION
from towpath.applyset.apply_object import ApplyObject
from towpath.applyset.prune import PROTECTED_KINDS
from towpath.engine.apply.failpoint import reach
from towpath.engine.apply.foreign_fields import Applied, LastApply, apply_beside
from towpath.engine.apply.server_side_apply import GONE_SECONDS, apply_object
from towpath.engine.live.observe import wait_gone
from towpath.errors import SyncError, TowpathError, TransientError
from towpath.fields.canonical import without_server_fields
from towpath.kube.finalizers import termination
from towpath.kube.immutable import changed_fields, refusal_message, with_fields_of_others
from towpath.objects import Manifest, ObjectRef

_NODE_PORT = re.compile(r"spec\.(ports\[\d+\]\.nodePort|healthCheckNodePort)")
_IP_ADDRESS = ("networking.k8s.io", "IPAddress")


def may_recreate(cluster: Cluster, desired: ApplyObject, error: TowpathError) -> bool:
    """Whether a new object may take the place of the one that cannot be changed so."""
    annotations = desired.manifest["metadata"].get("annotations") or {}
    return (
        annotations.get(RECREATE_ANNOTATION) == "allowed"
        and desired.ref.kind not in PROTECTED_KINDS
        and is_immutable(cluster, desired, error)
    )


def is_immutable(cluster: Cluster, desired: ApplyObject, error: TowpathError) -> bool:
    """Whether only a new object can be as Git wants it.

    The server's validation refused the change by naming fields, yet accepts the same object as a new one: in
    dry-run creations, under a name that nothing has and under its own, where only the name is in the way: a
    policy may be about names. Neither a policy's nor anybody else's words count. Refused may also be what
    Git and other controllers want together: that is tried as a new object too.
    """
    if not isinstance(error, ApiRefusedError) or not error.invalid_fields:
        return False
    if any(_NODE_PORT.fullmatch(field) for field in error.fields):
        return False  # it can be changed, and a new Service would not get it either
    name, other = desired.initial["metadata"]["name"], f"towpath-{secrets.token_hex(6)}"
    try:
        live = cluster.get(desired.ref, version=desired.manifest["apiVersion"].rpartition("/")[2])
        if live is None or _wants_taken_address(cluster, desired.initial, live):
            return False
        cluster.create(_as_another(desired.initial, live, other), dry_run=True)
        together = with_fields_of_others(live, desired.initial, desired.taken_back)
        if together != desired.initial:
            cluster.create(_as_another(together, live, other), dry_run=True)
        cluster.create(_as_another(desired.initial, live, name), dry_run=True)
    except ApiConflictError:  # validation and admission come before the question whether it exists
        return True
    except TowpathError:
        return False
    return True


def recreate_object(cluster: Cluster, desired: ApplyObject, known: Manifest) -> Manifest:
    """Delete exactly the object that was seen, and create the new one.

    The former object is put back when the new one is refused all the same; SyncError says so.
    """
    former = cluster.get(desired.ref)
    cluster.delete(desired.ref, uid=known["metadata"]["uid"])
    reach("recreate-deleted")
    if not wait_gone(cluster, desired.ref, GONE_SECONDS):
        now = cluster.get(desired.ref, metadata_only=True) or known
        raise TransientError(f"{desired.ref}: is to be created anew; it {termination(now['metadata'])}")
    try:
        return apply_object(cluster, desired, None)
    except ApiRefusedError as refusal:
        if former is None:
            raise
        raise _put_back(cluster, former, desired, refusal) from refusal


def explain_refusal(cluster: Cluster, desired: ApplyObject, error: TowpathError) -> TowpathError:
    """A refusal because of an immutable field names it, and says what would help."""
    if not isinstance(error, ApiRefusedError) or not is_immutable(cluster, desired, error):
        return error
    named = name_fields(cluster, desired, error)
    if desired.ref.kind in PROTECTED_KINDS:  # never deleted to be created anew: data would go with it
        advice = "Take the change out of Git."
    else:
        advice = (
            f"Take the change out of Git, or annotate the object with `{RECREATE_ANNOTATION}: allowed`: it is"
            " then deleted and created anew."
        )
    named.remedy = error.remedy or advice
    return named


def name_fields(cluster: Cluster, desired: ApplyObject, error: ApiRefusedError) -> ApiRefusedError:
    """The refusal of a change to an immutable field, with the very fields that Git has changed."""
    try:
        live = cluster.get(desired.ref, version=desired.manifest["apiVersion"].rpartition("/")[2])
    except TowpathError:
        live = None
    changed = changed_fields(live, desired.manifest, error.fields, error.reason) if live else ()
    reason = refusal_message(error.reason, changed, error.fields)
    return ApiRefusedError(error.what, status=error.status, reason=reason, fields=error.fields)


def _put_back(
    cluster: Cluster, former: Manifest, desired: ApplyObject, refusal: ApiRefusedError
) -> SyncError:
    try:
        cluster.server_side_apply(_as_new(former), force=True)
    except TowpathError as error:
        end = f"and the former one could not be put back: {error.message}"
    else:
        end = "and the former one was put back"
    return SyncError(f"{desired.ref}: was deleted to be created anew; {refusal.reason}; {end}")


def _as_new(former: Manifest) -> Manifest:
    """What was live, as it can be created: without what the server or the Job controller adds."""
    manifest = copy.deepcopy(without_server_fields(former))
    spec = manifest.get("spec") or {}
    if manifest["kind"] == "Job" and not spec.get("manualSelector"):
        spec.pop("selector", None)
        labels = (spec["template"].get("metadata") or {}).get("labels") or {}
        for name in ("controller-uid", "batch.kubernetes.io/controller-uid"):
            labels.pop(name, None)
    return manifest


def _as_another(manifest: Manifest, live: Manifest, name: str) -> Manifest:
    """The manifest as a new object beside the live one: without what that one holds and no two can have."""
    renamed = copy.deepcopy(manifest)
    renamed["metadata"]["name"] = name
    spec = renamed.get("spec")
    if renamed["kind"] == "Service" and isinstance(spec, dict):
        held = live.get("spec") or {}
        if spec.get("clusterIP") != "None" and spec.get("clusterIP") in {None, "", held.get("clusterIP")}:
            spec.pop("clusterIP", None)
            spec.pop("clusterIPs", None)
        if spec.get("healthCheckNodePort") == held.get("healthCheckNodePort"):
            spec.pop("healthCheckNodePort", None)
        ports = {port.get("nodePort") for port in held.get("ports") or ()}
        for port in spec.get("ports") or ():
            if port.get("nodePort") in ports:
                port.pop("nodePort", None)
    return renamed


def _wants_taken_address(cluster: Cluster, wanted: Manifest, live: Manifest) -> bool:
    """Whether a Service wants a cluster IP that another one has: no dry run tells that."""
    if wanted["kind"] != "Service" or wanted["apiVersion"] != "v1":
        return False
    spec, held = wanted.get("spec") or {}, live.get("spec") or {}
    addresses = {spec.get("clusterIP"), *(spec.get("clusterIPs") or ())}
    for address in addresses - {None, "", "None", held.get("clusterIP"), *(held.get("clusterIPs") or ())}:
        try:
            taken = cluster.get(ObjectRef(*_IP_ADDRESS, "", str(address)), metadata_only=True)
        except TowpathError:
            continue  # a cluster without this kind, or without the right to read it
        if taken is not None:
            return True
    return False


def apply_or_recreate(
    cluster: Cluster, desired: ApplyObject, before: Manifest | None, last: LastApply
) -> tuple[Applied, str]:
    """The object after an apply, or after it was created anew, with the reason for that."""
    try:
        return apply_beside(cluster, desired, before, last), ""
    except ApiRefusedError as error:
        if before is None or not may_recreate(cluster, desired, error):
            raise
        reason = name_fields(cluster, desired, error).reason
        return Applied(recreate_object(cluster, desired, before)), f"recreated: {reason}"
