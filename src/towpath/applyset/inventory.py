"""The inventory: the objects that Towpath applied for one app in one environment, in a ConfigMap beside them.

The ConfigMap is the parent of an ApplySet (KEP-3659). Its id is the label `part-of` of every object, so
`kubectl` and people see which app owns an object.

format 2    `data.inventory` is JSON. When that is large: `binaryData.inventory` is gzip of JSON without what
            does not shrink, and `binaryData.digests` has 48 bytes an object: uid, fingerprint, applied. Its
            size is the same before and after the objects have them, so what could be written ahead can be
            written after, and 10,000 objects fit into one ConfigMap.
format 1    is still read: no hooks, and `binaryData.inventory` is gzip of everything
"""

import base64
import binascii
import gzip
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Literal

from towpath import __version__
from towpath.applyset.packed_digests import SIZE, pack_digests, unpack_digests
from towpath.errors import RefusedError
from towpath.kube.canonical import canonical_json
from towpath.objects import Manifest, ObjectRef

FORMAT = 2
READABLE_FORMATS = (1, 2)
PLAIN_LIMIT = 200_000
MAX_BYTES = 1_000_000
"""Bytes of a ConfigMap's data; the API server's limit is 1 MiB."""
INVENTORY_LABEL = "towpath.dev/inventory"
HEALS_LABEL = "towpath.dev/heals"
"""Label of the ConfigMap with an app's heals (drift/heal_budget.py)."""
APP_LABEL = "towpath.dev/app"
ENVIRONMENT_LABEL = "towpath.dev/environment"
PART_OF_LABEL = "applyset.kubernetes.io/part-of"
APPLYSET_ID_LABEL = "applyset.kubernetes.io/id"
TOOLING_ANNOTATION = "applyset.kubernetes.io/tooling"
GROUP_KINDS_ANNOTATION = "applyset.kubernetes.io/contains-group-kinds"
ADDITIONAL_NAMESPACES_ANNOTATION = "applyset.kubernetes.io/additional-namespaces"


