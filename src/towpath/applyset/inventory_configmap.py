"""The ConfigMap of an inventory.

format 2    `data.inventory` is JSON. When that is large: `binaryData.inventory` is gzip of JSON without what
            does not shrink, and `binaryData.digests` has 48 bytes an object: uid, fingerprint, applied. Its
            size is the same before and after the objects have them, so what could be written ahead can be
            written after, and 10,000 objects fit into one ConfigMap.
            `finished` and `commits` (of the objects that have another than the inventory's, by their place in
            `objects`) are there only where there are such objects; who does not know them may drop them.
format 1    is still read: no hooks, and `binaryData.inventory` is gzip of everything
"""

import base64
import binascii
import gzip
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from towpath import __version__
from towpath.applyset.inventory import (
    APP_LABEL,
    APPLYSET_ID_LABEL,
    ENVIRONMENT_LABEL,
    INVENTORY_LABEL,
    HookRun,
    Inventory,
    OwnedObject,
    Owner,
    sorted_objects,
)
from towpath.applyset.packed_digests import SIZE, pack_digests, unpack_digests
from towpath.errors import RefusedError
from towpath.fields.canonical import canonical_json
from towpath.objects import Manifest, ObjectRef

FORMAT = 2
READABLE_FORMATS = (1, 2)
PLAIN_LIMIT = 200_000
MAX_BYTES = 1_000_000
"""Bytes of a ConfigMap's data; the API server's limit is 1 MiB."""
TOOLING_ANNOTATION = "applyset.kubernetes.io/tooling"
GROUP_KINDS_ANNOTATION = "applyset.kubernetes.io/contains-group-kinds"
ADDITIONAL_NAMESPACES_ANNOTATION = "applyset.kubernetes.io/additional-namespaces"


def to_configmap(inventory: Inventory, resource_version: str = "") -> Manifest:
    """The ConfigMap; `resource_version` is that of the ConfigMap that it replaces.

    Raises RefusedError when it is larger than the API server allows.
    """
    owner = inventory.owner
    others = sorted({each.ref.namespace for each in inventory.objects} - {"", owner.namespace})
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
            ADDITIONAL_NAMESPACES_ANNOTATION: ",".join(others),
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
    if len(packed) + len(digests) > MAX_BYTES:  # what was written ahead has to fit again
        packed = gzip.compress(canonical_json(_content(inventory, bare) | {"commits": {}}), mtime=0)
    if len(packed) + len(digests) > MAX_BYTES:
        raise RefusedError(
            f"the inventory of {owner.app} in {owner.environment} ({len(inventory.objects)} objects)"
            f" is larger than a ConfigMap may be ({MAX_BYTES:,} bytes)",
            remedy="Nothing was changed. Make two apps of it.",
        )
    data = {"inventory": packed, "digests": digests}
    return {**body, "binaryData": {key: base64.b64encode(value).decode() for key, value in data.items()}}


def _content(inventory: Inventory, objects: tuple[OwnedObject, ...]) -> dict[str, Any]:
    finished = [list(owned.ref) for owned in inventory.objects if owned.finished]
    commits: dict[str, list[int]] = {}
    for index, owned in enumerate(inventory.objects):
        if owned.commit:
            commits.setdefault(owned.commit, []).append(index)
    return {
        "format": FORMAT,
        "app": inventory.owner.app,
        "environment": inventory.owner.environment,
        "commit": inventory.commit,
        "desired": inventory.desired_digest,
        "objects": [[*o.ref, o.uid, o.fingerprint, o.applied_digest] for o in objects],
        "hooks": [[*h.ref, h.commit, h.digest, h.result, h.uid, h.message[:1000]] for h in inventory.hooks],
        "deletions": [list(ref) for ref in inventory.deletions],
        **({"finished": finished} if finished else {}),
        **({"commits": commits} if commits else {}),
    }


def from_configmap(manifest: Manifest) -> Inventory:
    """The inventory in a ConfigMap. Its environment is that of the label: who renames one changes that.

    Raises RefusedError when it cannot be read: that is not an empty inventory.
    """
    metadata = manifest["metadata"]
    try:
        content = _read(manifest)
        environment = (metadata.get("labels") or {}).get(ENVIRONMENT_LABEL) or content["environment"]
        owner = Owner(content["app"], environment, metadata["namespace"])
        objects = {}
        for group, kind, namespace, name, uid, fingerprint, applied in content["objects"]:
            ref = ObjectRef(group, kind, namespace, name)
            objects[ref] = OwnedObject(ref, uid, fingerprint, applied)
        if digests := (manifest.get("binaryData") or {}).get("digests"):
            objects = _unpack(objects, base64.b64decode(digests, validate=True))
        for ref in (ObjectRef(*key) for key in content.get("finished") or ()):
            objects[ref] = replace(objects[ref], finished=True)
        refs = [ObjectRef(*listed[:4]) for listed in content["objects"]] if content.get("commits") else []
        for commit, indexes in (content.get("commits") or {}).items():
            objects |= {refs[at]: replace(objects[refs[at]], commit=commit) for at in indexes}
        hooks = tuple(HookRun(ObjectRef(*hook[:4]), *hook[4:]) for hook in content.get("hooks") or ())
        deletions = tuple(sorted(ObjectRef(*key) for key in content.get("deletions") or ()))
        return Inventory(
            owner, content["commit"], content["desired"], sorted_objects(objects), hooks, deletions
        )
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
