"""Where in an overlay a change could go, by renderer. Pure: candidates, of which a rendering proves one.

kustomize   `replicas:`; a file of the overlay that has the whole object; a patch that is there; a new patch
helm        each value of values.yaml (the environment's, or the chart's default) that is what Git has now
plain       the object's own file in the environment's folder
"""

import json
import posixpath
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from towpath import rewrite
from towpath.adopt import Address, Change, resolve, value_at
from towpath.edit import KUSTOMIZATIONS
from towpath.errors import ConfigError
from towpath.objects import Manifest, ObjectRef, group_of
from towpath.pointer import build
from towpath.strict_yaml import load_document, load_documents

Edits = dict[str, str]
_REPLICAS = ("spec", "replicas")
_PLAIN_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?")
MOST_VALUES = 20
"""Values of a chart that are tried for one field."""


@dataclass(frozen=True, slots=True)
class Overlay:
    """The texts around an app in an environment: path in the repository -> text. Folders are paths, too."""

    renderer: str
    folder: str
    base: str
    files: Mapping[str, str]

    def with_edits(self, edits: Mapping[str, str]) -> "Overlay":
        """As it is after `edits`."""
        return replace(self, files={**self.files, **edits})


@dataclass(frozen=True, slots=True)
class _Place:
    """A document of a file that describes the object; `prefix` leads to it inside of a List."""

    file: str
    document: int
    prefix: rewrite.Path
    value: Any


def candidates(overlay: Overlay, change: Change, rendered: Manifest) -> Iterator[Edits]:
    """Edits that might give the change, the most natural first. `rendered` is the object as it is now."""
    for edit in FINDERS[overlay.renderer](overlay, change, rendered):
        try:
            edits = edit()
        except (ConfigError, LookupError, TypeError, AttributeError):
            continue  # there is no place for it there
        yield edits


def why_not(overlay: Overlay, change: Change, fitting: int) -> str:
    """What to tell when no candidate, or more than one, gives exactly the change."""
    if overlay.renderer == "helm":
        return (
            "more than one value of values.yaml gives it"
            if fitting > 1
            else "no value of values.yaml gives exactly this field"
        )
    if overlay.renderer == "plain":
        if next(_places(overlay, overlay.base, change.ref), None):
            return f"it is in {overlay.base}, which other environments share"
        return "it cannot be changed alone in its file"
    return "no patch of the overlay gives exactly this"


Edit = Callable[[], Edits]


def _plain(overlay: Overlay, change: Change, _rendered: Manifest) -> Iterator[Edit]:
    for place in _places(overlay, overlay.folder, change.ref):
        yield partial(_in_place, overlay, place, change)


def _kustomize(overlay: Overlay, change: Change, rendered: Manifest) -> Iterator[Edit]:
    names = (f"{overlay.folder}/{name}" for name in KUSTOMIZATIONS)
    file = next((name for name in names if name in overlay.files), None)
    if file is None:
        return
    data = _one(overlay, file)
    if change.address == _REPLICAS and change.live is not None:
        for index, entry in enumerate(data.get("replicas") or ()):
            if entry.get("name") == change.ref.name:
                path = ("replicas", index, "count")
                yield partial(_set, overlay, file, path, change.live)
    for name in data.get("resources") or ():
        for place in _places_in(overlay, posixpath.normpath(f"{overlay.folder}/{name}"), change.ref):
            yield partial(_in_place, overlay, place, change)
    patches = [each.get("path") for each in data.get("patches") or () if isinstance(each, dict)]
    patches = [*patches, *(data.get("patchesStrategicMerge") or ())]
    for name in patches:
        if isinstance(name, str):
            for place in _places_in(overlay, posixpath.normpath(f"{overlay.folder}/{name}"), change.ref):
                yield partial(_in_patch, overlay, place, change)
    yield partial(_own_patch, overlay, file, data, change, rendered)
    yield partial(_own_operations, overlay, file, data, change, rendered)


def _helm(overlay: Overlay, change: Change, _rendered: Manifest) -> Iterator[Edit]:
    """Every value that is what Git has: which of them makes the field, only a rendering can tell."""
    if change.live is None or isinstance(change.live, dict | list):
        return
    file = f"{overlay.folder}/values.yaml"
    own = _one(overlay, file) if file in overlay.files else {}
    default = f"{overlay.base}/values.yaml"
    defaults = _one(overlay, default) if default in overlay.files else {}
    paths = dict.fromkeys(
        path for values in (own, defaults) for path, value in _leaves(values) if _same(value, change.git)
    )
    for path in list(paths)[:MOST_VALUES]:
        overridden = value_at(own, path)
        if overridden is not None and not _same(overridden, change.git):
            continue
        if path[0] == "image" and len(path) > 1 and path[1] in ("repository", "digest", "tag"):
            continue  # that is the promotion's
        current = value_at(defaults, path) if overridden is None else overridden
        yield partial(_set_values, overlay, file, current, path, change.live)


FINDERS: dict[str, Callable[[Overlay, Change, Manifest], Iterator[Edit]]] = {
    "kustomize": _kustomize,
    "helm": _helm,
    "plain": _plain,
}


def _same(one: Any, other: Any) -> bool:
    return one is not None and (one == other if type(one) is type(other) else str(one) == str(other))


