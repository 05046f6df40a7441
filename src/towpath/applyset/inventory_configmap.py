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
import gzip
import io
import json
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, get_args

from towpath import __version__
from towpath.applyset.inventory import (
    APP_LABEL,
    APPLYSET_ID_LABEL,
    ENVIRONMENT_LABEL,
    INVENTORY_LABEL,
    HookResult,
    HookRun,
    Inventory,
    OwnedObject,
    Owner,
    app_of_inventory,
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
MAX_TEXT, MAX_LISTS = 16 * 1024 * 1024, 100_000
"""Characters of an inventory's JSON, and lists and mappings in it: a packed bomb is small."""
_ODD = (LookupError, TypeError, ValueError, AttributeError, OSError, EOFError, RecursionError, zlib.error)
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

    Raises RefusedError when it cannot be read: that is not an empty inventory. Others can write a ConfigMap.
    """
    metadata = manifest["metadata"]
    try:
        inventory = _parse(manifest)
        if inventory.owner.app != app_of_inventory(metadata["name"]):
            raise ValueError("it names another app")
    except _ODD as error:
        raise RefusedError(
            f"inventory ConfigMap {metadata.get('namespace')}/{metadata.get('name')} cannot be read:"
            f" {str(error)[:200]}",
            remedy="Restore it, or delete it: the next sync then writes a new one and deletes nothing.",
        ) from error
    return inventory


def _parse(manifest: Manifest) -> Inventory:
    metadata, content = manifest["metadata"], _read(manifest)
    environment = (metadata.get("labels") or {}).get(ENVIRONMENT_LABEL) or content["environment"]
    said = (content["app"], environment, content["commit"], content["desired"])
    app, environment, commit, desired = _texts(said)
    objects = {}
    for group, kind, namespace, name, uid, fingerprint, applied in map(_texts, content["objects"]):
        ref = ObjectRef(group, kind, namespace, name)
        objects[ref] = OwnedObject(ref, uid, fingerprint, applied)
    if digests := (manifest.get("binaryData") or {}).get("digests"):
        objects = _unpack(objects, base64.b64decode(digests, validate=True))
    for ref in _refs(content.get("finished")):
        objects[ref] = replace(objects[ref], finished=True)
    refs = [ObjectRef(*listed[:4]) for listed in content["objects"]] if content.get("commits") else []
    for other, indexes in (content.get("commits") or {}).items():
        _texts([other])
        objects |= {refs[at]: replace(objects[refs[at]], commit=other) for at in indexes}
    owner = Owner(app, environment, metadata["namespace"])
    hooks, deletions = tuple(map(_hook, content.get("hooks") or ())), _refs(content.get("deletions"))
    return Inventory(owner, commit, desired, sorted_objects(objects), hooks, tuple(sorted(deletions)))


def _texts(values: Iterable[Any]) -> list[str]:
    """The values, if all are texts that can be written again: not so with half of a surrogate pair."""
    texts = list(values)
    "".join(texts).encode()
    return texts


def _refs(listed: Iterable[Iterable[Any]] | None) -> list[ObjectRef]:
    return [ObjectRef(*_texts(each)) for each in listed or ()]


def _hook(listed: Any) -> HookRun:
    group, kind, namespace, name, commit, digest, result, *more = _texts(listed)
    known: dict[str, HookResult] = {each: each for each in get_args(HookResult)}
    return HookRun(ObjectRef(group, kind, namespace, name), commit, digest, known[result], *more)


def _read(manifest: Manifest) -> dict[str, Any]:
    text = _text(manifest)
    if len(text) > MAX_TEXT or text.count("[") + text.count("{") > MAX_LISTS:
        raise ValueError("it is larger than any inventory is")
    content: dict[str, Any] = json.loads(text)
    if content["format"] not in READABLE_FORMATS:
        raise ValueError(f"its format is {content['format']}, known are {READABLE_FORMATS}")
    return content


def _text(manifest: Manifest) -> str:
    packed = (manifest.get("binaryData") or {}).get("inventory")
    if packed is not None:
        unpacked = gzip.GzipFile(fileobj=io.BytesIO(base64.b64decode(packed, validate=True)))
        return unpacked.read(MAX_TEXT + 1).decode()
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
