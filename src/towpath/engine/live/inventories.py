"""All inventories of an environment at once: those that can be read, and why others cannot."""

from towpath.adapters.kubernetes import Cluster
from towpath.applyset.inventory import INVENTORY_LABEL, Inventory, app_of_inventory
from towpath.applyset.inventory_configmap import from_configmap
from towpath.engine.live.namespace_owner import require_own
from towpath.errors import RefusedError


def read_inventories_with_versions(
    cluster: Cluster, environment: str, namespace: str
) -> tuple[dict[str, tuple[Inventory, str]], dict[str, str]]:
    """All inventories of an environment by app, each with its resourceVersion, in one request; and why others
    cannot be read.

    Whoever may write one ConfigMap can make it unreadable: that says nothing about any other app.
    Raises RefusedError where there are only those of other environments.
    """
    read, unreadable = [], {}
    for each in cluster.list("", "ConfigMap", namespace, labels=INVENTORY_LABEL):
        try:
            read.append((from_configmap(each), each["metadata"]["resourceVersion"]))
        except RefusedError as error:
            unreadable[app_of_inventory(each["metadata"]["name"])] = str(error)
    require_own((each.owner.environment for each, _ in read), environment, namespace)
    own = {each.owner.app: (each, version) for each, version in read if each.owner.environment == environment}
    unreadable.pop("", None)  # that of no app
    return own, unreadable


def read_inventories(
    cluster: Cluster, environment: str, namespace: str
) -> tuple[dict[str, Inventory], dict[str, str]]:
    """All inventories of an environment by app, in one request, and why others cannot be read."""
    read, unreadable = read_inventories_with_versions(cluster, environment, namespace)
    return {app: inventory for app, (inventory, _) in read.items()}, unreadable