def _leaves(value: Any, path: rewrite.Path = ()) -> Iterator[tuple[rewrite.Path, Any]]:
    """Simple values at paths of keys; what is inside of a list can only be given as a whole."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _leaves(item, (*path, key))
    elif path and not isinstance(value, list):
        yield path, value


def _set_values(overlay: Overlay, file: str, current: Any, path: rewrite.Path, value: Any) -> Edits:
    """A text stays a text and a number a number, as far as that goes: a chart may compare it."""
    if isinstance(current, str) and not isinstance(value, str):
        value = rewrite.inline(value)
    elif isinstance(current, int | float) and isinstance(value, str):
        read = load_document(f"v: {value}\n", file)["v"] if _PLAIN_NUMBER.fullmatch(value) else value
        value = read if str(read) == value else value
    return _set(overlay, file, path, value)


def _set(overlay: Overlay, file: str, path: rewrite.Path, value: Any, document: int = 0) -> Edits:
    return {file: rewrite.set_value(overlay.files.get(file, ""), file, path, value, document)}


def _remove(overlay: Overlay, file: str, path: rewrite.Path, document: int = 0) -> Edits:
    return {file: rewrite.remove_value(overlay.files[file], file, path, document)}


def _in_place(overlay: Overlay, place: _Place, change: Change) -> Edits:
    """Change the object where it is written down as a whole."""
    path = resolve(change.address, place.value)
    if path is None:
        raise ConfigError("has no such place", file=place.file)
    path = (*place.prefix, *path)
    if change.live is None:
        return _remove(overlay, place.file, path, place.document)
    return _set(overlay, place.file, path, change.live, place.document)


def _in_patch(overlay: Overlay, place: _Place, change: Change) -> Edits:
    """Change a strategic merge patch that is there: its field, or one more."""
    path = resolve(change.address, place.value)
    if change.live is None:
        if path is not None and value_at(place.value, path) is not None:
            return _remove(overlay, place.file, (*place.prefix, *path), place.document)
        return _set(overlay, place.file, *_absent(change), document=place.document)
    if path is not None and value_at(place.value, path) is not None:
        return _set(overlay, place.file, (*place.prefix, *path), change.live, place.document)
    start, value = _grown(change.address, place.value, change.live)
    return _set(overlay, place.file, (*place.prefix, *start), value, place.document)


def _absent(change: Change) -> tuple[rewrite.Path, Any]:
    if not all(isinstance(step, str) for step in change.address):
        raise ConfigError("an item of a list is removed by an operation of its own", file="")
    return tuple(step for step in change.address if isinstance(step, str)), None


def _grown(address: Address, value: Any, leaf: Any) -> tuple[rewrite.Path, Any]:
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


def _own_patch(overlay: Overlay, file: str, kustomization: Any, change: Change, rendered: Manifest) -> Edits:
    """A new strategic merge patch for the object, beside the others."""
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
        line + "\n" for key, item in head.items() for line in rewrite.block(key, item)
    )
    return _listed(overlay, file, kustomization, {"path": name}) | {
        new: rewrite.set_value(text, new, start, value)
    }


def _own_operations(
    overlay: Overlay, file: str, kustomization: Any, change: Change, rendered: Manifest
) -> Edits:
    """JSON patch operations: for any kind, for items without a name, and for what is removed."""
    name = f"adopted-{change.ref.kind.lower()}-{change.ref.name}-operations.yaml"
    new = f"{overlay.folder}/{name}"
    operations = _operations(change, rendered)
    if new in overlay.files:
        text = overlay.files[new]
        for operation in operations:
            index = len(load_documents(text, new)[0].value)
            text = rewrite.set_value(text, new, (index,), operation)
        return {new: text}
    lines = ("# Edits by hand that were adopted, as operations of a JSON patch.",)
    text = "\n".join((*lines, *(f"- {rewrite.inline(each)}" for each in operations))) + "\n"
    target = {"kind": change.ref.kind, "name": change.ref.name}
    target = {"group": change.ref.group, **target} if change.ref.group else target
    return _listed(overlay, file, kustomization, {"path": name, "target": target}) | {new: text}


def _operations(change: Change, rendered: Manifest) -> Sequence[dict[str, Any]]:
    path = resolve(change.address, rendered)
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
        return _set(overlay, file, ("patches",), [entry])
    return _set(overlay, file, ("patches", index), entry)


def _places(overlay: Overlay, folder: str, ref: ObjectRef) -> Iterator[_Place]:
    for file in sorted(overlay.files):
        if file.startswith(f"{folder}/"):
            yield from _places_in(overlay, file, ref)


def _places_in(overlay: Overlay, file: str, ref: ObjectRef) -> Iterator[_Place]:
    """Documents of a file that describe the object."""
    text = overlay.files.get(file)
    if text is None or not file.endswith((".yaml", ".yml", ".json")):
        return
    try:
        documents = load_documents(text, file)
    except ConfigError:
        return
    for index, document in enumerate(documents):
        value = document.value
        if not isinstance(value, dict):
            continue
        if isinstance(value.get("items"), list) and str(value.get("kind", "")).endswith("List"):
            for at, item in enumerate(value["items"]):
                if _is(item, ref):
                    yield _Place(file, index, ("items", at), item)
        elif _is(value, ref):
            yield _Place(file, index, (), value)


def _is(value: Any, ref: ObjectRef) -> bool:
    metadata = value.get("metadata") if isinstance(value, dict) else None
    return (
        isinstance(metadata, dict)
        and (value.get("kind"), metadata.get("name")) == (ref.kind, ref.name)
        and group_of(str(value.get("apiVersion", ""))) == ref.group
        and metadata.get("namespace") in (None, ref.namespace)
    )


def _one(overlay: Overlay, file: str) -> Any:
    documents = load_documents(overlay.files[file], file)
    value = documents[0].value if documents else {}
    return json.loads(json.dumps(value)) if isinstance(value, dict) else {}
