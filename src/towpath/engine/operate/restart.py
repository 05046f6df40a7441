"""Restarts the pods of workloads as `kubectl rollout restart` does: by one annotation of their pod templates.

The annotation is no drift (fields/managed_fields.py), unless Git has it too.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from towpath.adapters.kubernetes import Cluster
from towpath.engine.operate.app_objects import AppObjects
from towpath.errors import RefusedError, UnknownNameError
from towpath.fields.managed_fields import RESTARTED_ANNOTATION, own_entry
from towpath.health.verdict import mapping_at
from towpath.objects import Manifest, ObjectRef, ref_of

MANAGER = "towpath-restart"
"""Field manager of the annotation: it is a person's doing, and no sync takes it back."""
RESTARTABLE = ("Deployment", "StatefulSet", "DaemonSet")
SHORT = {"deploy": "Deployment", "sts": "StatefulSet", "ds": "DaemonSet"}
_GROUP = "apps"


@dataclass(frozen=True, slots=True)
class Workload:
    """A workload's kind and name, as a person writes them: `deployment/web`."""

    kind: str
    name: str

    @classmethod
    def parse(cls, text: str) -> "Workload":
        """Raises ValueError for what is not KIND/NAME, or a kind whose pods cannot be restarted so."""
        kind, slash, name = text.partition("/")
        known = {each.lower(): each for each in RESTARTABLE}
        known |= {f"{each.lower()}s": each for each in RESTARTABLE} | SHORT
        known |= {f"{short}.{_GROUP}": each for short, each in [*known.items()]}
        if not slash or not name:
            raise ValueError("must be KIND/NAME, as in deployment/web")
        if kind.lower() not in known:
            raise ValueError(f"{kind} cannot be restarted; a {', a '.join(RESTARTABLE)} can")
        return cls(known[kind.lower()], name)


def choose_workloads(found: AppObjects, named: Sequence[Workload]) -> list[Manifest]:
    """The live workloads of the app that are named, or all of them. Reads nothing.

    Raises UnknownNameError for one that is not the app's, RefusedError for one that cannot be restarted now.
    """
    wanted = sorted(found.wanted) if found.rendered else found.refs
    refs = [ref for ref in wanted if ref.group == _GROUP and ref.kind in RESTARTABLE]
    live = [found.live[ref] for ref in refs if ref in found.live]
    where = f"app {found.owner.app} in {found.owner.environment}"
    if named:
        known = {(ref_of(each).kind, ref_of(each).name): each for each in live}
        for each in named:
            if (each.kind, each.name) not in known:
                raise UnknownNameError(
                    "object", f"{each.kind}/{each.name}", [f"{kind}/{name}" for kind, name in known],
                    where=f"what is live of {where}",
                )  # fmt: skip
        live = [known[each.kind, each.name] for each in dict.fromkeys(named)]
    if not live:
        raise RefusedError(f"{where} has nothing live that can be restarted")
    for workload in live:
        _require_restartable(workload)
    return live


def restart_workload(cluster: Cluster, live: Manifest, at: str) -> ObjectRef:
    """Set the annotation to the time `at`: its controller replaces the pods as after any change.

    Raises ApiConflictError when the object was deleted or replaced meanwhile, RefusedError when it was
    restarted at that very time: the same annotation would change nothing.
    """
    metadata, template = live["metadata"], mapping_at(live, "spec", "template", "metadata", "annotations")
    if template.get(RESTARTED_ANNOTATION) == at:
        raise RefusedError(f"{ref_of(live)} was restarted within this second", remedy="Wait a moment.")
    change: Manifest = {
        "apiVersion": live["apiVersion"],
        "kind": live["kind"],
        "metadata": {key: metadata[key] for key in ("name", "namespace", "uid")},
        "spec": {"template": {"metadata": {"annotations": {RESTARTED_ANNOTATION: at}}}},
    }
    # Whoever restarted it before, by whatever tool, does not own that.
    cluster.server_side_apply(change, force=True, field_manager=MANAGER)
    return ref_of(live)


def _require_restartable(live: Manifest) -> None:
    ref = ref_of(live)
    if mapping_at(live, "spec").get("paused") is True:
        raise RefusedError(
            f"{ref} is paused (`spec.paused`): its pods would not be replaced",
            remedy="Resume it in Git first.",
        )
    path = ("f:spec", "f:template", "f:metadata", "f:annotations", f"f:{RESTARTED_ANNOTATION}")
    ours = (own_entry(live["metadata"]) or {}).get("fieldsV1") or {}
    for step in path:
        ours = ours.get(step) if isinstance(ours, dict) else None
    if ours is not None:
        raise RefusedError(
            f"Git has the annotation {RESTARTED_ANNOTATION} of {ref}: a restart by hand would be drift",
            remedy="Change it in Git, or remove it there.",
        )
