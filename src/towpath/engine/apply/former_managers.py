"""Refuses, before anything is written, to change what another deployment tool owns, unless Git says so."""

from collections.abc import Iterable

from towpath.adapters.kubernetes import ApiConflictError, Cluster
from towpath.applyset.apply_object import TAKE_OVER_ANNOTATION, ApplyObject
from towpath.engine.apply.foreign_fields import LastApply, apply_beside
from towpath.engine.apply.sync_result import failed
from towpath.engine.live.app_state import AppState
from towpath.engine.live.concurrent import concurrently
from towpath.engine.source.render import Rendered
from towpath.errors import TowpathError
from towpath.fields.field_set import leaves, pointer_of
from towpath.fields.managed_fields import Metadata, is_deployment_tool, manager_entries
from towpath.objects import ObjectRef, ref_of


def check_former_managers(cluster: Cluster, rendered: Rendered, state: AppState, last: LastApply) -> None:
    """Raise the error of a sync that would change fields of Helm, Argo CD, Flux or another such tool.

    Only what such a tool owns and Git names is asked about, by dry runs. Writes nothing.
    """
    wanted = [state.desired[ref_of(manifest)] for manifest in state.unsettled]
    found = concurrently(lambda each: _refusal(cluster, each, state, last), wanted)
    failures = [(ref, error) for ref, error in filter(None, found)]
    if failures:
        raise failed(rendered, failures)


def deployment_tools(desired: ApplyObject, metadata: Metadata) -> tuple[str, ...]:
    """The deployment tools that own fields which Git names, and from which Towpath does not take over."""
    return tuple(
        sorted(
            {
                entry["manager"]
                for entry in manager_entries(metadata)
                if is_deployment_tool(entry["manager"])
                and not desired.taken_back.is_former(entry["manager"])
                and any(
                    pointer_of(path, desired.manifest) is not None
                    for path in leaves(entry.get("fieldsV1") or {})
                )
            }
        )
    )


def take_over_remedy(managers: Iterable[str], app: str) -> str:
    """How to declare a take-over in Git."""
    names = ", ".join(dict.fromkeys(managers))
    return (
        f"To take them over, stop the other tool, and declare it in towpath.yaml, in the environment:\n"
        f"`apps: {{{app}: {{takeOver: [{names}]}}}}`\n"
        f"or annotate the object in Git: `{TAKE_OVER_ANNOTATION}: {names}`"
    )


def _refusal(
    cluster: Cluster, desired: ApplyObject, state: AppState, last: LastApply
) -> tuple[ObjectRef, TowpathError] | None:
    live = state.metadata(desired.ref)
    if live is None or not deployment_tools(desired, live["metadata"]):
        return None
    try:
        apply_beside(cluster, desired, live, last, dry_run=True)
    except ApiConflictError as error:
        managers = [owner.manager for owner in error.owners if is_deployment_tool(owner.manager)]
        if not managers:
            return None
        error.remedy = take_over_remedy(managers, state.owner.app)
        return desired.ref, error
    except TowpathError:
        pass  # the apply itself tells
    return None