@dataclass(frozen=True, slots=True)
class Owner:
    """One app in one environment, as the owner of objects."""

    app: str
    environment: str
    namespace: str

    @property
    def ref(self) -> ObjectRef:
        """The ConfigMap of the inventory."""
        return ObjectRef("", "ConfigMap", self.namespace, f"towpath-inventory-{self.app}")

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

    `fingerprint` is that of `managedFields` (kube/managed_fields.py), `applied_digest` the digest of what was
    sent. `finished`: it has ended well, and the cluster deletes it by itself (a Job with a time to live).
    """

    ref: ObjectRef
    uid: str = ""
    fingerprint: str = ""
    applied_digest: str = ""
    finished: bool = False

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
    result: Literal["running", "succeeded", "failed"]
    uid: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class Inventory:
    """All objects of an owner.

    `commit` and `desired` (digest of the rendering) are those of the last sync. `deletions` are objects that
    Git no longer has; they are deleted, when they still have the uid of `objects`, once the app is verified.
    """

    owner: Owner
    commit: str
    desired: str
    objects: tuple[OwnedObject, ...]
    hooks: tuple[HookRun, ...] = ()
    deletions: tuple[ObjectRef, ...] = ()

    @property
    def by_ref(self) -> dict[ObjectRef, OwnedObject]:
        return {owned.ref: owned for owned in self.objects}


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
    return replace(old, objects=_sorted(objects), deletions=tuple(sorted(uids)))


def inventory_after_sync(
    owner: Owner,
    commit: str,
    desired: str,
    objects: Mapping[ObjectRef, OwnedObject],
    hooks: tuple[HookRun, ...] = (),
) -> Inventory:
    """The inventory of what exists after a sync."""
    return Inventory(owner, commit, desired, _sorted(objects), hooks)


def with_hook_run(old: Inventory | None, owner: Owner, run: HookRun) -> Inventory:
    """The inventory with `run` in place of the recorded run of that hook."""
    old = old or Inventory(owner, "", "", ())
    kept = [hook for hook in old.hooks if hook.ref != run.ref]
    return replace(old, hooks=tuple(sorted([*kept, run], key=lambda hook: hook.ref)))


def is_same_inventory(old: Inventory | None, new: Inventory) -> bool:
    """Whether `new` need not be written over `old`. Another commit alone is no reason to write."""
    return old is not None and replace(old, commit="") == replace(new, commit="")


def to_configmap(inventory: Inventory, resource_version: str = "") -> Manifest:
    """The ConfigMap; `resource_version` is that of the ConfigMap that it replaces.

    Raises RefusedError when it is larger than the API server allows.
    """
    owner = inventory.owner
    kinds = sorted({f"{o.ref.kind}.{o.ref.group}".rstrip(".") for o in inventory.objects})
    metadata: dict[str, Any] = {
        "name": owner.ref.name,
        "namespace": owner.namespace,
        "labels": {
            APPLYSET_ID_LABEL: owner.applyset,
            INVENTORY_LABEL: owner.app,
            APP_LABEL: owner.app,
            ENVIRONMENT_LABEL: owner.environment,
        },
        "annotations": {
            TOOLING_ANNOTATION: f"towpath/v{__version__}",
            GROUP_KINDS_ANNOTATION: ",".join(kinds),
            ADDITIONAL_NAMESPACES_ANNOTATION: "",
        },
    }
    if resource_version:
        metadata["resourceVersion"] = resource_version
    body: Manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}
    text = canonical_json(_content(inventory, inventory.objects))
    if len(text) <= PLAIN_LIMIT:
        return {**body, "data": {"inventory": text.decode()}}
    bare = tuple(_without_digests(owned) for owned in inventory.objects)
    packed = gzip.compress(canonical_json(_content(inventory, bare)), mtime=0)
    digests = b"".join(_pack(owned) for owned in inventory.objects)
    if len(packed) + len(digests) > MAX_BYTES:
        raise RefusedError(
            f"the inventory of {owner.app} in {owner.environment} ({len(inventory.objects)} objects)"
            f" is larger than a ConfigMap may be ({MAX_BYTES:,} bytes)",
            remedy="Nothing was changed. Make two apps of it.",
        )
    data = {"inventory": packed, "digests": digests}
    return {**body, "binaryData": {key: base64.b64encode(value).decode() for key, value in data.items()}}


def _content(inventory: Inventory, objects: tuple[OwnedObject, ...]) -> dict[str, Any]:
    finished = [[*_key(owned.ref)] for owned in inventory.objects if owned.finished]
    return {
        "format": FORMAT,
        "app": inventory.owner.app,
        "environment": inventory.owner.environment,
        "commit": inventory.commit,
        "desired": inventory.desired,
        "objects": [[*_key(o.ref), o.uid, o.fingerprint, o.applied_digest] for o in objects],
        "hooks": [
            [*_key(h.ref), h.commit, h.digest, h.result, h.uid, h.message[:1000]] for h in inventory.hooks
        ],
        "deletions": [[*_key(ref)] for ref in inventory.deletions],
        **({"finished": finished} if finished else {}),
    }


def from_configmap(manifest: Manifest) -> Inventory:
    """The inventory in a ConfigMap.

    Raises RefusedError when it cannot be read: that is not an empty inventory.
    """
    metadata = manifest["metadata"]
    try:
        content = _read(manifest)
        owner = Owner(content["app"], content["environment"], metadata["namespace"])
        objects = {}
        for group, kind, namespace, name, uid, fingerprint, applied in content["objects"]:
            ref = ObjectRef(group, kind, namespace, name)
            objects[ref] = OwnedObject(ref, uid, fingerprint, applied)
        if digests := (manifest.get("binaryData") or {}).get("digests"):
            objects = _unpack(objects, base64.b64decode(digests, validate=True))
        for ref in (ObjectRef(*key) for key in content.get("finished") or ()):
            objects[ref] = replace(objects[ref], finished=True)
        hooks = tuple(HookRun(ObjectRef(*hook[:4]), *hook[4:]) for hook in content.get("hooks") or ())
        deletions = tuple(sorted(ObjectRef(*key) for key in content.get("deletions") or ()))
        return Inventory(owner, content["commit"], content["desired"], _sorted(objects), hooks, deletions)
    except (KeyError, TypeError, ValueError, OSError, EOFError, binascii.Error) as error:
        raise RefusedError(
            f"inventory ConfigMap {metadata.get('namespace')}/{metadata.get('name')} cannot be read: {error}",
            remedy="Restore it, or delete it: the next sync then writes a new one and deletes nothing.",
        ) from error


def _read(manifest: Manifest) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(_text(manifest))
    if content["format"] not in READABLE_FORMATS:
        raise ValueError(f"its format is {content['format']}, known are {READABLE_FORMATS}")
    return content


def _text(manifest: Manifest) -> str:
    packed = (manifest.get("binaryData") or {}).get("inventory")
    if packed is not None:
        return gzip.decompress(base64.b64decode(packed, validate=True)).decode()
    text: str = manifest["data"]["inventory"]
    return text


def _sorted(objects: Mapping[ObjectRef, OwnedObject]) -> tuple[OwnedObject, ...]:
    return tuple(objects[ref] for ref in sorted(objects))


def _key(ref: ObjectRef) -> tuple[str, str, str, str]:
    return ref.group, ref.kind, ref.namespace, ref.name


def _without_digests(owned: OwnedObject) -> OwnedObject:
    return OwnedObject(owned.ref, finished=owned.finished) if any(_pack(owned)) else owned


def _pack(owned: OwnedObject) -> bytes:
    return pack_digests(owned.uid, owned.fingerprint, owned.applied_digest)


def _unpack(objects: Mapping[ObjectRef, OwnedObject], digests: bytes) -> dict[ObjectRef, OwnedObject]:
    if len(digests) != SIZE * len(objects):
        raise ValueError(f"it has {len(digests)} bytes of digests for {len(objects)} objects")
    values = zip(objects.values(), unpack_digests(digests), strict=True)
    return {
        o.ref: OwnedObject(o.ref, uid or o.uid, mark or o.fingerprint, sent or o.applied_digest, o.finished)
        for o, (uid, mark, sent) in values
    }
