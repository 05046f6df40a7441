"""Brings a namespace, and our right to work in it, into being before anything else can be read or written."""

import time
from collections.abc import Iterable

from towpath.adapters.kubernetes import ApiRefusedError, Cluster
from towpath.applyset.apply_object import ApplyObject, prepare_objects
from towpath.applyset.inventory import ENVIRONMENT_LABEL, INVENTORY_LABEL
from towpath.config import Environment
from towpath.engine.apply.server_side_apply import apply_object
from towpath.engine.live.app_state import owner_of
from towpath.engine.live.namespace_owner import require_own
from towpath.engine.live.observe import namespace_state, require_gone
from towpath.engine.source.render import Rendered
from towpath.errors import RefusedError
from towpath.kube.apply_order import in_apply_order, stage_of
from towpath.objects import Manifest, ObjectRef, ref_of

RIGHTS_SECONDS = 15.0
"""How long the API server may take to notice a new RoleBinding."""


def prepare_namespace(
    cluster: Cluster, rendered: Rendered, environment: Environment
) -> frozenset[ObjectRef] | None:
    """Afterwards the namespace is there and we may work in it. Gives what had to be created for that.

    None: there is neither a namespace nor anything wanted in it. Waits for the end of a terminating one.
    Raises RefusedError when nothing in Git declares a missing namespace.
    """
    await_others(cluster, rendered, environment)
    state = namespace_state(cluster, rendered.namespace)
    if state == "terminating":
        require_gone(cluster, rendered.namespace, environment.timeout.total_seconds())
        state = "missing"
    if state == "missing" and not rendered.objects:
        return None
    if state == "present" and _readable(cluster, rendered):
        return frozenset()
    foundations = _foundations(rendered, environment)
    if state == "missing" and not any(each.ref.kind == "Namespace" for each in foundations):
        raise RefusedError(
            f"namespace {rendered.namespace} does not exist, and {rendered.app} does not declare it",
            remedy="Add a Namespace to the overlay of one app of this environment, or create it by hand.",
        )
    created = set()
    for each in foundations:
        # Of what is in the namespace we cannot even read whether it is there.
        known = cluster.get(each.ref, metadata_only=True) if each.ref.kind == "Namespace" else None
        apply_object(cluster, each, known)
        created |= {each.ref} if known is None else set()
    deadline = time.monotonic() + RIGHTS_SECONDS
    while not _readable(cluster, rendered, last=time.monotonic() > deadline):
        time.sleep(0.2)  # nothing to watch: the right to watch is what is missing
    return frozenset(created)


def await_others(cluster: Cluster, rendered: Rendered, environment: Environment) -> None:
    """Wait for the end of the other namespaces of its objects that are being deleted.

    RefusedError where one is missing that the app does not declare, or has inventories of other environments
    only: nothing is written then.
    """
    refs = [ref_of(each) for each in (*rendered.objects, *rendered.hooks)]
    declared = {ref.name for ref in refs if ref.kind == "Namespace"}
    for name in sorted({ref.namespace for ref in refs} - {"", rendered.namespace}):
        state = namespace_state(cluster, name)
        if state == "terminating":
            require_gone(cluster, name, environment.timeout.total_seconds())
        if state != "present" and name not in declared:
            raise RefusedError(
                f"namespace {name} does not exist, and {rendered.app}, which has objects for it, does not"
                " declare it",
                remedy=f"Add Namespace {name} to the app, or create it by hand.",
            )
        if state == "present":
            _require_nobody_elses(cluster, environment.name, name)


def _require_nobody_elses(cluster: Cluster, environment: str, name: str) -> None:
    try:
        listed = list(cluster.list("", "ConfigMap", name, labels=INVENTORY_LABEL, metadata_only=True))
    except ApiRefusedError as error:
        if error.status != 403:
            raise
        return
    labels = (each["metadata"].get("labels") or {} for each in listed)
    require_own((each.get(ENVIRONMENT_LABEL, environment) for each in labels), environment, name)


def lost_bindings(cluster: Cluster, objects: Iterable[Manifest]) -> list[ObjectRef]:
    """RoleBindings among `objects` that are not there: reading is refused without them, and a sync helps."""
    refs = [ref_of(manifest) for manifest in objects if manifest["kind"] == "RoleBinding"]
    try:
        return [ref for ref in refs if cluster.get(ref, metadata_only=True) is None]
    except ApiRefusedError:
        return []


def _foundations(rendered: Rendered, environment: Environment) -> list[ApplyObject]:
    """The Namespace, and RoleBindings that Git puts before everything else (a negative wave)."""
    chosen = [
        manifest
        for manifest in in_apply_order(rendered.objects)
        if manifest["kind"] == "Namespace" or _is_first_binding(manifest)
    ]
    return list(
        prepare_objects(
            chosen, owner_of(rendered), environment.ignore, taken_back=environment.taken_back(rendered.app)
        )
    )


def _readable(cluster: Cluster, rendered: Rendered, *, last: bool = False) -> bool:
    try:
        cluster.get(owner_of(rendered).ref, metadata_only=True)
    except ApiRefusedError as error:
        if error.status != 403 or last or not any(map(_is_first_binding, rendered.objects)):
            raise
        return False
    return True


def _is_first_binding(manifest: Manifest) -> bool:
    """In phase 0: one that a hook needs has its wave among what hooks need, and comes after its Role."""
    phase, wave, _ = stage_of(manifest)
    return manifest["kind"] == "RoleBinding" and phase == 0 and wave < 0
