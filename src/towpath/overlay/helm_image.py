"""How the `values.yaml` of a chart can name an image. Charts differ: a rendering tells which way is right.

- `image.repository` with the registry in it, and `image.digest`
- `image.registry` apart, or the registry of a global value (`global.imageRegistry`)
- `image` as one text
- `image.tag` alone: a tag with the digest behind it (`3f2a9c81d0aa@sha256:…`), or the digest in its place.
  The tag is the digest's beginning: any other would go stale, and no program looks it up.

Of several images each has a place of its own: `web.image`, `images.web`, `image.web`, `webImage`, or one
that names the image's repository already.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from towpath.release.image_ref import parse_image, same_repository
from towpath.yamltext.editor import set_value
from towpath.yamltext.path import YamlPath

Values = Mapping[str, str]
DEEPEST = 8
"""Mappings in each other that are searched for a name of the image."""


def image_places(values: Mapping[str, Any], image: str, name: str) -> tuple[YamlPath, ...]:
    """Where the values can name the image, the most likely first; `name` is that of one of several.

    What names the image already comes first, then what charts of several images usually have.
    """
    if not name:
        return (("image",),)
    usual: tuple[YamlPath, ...] = ((name, "image"), ("images", name), ("image", name), (f"{name}Image",))
    fitting = [path for path in usual if all(isinstance(each, dict) for each in _above(values, path))]
    return tuple(dict.fromkeys([*_naming(values, image, ()), *fitting, ("image",)]))


def _naming(value: Any, image: str, path: YamlPath) -> Iterator[YamlPath]:
    """The paths of all texts and mappings that name the image."""
    if len(path) > DEEPEST:
        return
    if isinstance(value, str) and path and same_repository(value, image):
        yield path
    if isinstance(value, dict):
        repository, registry = _text(value, "repository"), _text(value, "registry")
        if path and same_repository(f"{registry}/{repository}" if registry else repository, image):
            yield path
            return
        for key, item in value.items():
            yield from _naming(item, image, (*path, key))


def _above(values: Mapping[str, Any], path: YamlPath) -> Iterator[Any]:
    """What is there already of the mappings that lead to a place."""
    value: Any = values
    for step in path[:-1]:
        value = value.get(step) if isinstance(value, dict) else None
        if value is None:
            return
        yield value


def image_values(  # noqa: PLR0913, PLR0917
    text: str,
    file: str,
    values: Mapping[str, Any],
    image: str,
    digest: str,
    place: YamlPath = ("image",),
) -> Iterator[str]:
    """The text of `values.yaml`, edited in each way that can be right, the most likely first.

    `values` are those of `text`; `place` is where they name the image.
    """
    named, parsed = _at(values, place), parse_image(image)
    if named is not None and not isinstance(named, dict):
        for name in (image, parsed.repository):
            yield set_value(text, file, place, f"{name}@{digest}")
        return
    whole, path = {"repository": image}, {"repository": parsed.repository}
    apart: Values = {"registry": parsed.registry, **path}
    names: tuple[Values, ...] = (_likely(named, values.get("global"), image), path, apart, whole, {})
    for pin in _pins(_text(named, "tag"), digest):
        for choice in names:
            yield _with_image(text, file, place, values, {**choice, **pin})


def _at(values: Any, place: YamlPath) -> Any:
    """What stands at a place; None where nothing does."""
    for step in place:
        values = values.get(step) if isinstance(values, dict) else None
    return values


def _pins(tag: str, digest: str) -> Iterable[Values]:
    """Ways to give the digest, beside the present tag."""
    by_digest: list[Values] = [{"digest": digest}]
    short = digest.removeprefix("sha256:")[:12]
    by_tag: list[Values] = [{"tag": f"{short}@{digest}"}, {"tag": digest}]
    # A tag that holds a digest was written by the promotion before: this chart knows no other way.
    return [*by_tag, *by_digest] if "sha256:" in tag else [*by_digest, *by_tag]


def _likely(named: Any, above: Any, image: str) -> Values:
    """By what the values say themselves, without those of the chart. Nothing: the name is right already."""
    parsed = parse_image(image)
    registry = _text(above, "imageRegistry") or _text(named, "registry")
    if not registry:
        return {"repository": image}
    if same_repository(f"{registry}/{_text(named, 'repository')}", image):
        return {}  # spelt as somebody wanted it
    if not _text(named, "registry"):
        return {"repository": parsed.repository}
    return {"registry": parsed.registry, "repository": parsed.repository}


def _with_image(text: str, file: str, place: YamlPath, data: Mapping[str, Any], values: Values) -> str:
    """With the values at their place; mappings on the way to it are made where they are not there."""
    known = next((end for end in range(len(place), 0, -1) if _at(data, place[:end]) is not None), 0)
    if known < len(place):
        value: Any = dict(values)
        for step in reversed(place[known + 1 :]):
            value = {step: value}
        return set_value(text, file, place[: known + 1], value)
    for key, value in values.items():
        text = set_value(text, file, (*place, key), value)
    return text


def _text(values: Any, key: str) -> str:
    value = values.get(key) if isinstance(values, dict) else None
    return value if isinstance(value, str) else ""
