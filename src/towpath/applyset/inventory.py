"""The inventory: the objects that Towpath applied for one app in one environment, in a ConfigMap beside them.

The ConfigMap is the parent of an ApplySet (KEP-3659). Its id is the label `part-of` of every object, so
`kubectl` and people see which app owns an object. How it is written: inventory_configmap.py.
"""

import base64
import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from towpath.objects import Manifest, ObjectRef

INVENTORY_LABEL = "towpath.dev/inventory"
INSTALLED_LABEL = "towpath.dev/installed-by"
"""Label of every object that `towpath install` writes: the namespace of the installation."""
INVENTORY_PREFIX = "towpath-inventory-"
"""Of the name of an inventory's ConfigMap; the app's name follows."""
HEALS_LABEL = "towpath.dev/heals"
"""Label of the ConfigMap with an app's heals (drift/heal_budget.py)."""
APP_LABEL = "towpath.dev/app"
ENVIRONMENT_LABEL = "towpath.dev/environment"
PART_OF_LABEL = "applyset.kubernetes.io/part-of"
OWNER_LABELS = (APP_LABEL, ENVIRONMENT_LABEL, PART_OF_LABEL)
"""Labels of every object that Towpath applies: no other controller's, whoever wrote them."""
APPLYSET_ID_LABEL = "applyset.kubernetes.io/id"

HookResult = Literal["running", "succeeded", "failed"]


@dataclass(frozen=True, slots=True)
class Owner:
    """One app in one environment, as the owner of objects."""

    app: str
    environment: str
    namespace: str

    @property
    def ref(self) -> ObjectRef:
        """The ConfigMap of the inventory."""
        return ObjectRef("", "ConfigMap", self.namespace, f"{INVENTORY_PREFIX}{self.app}")

    @property
    def applyset(self) -> str:
        """The ApplySet id of KEP-3659."""
        return _applyset(self.ref)

    @property
    def labels(self) -> dict[str, str]:
        """The labels of every object that Towpath applies."""
        return {APP_LABEL: self.app, ENVIRONMENT_LABEL: self.environment, PART_OF_LABEL: self.applyset}


@lru_cache(maxsize=1024)
def _applyset(parent: ObjectRef) -> str:
    """Cached, because every object of an app needs it."""
    text = f"{parent.name}.{parent.namespace}.{parent.kind}.{parent.group}"
    hashed = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")
    return f"applyset-{hashed}-v1"


@dataclass(frozen=True, slots=True)
class OwnedObject:
    """One object as it was after the last apply; `uid` is empty until the API server confirmed that apply.

    `fingerprint` is that of `managedFields` (fields/managed_fields.py), `applied_digest` the digest of what
    was sent. `finished`: it has ended well, and the cluster deletes it by itself (a Job with a time to live).
    `commit` is that of this content where it is not the inventory's: the sync that applied it failed later.
    """

    ref: ObjectRef
    uid: str = ""
    fingerprint: str = ""
    applied_digest: str = ""
    finished: bool = False
    commit: str = ""

    def is_gone_when_finished(self, live: Manifest | None) -> bool:
        """Whether it has ended well and was deleted, or is being deleted, by the cluster."""
        if not self.finished or live is None:
            return self.finished
        metadata = live["metadata"]
        return metadata["uid"] == self.uid and "deletionTimestamp" in metadata


@dataclass(frozen=True, slots=True)
class HookRun:
    """The only attempt of a hook at a commit.

    `uid` is that of its Job; empty until the Job is known to exist.
    """

    ref: ObjectRef
    commit: str
    digest: str
    result: HookResult
    uid: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class Inventory:
    """All objects of an owner.

    `commit` and `desired_digest` (of the rendering) are those of the last sync. `deletions` are objects that
    Git no longer has; they are deleted, when they still have the uid of `objects`, once the app is verified.
    """

    owner: Owner
    commit: str
    desired_digest: str
    objects: tuple[OwnedObject, ...]
    hooks: tuple[HookRun, ...] = ()
    deletions: tuple[ObjectRef, ...] = ()

    @property
    def by_ref(self) -> dict[ObjectRef, OwnedObject]:
        return {owned.ref: owned for owned in self.objects}


def app_of_inventory(name: str) -> str:
    """The app whose inventory a ConfigMap of this name is; empty: nobody's. Its labels anybody may edit."""
    return name.removeprefix(INVENTORY_PREFIX) if name.startswith(INVENTORY_PREFIX) else ""


def with_planned_objects(
    old: Inventory | None,
    owner: Owner,
    refs: Iterable[ObjectRef],
    deletions: Iterable[tuple[ObjectRef, str]] = (),
) -> Inventory:
    """The old inventory with `refs` added, still without uid, and with what will be deleted: (object, uid).

    It is written before anything is applied or deleted.
    """
    old = old or Inventory(owner, "", "", ())
    objects, uids = old.by_ref, dict(deletions)
    objects |= {ref: OwnedObject(ref) for ref in refs if ref not in objects}
    objects |= {ref: replace(objects[ref], uid=uid) for ref, uid in uids.items()}
    return replace(old, objects=sorted_objects(objects), deletions=tuple(sorted(uids)))


def inventory_after_sync(
    owner: Owner,
    commit: str,
    desired_digest: str,
    objects: Mapping[ObjectRef, OwnedObject],
    hooks: tuple[HookRun, ...] = (),
) -> Inventory:
    """The inventory of what exists after a sync."""
    return Inventory(owner, commit, desired_digest, sorted_objects(objects), hooks)


def with_apply_commits(
    objects: Mapping[ObjectRef, OwnedObject],
    before: Inventory | None,
    commit: str,
    *,
    complete: bool,
    as_in_git: Callable[[OwnedObject], bool],
) -> dict[ObjectRef, OwnedObject]:
    """The objects after a sync of `commit`, each with the commit that has the content of its last apply.

    `before` is the inventory with which the sync began. A `complete` sync becomes the inventory's commit,
    which then stands for each object that is `as_in_git`.
    """
    base = before.commit if before else ""
    known, ours = before.by_ref if before else {}, commit if complete else base

    def marked(owned: OwnedObject) -> OwnedObject:
        at = commit
        if not (complete and as_in_git(owned)):
            old = known.get(owned.ref)
            at = (old.commit or base) if old and old.applied_digest == owned.applied_digest else commit
        at = "" if at == ours else at
        return owned if owned.commit == at else replace(owned, commit=at)  # of thousands, most stay

    return {ref: marked(owned) if owned.applied_digest else owned for ref, owned in objects.items()}


def with_hook_run(old: Inventory | None, owner: Owner, run: HookRun) -> Inventory:
    """The inventory with `run` in place of the recorded run of that hook."""
    old = old or Inventory(owner, "", "", ())
    kept = [hook for hook in old.hooks if hook.ref != run.ref]
    return replace(old, hooks=tuple(sorted([*kept, run], key=lambda hook: hook.ref)))


def is_same_inventory(old: Inventory | None, new: Inventory) -> bool:
    """Whether `new` need not be written over `old`. Another commit alone is no reason to write."""
    return old is not None and replace(old, commit="") == replace(new, commit="")


def sorted_objects(objects: Mapping[ObjectRef, OwnedObject]) -> tuple[OwnedObject, ...]:
    """In the order in which an inventory has them."""
    return tuple(objects[ref] for ref in sorted(objects))
