"""Whose a namespace is: two environments in one would take each other's objects for their own.

Which cluster an environment is in, only its machine knows, so that Git cannot tell. Inventories can: each
names its environment.
"""

from collections.abc import Iterable

from towpath.adapters.kubernetes import Cluster
from towpath.applyset.inventory import ENVIRONMENT_LABEL, INVENTORY_LABEL, Inventory, Owner
from towpath.errors import RefusedError


def require_own_inventory(inventory: Inventory, owner: Owner) -> None:
    """Raises RefusedError when an app's inventory is another environment's."""
    if inventory.owner.environment != owner.environment:
        raise _refusal(
            f"the inventory of {owner.app} in namespace {owner.namespace} of this cluster",
            owner.environment,
            owner.namespace,
            inventory.owner.environment,
        )


def require_own(environments: Iterable[str], environment: str, namespace: str) -> None:
    """Raises RefusedError where all inventories of a namespace, by their environments, are others'.

    As soon as one is the environment's own, an odd inventory holds up its own app, and no other.
    """
    others = sorted(set(environments))
    if others and environment not in others:
        raise _refusal(f"namespace {namespace} of this cluster", environment, namespace, others[0])


def require_own_namespace(cluster: Cluster, owner: Owner) -> None:
    """As require_own, for an app that has no inventory there yet: asks for those of all apps."""
    listed = cluster.list("", "ConfigMap", owner.namespace, labels=INVENTORY_LABEL, metadata_only=True)
    named = (each["metadata"]["labels"].get(ENVIRONMENT_LABEL, owner.environment) for each in listed)
    require_own(named, owner.environment, owner.namespace)


def _refusal(what: str, environment: str, namespace: str, other: str) -> RefusedError:
    return RefusedError(
        f"{what} is that of environment {other}; nothing is written for {environment}",
        remedy=f"Give {environment} a namespace or a cluster of its own (KUBECONFIG and TOWPATH_CONTEXT)."
        f" If {other} has become {environment}: `kubectl -n {namespace} label configmap --overwrite"
        f" -l {INVENTORY_LABEL},{ENVIRONMENT_LABEL}={other} {ENVIRONMENT_LABEL}={environment}`.",
    )
