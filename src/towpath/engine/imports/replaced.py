"""What Argo CD and Flux replace in the kustomization of a folder, where an overlay on it would add to it."""

import posixpath
from collections.abc import Iterator, Mapping
from typing import Any

from towpath.engine.imports.folders import KUSTOMIZE_FILES
from towpath.yamltext.manifest_reader import load_documents


def on_top(overlay: dict[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """The overlay as it has the same effect above `own`, the kustomization into which it was written.

    An image that `own` renames has the new name above it. As for `kustomize edit`, `*` keeps what is there.
    """
    renamed = {
        each["name"]: each["newName"]
        for each in _entries(own)
        if isinstance(each.get("name"), str) and isinstance(each.get("newName"), str)
    }
    images = [
        {"newName": each["name"], **each, "name": renamed[each["name"]]}
        if isinstance(each.get("name"), str) and each["name"] in renamed
        else each
        for each in _entries(overlay)
    ]
    kept = [{key: value for key, value in each.items() if value != "*"} for each in images]
    return {**overlay, "images": kept} if kept else overlay


def doubled(overlay: Mapping[str, Any], own: Mapping[str, Any]) -> Iterator[str]:
    """A sentence for each value that would be replaced, and is added to here."""
    for key in ("namePrefix", "nameSuffix"):
        if overlay.get(key) and (there := own.get(key)):
            yield (
                f"its `{key}` replaces that of the kustomization ({str(there)[:80]!r}), and here is added"
                " to it: remove one of them"
            )
    given = {each["name"]: each for each in _entries(own) if isinstance(each.get("name"), str)}
    for image in _entries(overlay):
        there = given.get(str(image.get("name")), {})
        if not (image.get("newTag") or image.get("digest")) and (there.get("newTag") or there.get("digest")):
            yield (
                f"its image {str(image['name'])[:80]} has no tag and takes away that of the kustomization,"
                " which stays here: give it the tag that runs"
            )


def own_kustomization(read: Mapping[str, bytes], folder: str) -> dict[str, Any]:
    """The kustomization of a folder of these files; nothing where there is none."""
    for name in KUSTOMIZE_FILES:
        path = posixpath.normpath(f"{folder}/{name}")
        for document in load_documents(read[path], path) if path in read else ():
            if isinstance(document.value, dict):
                return document.value
    return {}


def _entries(kustomization: Mapping[str, Any]) -> list[dict[str, Any]]:
    images = kustomization.get("images")
    return [each for each in images if isinstance(each, dict)] if isinstance(images, list) else []
