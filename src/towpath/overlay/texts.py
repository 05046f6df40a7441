"""The texts of an overlay: reading what is in them, and writing one value."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from towpath.drift.adoption import AdoptableChange, resolve_address
from towpath.errors import ConfigError
from towpath.objects import ObjectRef, group_of
from towpath.yamltext import editor
from towpath.yamltext.manifest_reader import load_documents
from towpath.yamltext.path import YamlPath

Edits = dict[str, str]
"""Path in the repository -> new text."""
Edit = Callable[[], Edits]
"""Makes the edits; raises ConfigError when the file has no place for them."""


@dataclass(frozen=True, slots=True)
class Overlay:
    """The texts around an app in an environment: path in the repository -> text. Folders are paths, too."""

    renderer: str
    folder: str
    base: str
    files: Mapping[str, str]

    def with_edits(self, edits: Mapping[str, str]) -> "Overlay":
        """The overlay with `edits` applied."""
        return replace(self, files={**self.files, **edits})


@dataclass(frozen=True, slots=True)
class ObjectText:
    """A document of a file that describes the object; `prefix` leads to it inside of a List."""

    file: str
    document: int
    prefix: YamlPath
    value: Any


def set_value(overlay: Overlay, file: str, path: YamlPath, value: Any, document: int = 0) -> Edits:
    """Write `value` at `path` of a file, which may be a new one."""
    return {file: editor.set_value(overlay.files.get(file, ""), file, path, value, document)}


def remove_value(overlay: Overlay, file: str, path: YamlPath, document: int = 0) -> Edits:
    """Remove the value at `path` of a file."""
    return {file: editor.remove_value(overlay.files[file], file, path, document)}


def find_object_texts(overlay: Overlay, folder: str, ref: ObjectRef) -> Iterator[ObjectText]:
    """The documents below `folder` that describe the object."""
    for file in sorted(overlay.files):
        if file.startswith(f"{folder}/"):
            yield from object_texts_in(overlay, file, ref)


def object_texts_in(overlay: Overlay, file: str, ref: ObjectRef) -> Iterator[ObjectText]:
    """The documents of a file that describe the object."""
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
                    yield ObjectText(file, index, ("items", at), item)
        elif _is(value, ref):
            yield ObjectText(file, index, (), value)


def _is(value: Any, ref: ObjectRef) -> bool:
    metadata = value.get("metadata") if isinstance(value, dict) else None
    return (
        isinstance(metadata, dict)
        and (value.get("kind"), metadata.get("name")) == (ref.kind, ref.name)
        and group_of(str(value.get("apiVersion", ""))) == ref.group
        and metadata.get("namespace") in (None, ref.namespace)
    )


def read_mapping(overlay: Overlay, file: str) -> Any:
    """The first document of a file as JSON values; {} when it is no mapping."""
    documents = load_documents(overlay.files[file], file)
    value = documents[0].value if documents else {}
    return json.loads(json.dumps(value)) if isinstance(value, dict) else {}


def change_in_place(overlay: Overlay, place: ObjectText, change: AdoptableChange) -> Edits:
    """Change the object in the document that has all of it."""
    path = resolve_address(change.address, place.value)
    if path is None:
        raise ConfigError("has no such place", file=place.file)
    path = (*place.prefix, *path)
    if change.live is None:
        return remove_value(overlay, place.file, path, place.document)
    return set_value(overlay, place.file, path, change.live, place.document)
