"""What Towpath applied for one app in one environment, kept in a ConfigMap beside it.

The ConfigMap is the parent of an ApplySet (KEP-3659): its id is the `part-of` label of every object, so that
`kubectl` and people see who owns what.

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
from towpath.errors import RefusedError
from towpath.kube.canonical import canonical
from towpath.objects import Manifest, ObjectRef

FORMAT = 2
READ = (1, 2)
PLAIN_LIMIT = 200_000
LARGEST = 1_000_000
"""Bytes: the API server takes 1 MiB in a ConfigMap."""
INVENTORY = "towpath.dev/inventory"
HEALS = "towpath.dev/heals"
"""Label of the ConfigMap with an app's heals (drift/heal_budget.py)."""
APP = "towpath.dev/app"
ENVIRONMENT = "towpath.dev/environment"
PART_OF = "applyset.kubernetes.io/part-of"
APPLYSET_ID = "applyset.kubernetes.io/id"
TOOLING = "applyset.kubernetes.io/tooling"
GROUP_KINDS = "applyset.kubernetes.io/contains-group-kinds"
ADDITIONAL = "applyset.kubernetes.io/additional-namespaces"


@dataclass(frozen=True, slots=True)
class Owner:
    """One app in one environment: whom an object belongs to."""

    app: str
    environment: str
    namespace: str

    @property
    def ref(self) -> ObjectRef:
        """The inventory's ConfigMap."""
        return ObjectRef("", "ConfigMap", self.namespace, f"towpath-inventory-{self.app}")

    @property
    def applyset(self) -> str:
        """The ApplySet id, by the specification's rule."""
        return _applyset(self.ref)

    @property
    def labels(self) -> dict[str, str]:
        """On every object of ours."""
        return {APP: self.app, ENVIRONMENT: self.environment, PART_OF: self.applyset}


@lru_cache(maxsize=1024)
def _applyset(parent: ObjectRef) -> str:
    """Asked for each object of an app: made once."""
    text = f"{parent.name}.{parent.namespace}.{parent.kind}.{parent.group}"
    hashed = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")
    return f"applyset-{hashed}-v1"


@dataclass(frozen=True, slots=True)
class Owned:
    """One object as it was after our last apply; `uid` is empty while that has not been confirmed.

    `fingerprint` is that of `managedFields` (kube/managed_fields.py), `applied` the digest of what was sent.
    """

    ref: ObjectRef
    uid: str = ""
    fingerprint: str = ""
    applied: str = ""


@dataclass(frozen=True, slots=True)
class HookRun:
    """The one attempt of a hook at a commit; `uid` is that of its Job, empty while it may not exist yet."""

    ref: ObjectRef
    commit: str
    digest: str
    result: Literal["running", "succeeded", "failed"]
    uid: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class Inventory:
    """All objects of an owner; `commit` and `desired` (digest of the render) tell when it was written."""

    owner: Owner
    commit: str
    desired: str
    objects: tuple[Owned, ...]
    hooks: tuple[HookRun, ...] = ()

    @property
    def by_ref(self) -> dict[ObjectRef, Owned]:
        return {owned.ref: owned for owned in self.objects}


def ahead(old: Inventory | None, owner: Owner, refs: Iterable[ObjectRef]) -> Inventory:
    """What may exist from now on: all of the old one, and `refs` without a uid yet."""
    old = old or Inventory(owner, "", "", ())
    new = {ref: Owned(ref) for ref in refs if ref not in old.by_ref}
    return replace(old, objects=_sorted({**old.by_ref, **new}))


def after(
    owner: Owner,
    commit: str,
    desired: str,
    objects: Mapping[ObjectRef, Owned],
    hooks: tuple[HookRun, ...] = (),
) -> Inventory:
    """What does exist now."""
    return Inventory(owner, commit, desired, _sorted(objects), hooks)


def remembering(old: Inventory | None, owner: Owner, run: HookRun) -> Inventory:
    """The inventory with `run` in place of what was known of that hook."""
    old = old or Inventory(owner, "", "", ())
    kept = [each for each in old.hooks if each.ref != run.ref]
    return replace(old, hooks=tuple(sorted([*kept, run], key=lambda each: each.ref)))


def same(one: Inventory | None, other: Inventory) -> bool:
    """Whether writing `other` over `one` would be for nothing; the commit alone is no reason to write."""
    return one is not None and replace(one, commit="") == replace(other, commit="")


