"""The fields of an object that name a container image: one table for judging images and for editing them.

They are the fields of pods (`image` of containers, `reference` of image volumes), every other field whose
key speaks of an image, and the fields that `imageFields` of `towpath.yaml` names. The data of ConfigMaps and
Secrets are texts of the app's own.
"""

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from towpath.fields.pointer import parse
from towpath.kube.containers import CONTAINER_LISTS
from towpath.objects import Manifest, group_of
from towpath.yamltext.path import YamlPath

_NO_IMAGES = frozenset({"imagepullpolicy", "imagepullsecret", "imagepullsecrets", "imageid"})
"""Keys, in small letters, that speak of an image and name none."""
_DATA = ("data", "stringData", "binaryData")


@dataclass(frozen=True, slots=True)
class ImageRule:
    """`imageFields` of an app: a pointer into the objects of a kind (`Kind` or `Kind.group`)."""

    kind: str
    pointer: str


@dataclass(frozen=True, slots=True)
class ImageField:
    """One field, whose value is a text (`R:tag@digest`) or a mapping.

    A mapping has `repository` or `name`, and perhaps `registry`, `tag` and `digest`. `owner` is the name of
    the container, volume or other item that has the field.
    """

    path: YamlPath
    value: Any
    owner: str | None

    @property
    def is_of_container(self) -> bool:
        """Whether the field is the `image` of a container."""
        return len(self.path) > 2 and self.path[-3] in CONTAINER_LISTS and self.path[-1] == "image"

    @property
    def image(self) -> str:
        """The image as one text."""
        if isinstance(self.value, str):
            return self.value
        texts = {key: text for key, text in self.value.items() if isinstance(text, str) and text}
        registry = f"{texts['registry']}/" if "registry" in texts else ""
        tag = f":{texts['tag']}" if "tag" in texts else ""
        digest = f"@{texts['digest']}" if "digest" in texts else ""
        return f"{registry}{self.value[name_key(self.value)]}{tag}{digest}"


@functools.lru_cache(maxsize=4096)
def is_image_key(key: str) -> bool:
    """Whether the values of this key name images."""
    folded = key.casefold()
    return key == "reference" or ("image" in folded and folded not in _NO_IMAGES)


def name_key(value: dict[str, Any]) -> str:
    """The key of an image's name in a mapping."""
    return "repository" if isinstance(value.get("repository"), str) else "name"


def image_fields(manifest: Manifest, rules: Sequence[ImageRule] = ()) -> Iterator[ImageField]:
    """Every field of one object that names an image, each once."""
    kind, group = str(manifest.get("kind")), group_of(str(manifest.get("apiVersion", "")))
    is_data = not group and kind in ("ConfigMap", "Secret")
    found: list[ImageField] = []
    for key, value in manifest.items():
        if key not in ("metadata", "status") and not (is_data and key in _DATA):
            _collect({key: value}, (), None, found)
    yield from found
    seen = {field.path for field in found} if rules else set()
    for rule in rules:
        if rule.kind in ("*", kind, f"{kind}.{group}"):
            for path, value, owner in _at(manifest, parse(rule.pointer), (), None):
                for field in _fields(value, path, owner):
                    if field.path not in seen:
                        seen.add(field.path)
                        yield field


def objects_in(value: Any, at: YamlPath = ()) -> Iterator[tuple[YamlPath, Manifest]]:
    """The objects of one document, those in a List included, each with its path in the document."""
    if not isinstance(value, dict):
        return
    kind = value.get("kind")
    if not (isinstance(kind, str) and kind.endswith("List") and isinstance(value.get("items"), list)):
        yield at, value
        return
    inner = kind.removesuffix("List")
    for index, item in enumerate(value["items"]):
        # The items of a typed list (`RoleList`) may leave out their type.
        typed = {"apiVersion": value.get("apiVersion"), "kind": inner} if inner else {}
        yield from objects_in({**typed, **item} if isinstance(item, dict) else item, (*at, "items", index))


def _collect(value: Any, path: YamlPath, owner: str | None, found: list[ImageField]) -> None:
    if isinstance(value, list):
        for index, item in enumerate(value):
            if isinstance(item, dict | list):
                _collect(item, (*path, index), None, found)
    elif isinstance(value, dict):
        name = value["name"] if isinstance(value.get("name"), str) else owner
        for key, item in value.items():
            if is_image_key(key):
                found.extend(_fields(item, (*path, key), name))
            if isinstance(item, dict | list):
                _collect(item, (*path, key), name, found)


def _fields(value: Any, path: YamlPath, owner: str | None) -> Iterator[ImageField]:
    """The image of a text or a mapping; the images of a list of them."""
    if isinstance(value, list):
        for index, item in enumerate(value):
            if not isinstance(item, list):
                yield from _fields(item, (*path, index), owner)
    elif isinstance(value, str) or (isinstance(value, dict) and isinstance(value.get(name_key(value)), str)):
        yield ImageField(path, value, owner)


def _at(
    value: Any, steps: Sequence[str], path: YamlPath, owner: str | None
) -> Iterator[tuple[YamlPath, Any, str | None]]:
    """(path, value, owner) of all that a pointer names; its step `*` stands for each item."""
    if not steps:
        yield path, value, owner
    elif isinstance(value, dict):
        name = value["name"] if isinstance(value.get("name"), str) else owner
        for key in list(value) if steps[0] == "*" else [key for key in value if key == steps[0]]:
            yield from _at(value[key], steps[1:], (*path, key), name)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            if steps[0] in ("*", str(index)):
                yield from _at(item, steps[1:], (*path, index), None)
