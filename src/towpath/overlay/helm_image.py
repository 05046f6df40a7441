"""How the `values.yaml` of a chart can name an image. Charts differ: a rendering tells which way is right.

- `image.repository` with the registry in it, and `image.digest`
- `image.registry` apart, or the registry of a global value (`global.imageRegistry`)
- `image` as one text
- `image.tag` alone: a tag with the digest behind it (`3f2a9c81d0aa@sha256:…`), or the digest in its place.
  The tag is the digest's beginning: any other would go stale, and no program looks it up.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from towpath.release.image_ref import parse_image, same_repository
from towpath.yamltext.editor import set_value

Values = Mapping[str, str]


def image_values(text: str, file: str, values: Mapping[str, Any], image: str, digest: str) -> Iterator[str]:
    """The text of `values.yaml`, edited in each way that can be right, the most likely first.

    `values` are those of `text`.
    """
    named, parsed = values.get("image"), parse_image(image)
    if named is not None and not isinstance(named, dict):
        for name in (image, parsed.repository):
            yield set_value(text, file, ("image",), f"{name}@{digest}")
        return
    whole, path = {"repository": image}, {"repository": parsed.repository}
    apart: Values = {"registry": parsed.registry, **path}
    names: tuple[Values, ...] = (_likely(values, image), path, apart, whole, {})
    for pin in _pins(_text(named, "tag"), digest):
        for choice in names:
            yield _with_image(text, file, named, {**choice, **pin})


def _pins(tag: str, digest: str) -> Iterable[Values]:
    """Ways to give the digest, beside the present tag."""
    by_digest: list[Values] = [{"digest": digest}]
    short = digest.removeprefix("sha256:")[:12]
    by_tag: list[Values] = [{"tag": f"{short}@{digest}"}, {"tag": digest}]
    # A tag that holds a digest was written by the promotion before: this chart knows no other way.
    return [*by_tag, *by_digest] if "sha256:" in tag else [*by_digest, *by_tag]


def _likely(values: Mapping[str, Any], image: str) -> Values:
    """By what the values say themselves, without those of the chart. Nothing: the name is right already."""
    named, parsed = values.get("image") or {}, parse_image(image)
    above = values.get("global")
    registry = _text(above, "imageRegistry") or _text(named, "registry")
    if not registry:
        return {"repository": image}
    if same_repository(f"{registry}/{_text(named, 'repository')}", image):
        return {}  # spelt as somebody wanted it
    if not _text(named, "registry"):
        return {"repository": parsed.repository}
    return {"registry": parsed.registry, "repository": parsed.repository}


def _with_image(text: str, file: str, named: dict[str, Any] | None, values: Values) -> str:
    if named is None:
        return set_value(text, file, ("image",), dict(values))
    for key, value in values.items():
        text = set_value(text, file, ("image", key), value)
    return text


def _text(values: Any, key: str) -> str:
    value = values.get(key) if isinstance(values, dict) else None
    return value if isinstance(value, str) else ""