def to_configmap(inventory: Inventory, resource_version: str = "") -> Manifest:
    """The ConfigMap; `resource_version` is that of the one which it replaces.

    Raises RefusedError when it is larger than an API server takes.
    """
    owner = inventory.owner
    kinds = sorted({f"{o.ref.kind}.{o.ref.group}".rstrip(".") for o in inventory.objects})
    metadata: dict[str, Any] = {
        "name": owner.ref.name,
        "namespace": owner.namespace,
        "labels": {
            APPLYSET_ID: owner.applyset,
            INVENTORY: owner.app,
            APP: owner.app,
            ENVIRONMENT: owner.environment,
        },
        "annotations": {TOOLING: f"towpath/v{__version__}", GROUP_KINDS: ",".join(kinds), ADDITIONAL: ""},
    }
    if resource_version:
        metadata["resourceVersion"] = resource_version
    body: Manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}
    text = canonical(_content(inventory, inventory.objects))
    if len(text) <= PLAIN_LIMIT:
        return {**body, "data": {"inventory": text}}
    bare = tuple(Owned(each.ref) if _packs(each) else each for each in inventory.objects)
    packed = gzip.compress(canonical(_content(inventory, bare)).encode(), mtime=0)
    digests = b"".join(_pack(each) for each in inventory.objects)
    if len(packed) + len(digests) > LARGEST:
        raise RefusedError(
            f"the inventory of {owner.app} in {owner.environment} ({len(inventory.objects)} objects)"
            f" is larger than a ConfigMap may be ({LARGEST:,} bytes)",
            remedy="Nothing was changed. Make two apps of it.",
        )
    data = {"inventory": packed, "digests": digests}
    return {**body, "binaryData": {key: base64.b64encode(value).decode() for key, value in data.items()}}


def _content(inventory: Inventory, objects: tuple[Owned, ...]) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "app": inventory.owner.app,
        "environment": inventory.owner.environment,
        "commit": inventory.commit,
        "desired": inventory.desired,
        "objects": [[*_key(o.ref), o.uid, o.fingerprint, o.applied] for o in objects],
        "hooks": [
            [*_key(h.ref), h.commit, h.digest, h.result, h.uid, h.message[:1000]] for h in inventory.hooks
        ],
    }


def from_configmap(manifest: Manifest) -> Inventory:
    """Raises RefusedError when it cannot be read: an unreadable inventory is not an empty one."""
    metadata = manifest["metadata"]
    try:
        content = _read(manifest)
        owner = Owner(content["app"], content["environment"], metadata["namespace"])
        objects = {}
        for group, kind, namespace, name, uid, fingerprint, applied in content["objects"]:
            ref = ObjectRef(group, kind, namespace, name)
            objects[ref] = Owned(ref, uid, fingerprint, applied)
        if digests := (manifest.get("binaryData") or {}).get("digests"):
            objects = _unpack(objects, base64.b64decode(digests, validate=True))
        hooks = tuple(HookRun(ObjectRef(*hook[:4]), *hook[4:]) for hook in content.get("hooks") or ())
        return Inventory(owner, content["commit"], content["desired"], _sorted(objects), hooks)
    except (KeyError, TypeError, ValueError, OSError, EOFError, binascii.Error) as error:
        raise RefusedError(
            f"inventory ConfigMap {metadata.get('namespace')}/{metadata.get('name')} cannot be read: {error}",
            remedy="Restore it, or delete it: the next sync then writes a new one and deletes nothing.",
        ) from error


def _read(manifest: Manifest) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(_text(manifest))
    if content["format"] not in READ:
        raise ValueError(f"its format is {content['format']}, known are {READ}")
    return content


def _text(manifest: Manifest) -> str:
    packed = (manifest.get("binaryData") or {}).get("inventory")
    if packed is not None:
        return gzip.decompress(base64.b64decode(packed, validate=True)).decode()
    text: str = manifest["data"]["inventory"]
    return text


def _sorted(objects: Mapping[ObjectRef, Owned]) -> tuple[Owned, ...]:
    return tuple(objects[ref] for ref in sorted(objects))


def _key(ref: ObjectRef) -> tuple[str, str, str, str]:
    return ref.group, ref.kind, ref.namespace, ref.name


def _packs(owned: Owned) -> bool:
    """Whether the object's three values have the usual form, that 16 bytes each can hold."""
    return any(_pack(owned))


def _pack(owned: Owned) -> bytes:
    """48 bytes; all zero when they could not tell the same, and then the values stay in the JSON."""
    values = (owned.uid.replace("-", ""), owned.fingerprint, owned.applied)
    try:
        packed = b"".join(bytes.fromhex(value or "0" * 32) for value in values)
        if len(packed) == 48 and _unpack({owned.ref: Owned(owned.ref)}, packed)[owned.ref] == owned:
            return packed
    except ValueError:
        pass
    return bytes(48)


def _unpack(objects: Mapping[ObjectRef, Owned], digests: bytes) -> dict[ObjectRef, Owned]:
    if len(digests) != 48 * len(objects):
        raise ValueError(f"it has {len(digests)} bytes of digests for {len(objects)} objects")
    found = {}
    for index, (ref, owned) in enumerate(objects.items()):
        uid, fingerprint, applied = (digests[at : at + 16] for at in range(index * 48, index * 48 + 48, 16))
        found[ref] = Owned(
            ref,
            _uuid(uid.hex()) if any(uid) else owned.uid,
            fingerprint.hex() if any(fingerprint) else owned.fingerprint,
            applied.hex() if any(applied) else owned.applied,
        )
    return found


def _uuid(hexadecimal: str) -> str:
    # By hand: `uuid.UUID` takes longer than all the rest of reading an inventory.
    parts = (hexadecimal[at:to] for at, to in ((0, 8), (8, 12), (12, 16), (16, 20), (20, 32)))
    return "-".join(parts)
