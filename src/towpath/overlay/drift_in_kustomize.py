"""Candidate edits of a Kustomize overlay."""

import posixpath
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from towpath.drift.adoption import Address, AdoptableChange, resolve_address, value_at
from towpath.errors import ConfigError
from towpath.fields.pointer import build
from towpath.objects import Manifest
from towpath.overlay.image_edit import KUSTOMIZATIONS
from towpath.overlay.texts import (
    Edit,
    Edits,
    ObjectText,
    Overlay,
    change_in_place,
    object_texts_in,
    read_mapping,
    remove_value,
    set_value,
)
from towpath.yamltext import editor
from towpath.yamltext.manifest_reader import load_documents
from towpath.yamltext.path import YamlPath
from towpath.yamltext.style import block, inline

_REPLICAS = ("spec", "replicas")


def edits(overlay: Overlay, change: AdoptableChange, rendered: Manifest) -> Iterator[Edit]:
    """Edits in this order: `replicas:`, the object itself, an existing patch, a new patch."""
    names = (f"{overlay.folder}/{name}" for name in KUSTOMIZATIONS)
    file = next((name for name in names if name in overlay.files), None)
    if file is None:
        return
    data = read_mapping(overlay, file)
    if change.address == _REPLICAS and change.live is not None:
        for index, entry in enumerate(data.get("replicas") or ()):
            if entry.get("name") == change.ref.name:
                path = ("replicas", index, "count")
                yield partial(set_value, overlay, file, path, change.live)
    for name in data.get("resources") or ():
        for place in object_texts_in(overlay, posixpath.normpath(f"{overlay.folder}/{name}"), change.ref):
            yield partial(change_in_place, overlay, place, change)
    patches = [each.get("path") for each in data.get("patches") or () if isinstance(each, dict)]
    patches = [*patches, *(data.get("patchesStrategicMerge") or ())]
    for name in patches:
        if isinstance(name, str):
            for place in object_texts_in(overlay, posixpath.normpath(f"{overlay.folder}/{name}"), change.ref):
                yield partial(_in_patch, overlay, place, change)
    yield partial(_own_patch, overlay, file, data, change, rendered)
    yield partial(_own_operations, overlay, file, data, change, rendered)


def _in_patch(overlay: Overlay, place: ObjectText, change: AdoptableChange) -> Edits:
    """Change a field of an existing strategic merge patch, or add one."""
    path = resolve_address(change.address, place.value)
    if change.live is None:
        if path is not None and value_at(place.value, path) is not None:
            return remove_value(overlay, place.file, (*place.prefix, *path), place.document)
        return set_value(overlay, place.file, *_absent(change), document=place.document)
    if path is not None and value_at(place.value, path) is not None:
        return set_value(overlay, place.file, (*place.prefix, *path), change.live, place.document)
    start, value = _grown(change.address, place.value, change.live)
    return set_value(overlay, place.file, (*place.prefix, *start), value, place.document)


def _absent(change: AdoptableChange) -> tuple[YamlPath, Any]:
    if not all(isinstance(step, str) for step in change.address):
        raise ConfigError("an item of a list is removed by an operation of its own", file="")
    return tuple(step for step in change.address if isinstance(step, str)), None


def _grown(address: Address, value: Any, leaf: Any) -> tuple[YamlPath, Any]:
    """Where a patch lacks the address first, and what to put there: items are named, so that they merge."""
    path: list[str | int] = []
    for depth, step in enumerate(address):
        if isinstance(step, str):
            path.append(step)
            if not isinstance(value, dict) or value.get(step) is None:
                return tuple(path), _nested(address[depth + 1 :], leaf)
            value = value[step]
            continue
        if not step.name or not isinstance(value, list):
            raise ConfigError("an item without a name cannot be patched", file="")
        names = [item.get("name") if isinstance(item, dict) else None for item in value]
        if step.name not in names:
            path.append(len(value))
            return tuple(path), _nested(address[depth:], leaf)[0]
        index = names.index(step.name)
        path.append(index)
        value = value[index]
    return tuple(path), leaf


def _nested(address: Address, leaf: Any) -> Any:
    value = leaf
    for step in reversed(address):
        if isinstance(step, str):
            value = {step: value}
        elif not step.name:
            raise ConfigError("an item without a name cannot be patched", file="")
        else:
            value = [{"name": step.name, **value} if isinstance(value, dict) else value]
    return value


def _own_patch(
    overlay: Overlay, file: str, kustomization: Any, change: AdoptableChange, rendered: Manifest
) -> Edits:
    """A new strategic merge patch for the object."""
    head = {
        "apiVersion": rendered["apiVersion"],
        "kind": change.ref.kind,
        "metadata": {"name": change.ref.name},
    }
    if change.live is None:
        path, leaf = _absent(change)
        start, value = path, leaf
    else:
        start, value = _grown(change.address, head, change.live)
    name = f"adopted-{change.ref.kind.lower()}-{change.ref.name}.yaml"
    new = f"{overlay.folder}/{name}"
    if new in overlay.files:
        raise ConfigError("is there already", file=new)
    text = "# Edits by hand that were adopted.\n" + "".join(
        line + "\n" for key, item in head.items() for line in block(key, item)
    )
    return _listed(overlay, file, kustomization, {"path": name}) | {
        new: editor.set_value(text, new, start, value)
    }


def _own_operations(
    overlay: Overlay, file: str, kustomization: Any, change: AdoptableChange, rendered: Manifest
) -> Edits:
    """JSON patch operations: for any kind, for items without a name, and for what is removed."""
    name = f"adopted-{change.ref.kind.lower()}-{change.ref.name}-operations.yaml"
    new = f"{overlay.folder}/{name}"
    operations = _operations(change, rendered)
    if new in overlay.files:
        text = overlay.files[new]
        for operation in operations:
            index = len(load_documents(text, new)[0].value)
            text = editor.set_value(text, new, (index,), operation)
        return {new: text}
    lines = ("# Edits by hand that were adopted, as operations of a JSON patch.",)
    text = "\n".join((*lines, *(f"- {inline(each)}" for each in operations))) + "\n"
    target = {"kind": change.ref.kind, "name": change.ref.name}
    target = {"group": change.ref.group, **target} if change.ref.group else target
    return _listed(overlay, file, kustomization, {"path": name, "target": target}) | {new: text}


def _operations(change: AdoptableChange, rendered: Manifest) -> Sequence[dict[str, Any]]:
    path = resolve_address(change.address, rendered)
    if path is None:
        raise ConfigError("has no such place", file="")
    if change.live is None:
        return [{"op": "remove", "path": build(path)}]
    # A parent that is not there comes with its child.
    end = next((end for end in range(1, len(path)) if value_at(rendered, path[:end]) is None), len(path))
    value = change.live
    for step in reversed(path[end:]):
        value = [value] if isinstance(step, int) else {step: value}
    there = value_at(rendered, path[:end]) is not None
    return [{"op": "replace" if there else "add", "path": build(path[:end]), "value": value}]


def _listed(overlay: Overlay, file: str, kustomization: Any, entry: dict[str, Any]) -> Edits:
    index = len(kustomization.get("patches") or ())
    if not index:
        return set_value(overlay, file, ("patches",), [entry])
    return set_value(overlay, file, ("patches", index), entry)
