"""The namespaces of an installation: that of its parts, and those of the environments that it deploys to."""

from collections.abc import Iterator

from towpath.adapters.kubernetes import ApiRefusedError, Cluster
from towpath.applyset.inventory import ENVIRONMENT_LABEL, INSTALLED_LABEL, INVENTORY_LABEL
from towpath.applyset.plan import PlanEntry
from towpath.engine.live.observe import namespace_ref, state_of_namespace
from towpath.errors import ConflictError, RefusedError, TransientError
from towpath.install.objects import MANAGER, Target, explained
from towpath.install.parts import Parts
from towpath.objects import Manifest

RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}
"""Nothing of ours needs more."""


def missing_namespaces(target: Target, parts: Parts) -> frozenset[str]:
    """Those that are not there.

    Raises TransientError for one that is being deleted, RefusedError for one of somebody else.
    """
    return frozenset(_missing(target, parts))


def plan_namespaces(target: Target, parts: Parts, absent: frozenset[str]) -> list[PlanEntry]:
    """What is made. A namespace that is there stays as it is.

    Raises RefusedError where the account may not make a missing one.
    """
    for name in sorted(absent):
        _create(target, name, dry_run=True)
    names = [target.namespace, *(name for name in parts.places if name != target.namespace)]
    return [PlanEntry(namespace_ref(name), "create" if name in absent else "unchanged") for name in names]


def make_namespaces(target: Target, absent: frozenset[str]) -> None:
    """Make what is missing."""
    for name in sorted(absent):
        _create(target, name)


def _missing(target: Target, parts: Parts) -> Iterator[str]:
    for name in sorted({target.namespace, *parts.places}):
        live = target.cluster.get(namespace_ref(name))
        state = state_of_namespace(live)
        if state == "terminating":
            raise TransientError(
                f"namespace {name} is being deleted", remedy="Run it again once it is gone, or name another."
            )
        if state == "missing":
            yield name
        else:
            _require_ours(target, name, parts)


def _require_ours(target: Target, name: str, parts: Parts) -> None:
    """Apps of an environment whose agent is none of this installation's are in it: refused."""
    agents = parts.places.get(name, ())
    others = sorted(_environments(target.cluster, name) - set(agents))
    if name == target.namespace and not agents:
        others = [each for each in others if each not in parts.environments]
    if others:
        whose = f"of {' and '.join(agents)}" if agents else "of this installation"
        raise RefusedError(
            f"namespace {name} has apps of the environment {others[0]}, and would be {whose}",
            remedy="Name another namespace in the values, or another cluster; nothing was written.",
        )


def _environments(cluster: Cluster, namespace: str) -> set[str]:
    """Of the inventories in the namespace."""
    try:
        listed = cluster.list("", "ConfigMap", namespace, labels=INVENTORY_LABEL, metadata_only=True)
        found = {(each["metadata"].get("labels") or {}).get(ENVIRONMENT_LABEL, "") for each in listed}
    except ApiRefusedError as error:
        if error.status != 403:
            raise
        return set()
    return found - {""}


def _create(target: Target, name: str, *, dry_run: bool = False) -> None:
    labels = {INSTALLED_LABEL: target.namespace, **(RESTRICTED if name == target.namespace else {})}
    manifest: Manifest = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": name, "labels": labels},
    }
    try:
        target.cluster.create(manifest, dry_run=dry_run, field_manager=MANAGER)
    except ConflictError:
        return  # somebody was faster
    except ApiRefusedError as error:
        raise explained(error, f"To make namespace {name}") from error
