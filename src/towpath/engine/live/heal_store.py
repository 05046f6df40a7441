"""The heal budget on the cluster: reads and writes the history that `towpath.drift.heal_budget` judges."""

from collections.abc import Collection, Sequence
from datetime import datetime

from towpath.adapters.kubernetes import ApiConflictError, ApiRefusedError, Cluster
from towpath.applyset.inventory import ENVIRONMENT_LABEL, HEALS_LABEL, Owner
from towpath.drift.heal_budget import (
    HealBudget,
    Heals,
    decide_heals,
    from_configmap,
    heals_ref,
    record_heals,
    to_configmap,
)
from towpath.drift.model import DriftEntry
from towpath.errors import TransientError
from towpath.objects import ref_of

TRIES = 5
FORBIDDEN = 403


def read_heals(cluster: Cluster, owner: Owner) -> tuple[Heals, str]:
    """The history of an app and its resourceVersion; ({}, "") when nothing was healed yet."""
    found = cluster.get(heals_ref(owner))
    return (from_configmap(found), found["metadata"]["resourceVersion"]) if found else ({}, "")


def budget_of(cluster: Cluster, owner: Owner, drifted: Sequence[DriftEntry]) -> HealBudget:
    """What of an app's drift may be healed now. Asks the cluster only when there is any; writes nothing.

    Where rights are lost, as with a deleted namespace, it cannot be asked: a heal that cannot be remembered
    then fails, but one that brings the rights back comes first.
    """
    if not drifted:
        return HealBudget(())
    try:
        heals, _ = read_heals(cluster, owner)
    except ApiRefusedError as error:
        if error.status != FORBIDDEN:
            raise
        heals = {}
    return decide_heals(heals, drifted)


def remember_heals(cluster: Cluster, owner: Owner, healed: Sequence[DriftEntry], now: datetime) -> None:
    """Write down that these entries were healed; nothing is written for none."""
    if not healed:
        return
    for _ in range(TRIES):
        heals, version = read_heals(cluster, owner)
        manifest = to_configmap(owner, record_heals(heals, healed, now), version)
        try:
            if version:
                cluster.replace(manifest)
            else:
                cluster.create(manifest)
        except ApiConflictError:
            continue
        return
    raise TransientError(f"{heals_ref(owner)} changes faster than it can be written")


def forget_heals(
    cluster: Cluster, environment: str, namespace: str, apps: Collection[str] | None = None
) -> tuple[str, ...]:
    """Begin the budgets of these apps anew (None: all in the environment); the apps that had any heals."""
    found_of = []
    for found in cluster.list("", "ConfigMap", namespace, labels=HEALS_LABEL):
        metadata = found["metadata"]
        name = metadata["labels"][HEALS_LABEL]
        if metadata["labels"].get(ENVIRONMENT_LABEL) == environment and (apps is None or name in apps):
            cluster.delete(ref_of(found), uid=metadata["uid"])
            found_of.append(name)
    return tuple(sorted(found_of))
