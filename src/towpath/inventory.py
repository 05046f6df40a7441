"""What Towpath applied for one app in one environment, kept in a ConfigMap beside it.

The ConfigMap is the parent of an ApplySet (KEP-3659): its id is the `part-of` label of every object, so that
`kubectl` and people see who owns what. Format 1: `data.inventory` is JSON; when that is large, it is in
`binaryData.inventory` as gzip, which holds 10,000 objects in one ConfigMap.
"""

import base64
import binascii
import gzip
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from towpath import __version__
from towpath.errors import RefusedError
from towpath.normalize import canonical
from towpath.objects import Manifest, ObjectRef

FORMAT = 1
PLAIN_LIMIT = 200_000
INVENTORY = "towpath.dev/inventory"
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
        text = f"{self.ref.name}.{self.ref.namespace}.{self.ref.kind}.{self.ref.group}"
        hashed = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")
        return f"applyset-{hashed}-v1"

    @property
    def labels(self) -> dict[str, str]:
        """On every object of ours."""
        return {APP: self.app, ENVIRONMENT: self.environment, PART_OF: self.applyset}


@dataclass(frozen=True, slots=True)
class Owned:
    """One object as it was after our last apply; `uid` is empty while that has not been confirmed.

    `fingerprint` is that of `managedFields` (fingerprint.py), `applied` the digest of the manifest sent.
    """

    ref: ObjectRef
    uid: str = ""
    fingerprint: str = ""
    applied: str = ""


@dataclass(frozen=True, slots=True)
class Inventory:
    """All objects of an owner; `commit` and `desired` (digest of the render) tell when it was written."""

    owner: Owner
    commit: str
    desired: str
    objects: tuple[Owned, ...]

    @property
    def by_ref(self) -> dict[ObjectRef, Owned]:
        return {owned.ref: owned for owned in self.objects}


def ahead(old: Inventory | None, owner: Owner, refs: Iterable[ObjectRef]) -> Inventory:
    """What may exist from now on: all of the old one, and `refs` without a uid yet."""
    known = old.by_ref if old else {}
    new = {ref: Owned(ref) for ref in refs if ref not in known}
    return Inventory(owner, old.commit if old else "", old.desired if old else "", _sorted({**known, **new}))


def after(owner: Owner, commit: str, desired: str, objects: Mapping[ObjectRef, Owned]) -> Inventory:
    """What does exist now."""
    return Inventory(owner, commit, desired, _sorted(objects))


def same(one: Inventory | None, other: Inventory) -> bool:
    """Whether writing `other` over `one` would be for nothing; the commit alone is no reason to write."""
    return one is not None and (one.desired, one.objects) == (other.desired, other.objects)


def to_configmap(inventory: Inventory, resource_version: str = "") -> Manifest:
    """The ConfigMap; `resource_version` is that of the one which it replaces."""
    owner = inventory.owner
    text = canonical(
        {
            "format": FORMAT,
            "app": owner.app,
            "environment": owner.environment,
            "commit": inventory.commit,
            "desired": inventory.desired,
            "objects": [
                [o.ref.group, o.ref.kind, o.ref.namespace, o.ref.name, o.uid, o.fingerprint, o.applied]
                for o in inventory.objects
            ],
        }
    )
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
    if len(text) <= PLAIN_LIMIT:
        return {**body, "data": {"inventory": text}}
    packed = base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()
    return {**body, "binaryData": {"inventory": packed}}


def from_configmap(manifest: Manifest) -> Inventory:
    """Raises RefusedError when it cannot be read: an unreadable inventory is not an empty one."""
    metadata = manifest["metadata"]
    try:
        content = _content(manifest)
        owner = Owner(content["app"], content["environment"], metadata["namespace"])
        objects = {}
        for group, kind, namespace, name, uid, fingerprint, applied in content["objects"]:
            ref = ObjectRef(group, kind, namespace, name)
            objects[ref] = Owned(ref, uid, fingerprint, applied)
        return Inventory(owner, content["commit"], content["desired"], _sorted(objects))
    except (KeyError, TypeError, ValueError, OSError, EOFError, binascii.Error) as error:
        raise RefusedError(
            f"inventory ConfigMap {metadata.get('namespace')}/{metadata.get('name')} cannot be read: {error}",
            remedy="Restore it, or delete it: the next sync then writes a new one and deletes nothing.",
        ) from error


def _content(manifest: Manifest) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(_text(manifest))
    if content["format"] != FORMAT:
        raise ValueError(f"its format is {content['format']}, known is {FORMAT}")
    return content


def _text(manifest: Manifest) -> str:
    packed = (manifest.get("binaryData") or {}).get("inventory")
    if packed is not None:
        return gzip.decompress(base64.b64decode(packed, validate=True)).decode()
    text: str = manifest["data"]["inventory"]
    return text


def _sorted(objects: Mapping[ObjectRef, Owned]) -> tuple[Owned, ...]:
    return tuple(objects[ref] for ref in sorted(objects))
