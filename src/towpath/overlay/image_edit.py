"""Changes the image in an overlay and keeps every other byte (yamltext/editor.py). By renderer:

- kustomize: every entry of `images:` that stands for the image and has the name that the base uses; an entry
  with another spelling of it is renamed; appended when there is none.
- helm: `image.repository` and `image.digest` (or `image.tag`) in `values.yaml`, or `image:` when that is one
  text; in several ways, as charts put the name together differently (helm_image.py).
- plain: every field that names the image (kube/image_fields.py); of containers only the one that
  `towpath.yaml` names, if it names one.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from towpath.errors import ConfigError
from towpath.fields.pointer import build
from towpath.kube.image_fields import ImageField, ImageRule, image_fields, name_key, objects_in
from towpath.overlay.helm_image import image_places, image_values
from towpath.release.image_ref import repository_of, same_repository
from towpath.yamltext.config_reader import ConfigDocument, read_document
from towpath.yamltext.editor import remove_value, rename_key, set_value
from towpath.yamltext.manifest_reader import load_documents
from towpath.yamltext.path import YamlPath
from towpath.yamltext.scalars import KUBERNETES

KUSTOMIZATIONS = ("kustomization.yaml", "kustomization.yml", "Kustomization")
VALUES = ("values.yaml", "values.yml")
_MANIFESTS = (".yaml", ".yml", ".json")
_PLAIN_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/@:-]*[A-Za-z0-9]")


@dataclass(frozen=True, slots=True)
class _Wanted:
    image: str
    digest: str
    container: str | None = None
    image_rules: tuple[ImageRule, ...] = ()
    runs: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if not _PLAIN_SAFE.fullmatch(f"{self.image}@{self.digest}"):
            raise ValueError("not an image and a digest")


def edit_image(  # noqa: PLR0913
    renderer: str,
    files: Mapping[str, str],
    image: str,
    digest: str,
    *,
    container: str | None = None,
    image_rules: Sequence[ImageRule] = (),
    runs: frozenset[str] = frozenset(),
) -> dict[str, str]:
    """The files of an overlay (path -> text) that change when it is to run `image` (no tag) at `digest`.

    `container` and `image_rules` are `container` and `imageFields` of the app in `towpath.yaml`. `runs` are
    the images that Kustomize's base gives, before `images:` of the overlay. Raises ConfigError, naming the
    file, when there is no place for the image or it cannot be changed alone.
    """
    wanted = _Wanted(image, digest, container, tuple(image_rules), runs)
    return next(_changes(files, EDITORS[renderer](files, wanted)))


def chart_edits(
    files: Mapping[str, str], image: str, digest: str, name: str = ""
) -> Iterator[dict[str, str]]:
    """As edit_image, of a chart's values: each way that can be right, the most likely first.

    Which one is, only the chart's templates know. `name` is that of one image of several.
    """
    return _changes(files, _helm(files, _Wanted(image, digest), name))


def _changes(files: Mapping[str, str], edits: Iterable[dict[str, str]]) -> Iterator[dict[str, str]]:
    for edited in edits:
        yield {path: text for path, text in edited.items() if text != files[path]}


def editable_files(renderer: str, names: list[str]) -> list[str]:
    """Of the file names in an overlay, those that `edit_image` wants to see."""
    wanted = {"kustomize": KUSTOMIZATIONS, "helm": VALUES}.get(renderer)
    if wanted:
        return [name for name in names if PurePosixPath(name).name in wanted][:1]
    return [name for name in sorted(names) if name.endswith(_MANIFESTS) and not _is_ours(name)]


def _is_ours(name: str) -> bool:
    return PurePosixPath(name).name in ("release.yaml", "quarantine.yaml", "prune.yaml")


def _only(files: Mapping[str, str], names: tuple[str, ...], called: str) -> str:
    for file in files:
        if PurePosixPath(file).name in names:
            return file
    raise ConfigError(f"the overlay has no {called}", file=called)


def _mapping(file: str, text: str) -> tuple[dict[str, Any], ConfigDocument]:
    """The only document, which is a mapping; an empty file counts as an empty one."""
    document = read_document(text, file, dialect=KUBERNETES)
    data = document.data or {}
    if not isinstance(data, dict):
        raise ConfigError("must be one mapping", file=file, line=document.line(()))
    return data, document


def without_images(files: Mapping[str, str]) -> dict[str, str]:
    """The kustomization of an overlay (path -> text) without its `images:`; nothing when it has none."""
    file = _only(files, KUSTOMIZATIONS, "kustomization.yaml")
    if "images" not in _mapping(file, files[file])[0]:
        return {}
    return {file: remove_value(files[file], file, ("images",))}


def _kustomize(files: Mapping[str, str], wanted: _Wanted) -> Iterator[dict[str, str]]:
    file = _only(files, KUSTOMIZATIONS, "kustomization.yaml")
    text, (data, document) = files[file], _mapping(file, files[file])
    images = data.get("images") or []
    if not isinstance(images, list):
        raise ConfigError("`images` must be a list", file=file, line=document.line(("images",)))
    entries = _kustomize_entries(images, wanted.image)
    working = [index for index in entries if any(_fits(images[index], image) for image in wanted.runs)]
    ours = {each for each in wanted.runs if same_repository(each, wanted.image)}
    missed = {each for each in ours if not any(_fits(images[index], each) for index in working)}
    missing = sorted({repository_of(each) for each in missed})
    if not working and not missing:  # nothing is known of the base
        working, missing = entries, [] if entries else [wanted.image]
    idle = [index for index in entries if index not in working]
    renamed = dict(zip(idle, missing, strict=False))
    for index, name in renamed.items():
        # Kustomize compares names as texts, so this entry would change nothing.
        text = set_value(text, file, ("images", index, "name"), name)
    for index in (*working, *renamed):
        if {"newTag", "digest"} <= set(images[index]):
            line = document.line(("images", index, "newTag"))
            raise ConfigError("has both newTag and digest; remove newTag", file=file, line=line)
        text = _kustomize_digest(text, file, index, images[index], wanted.digest)
    for number, name in enumerate(missing[len(renamed) :]):
        entry = {"name": name, "digest": wanted.digest}
        text = set_value(text, file, ("images", len(images) + number), entry)
    yield {file: text}


def _fits(entry: dict[str, Any], image: str) -> bool:
    """Whether Kustomize applies an entry to an image: it compares their names as texts."""
    return entry.get("name") in (image, image.partition("@")[0], repository_of(image))


def _kustomize_digest(text: str, file: str, index: int, entry: dict[str, Any], digest: str) -> str:
    place: YamlPath = ("images", index)
    if "newTag" not in entry:
        return set_value(text, file, (*place, "digest"), digest)
    # A tag can move, and kustomize would write it next to the digest.
    text = set_value(text, file, (*place, "newTag"), digest)
    return rename_key(text, file, (*place, "newTag"), "digest")


def _kustomize_entries(images: list[Any], image: str) -> list[int]:
    """The indexes of all entries that stand for `image`, by their name or by the new name that they give."""
    return [
        index
        for index, entry in enumerate(images)
        if isinstance(entry, dict)
        and any(same_repository(str(entry[key]), image) for key in ("name", "newName") if entry.get(key))
    ]


def _helm(files: Mapping[str, str], wanted: _Wanted, name: str = "") -> Iterator[dict[str, str]]:
    file = _only(files, VALUES, "values.yaml")
    text, (data, document) = files[file], _mapping(file, files[file])
    if not name and isinstance(data.get("image"), list):
        line = document.line(("image",))
        raise ConfigError("`image` must be a mapping or a text", file=file, line=line)
    edits = (
        edited
        for place in image_places(data, wanted.image, name)
        for edited in image_values(text, file, data, wanted.image, wanted.digest, place)
    )
    for edited in dict.fromkeys(edits):
        yield {file: edited}


def _plain(files: Mapping[str, str], wanted: _Wanted) -> Iterator[dict[str, str]]:
    edited: dict[str, str] = {}
    for file in editable_files("plain", list(files)):
        text = files[file]
        for number, document in enumerate(load_documents(text, file)):
            for at, manifest in objects_in(document.value):
                for field in image_fields(manifest, wanted.image_rules):
                    if _is_wanted(field, wanted):
                        path, value = _by_digest(field, wanted, file, document.line)
                        text = set_value(text, file, (*at, *path), value, number)
                        edited[file] = text
    if not edited:
        what = (
            f"a container called {wanted.container}"
            if wanted.container
            else f"a container that runs {wanted.image}"
        )
        raise ConfigError(f"no manifest has {what}", file=", ".join(sorted(files)) or "overlay")
    yield edited


def _is_wanted(field: ImageField, wanted: _Wanted) -> bool:
    if wanted.container is not None and field.is_of_container:
        return field.owner == wanted.container
    return same_repository(field.image, wanted.image)


def _by_digest(field: ImageField, wanted: _Wanted, file: str, line: int) -> tuple[YamlPath, str]:
    """Where to write the digest, and what. A name of the same repository stays as somebody spelt it."""
    if isinstance(field.value, str):
        name = repository_of(field.value) if same_repository(field.value, wanted.image) else wanted.image
        return field.path, f"{name}@{wanted.digest}"
    if "digest" in field.value:
        return (*field.path, "digest"), wanted.digest
    for key in ("tag", name_key(field.value)):
        text = field.value.get(key)
        if isinstance(text, str) and "@" in text:
            return (*field.path, key), f"{text.partition('@')[0]}@{wanted.digest}"
    raise ConfigError(
        f"{build(field.path)} runs the image by a tag and has no `digest`",
        file=file,
        line=line,
        remedy="Add `digest:` there when the resource knows it, or write the image as one text.",
    )


Editor = Callable[[Mapping[str, str], _Wanted], Iterator[dict[str, str]]]
EDITORS: dict[str, Editor] = {"kustomize": _kustomize, "helm": _helm, "plain": _plain}
