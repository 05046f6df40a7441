"""Changes the image in an overlay, and nothing else: every other byte stays.

YAML is parsed only for the positions of its parts; the text is cut and put together around one place. Then
both texts are parsed and compared: were anything but the image different, the edit is refused. By renderer:

- kustomize: the entry of `images:` whose `name` or `newName` is the image; appended when there is none.
- helm: `image.repository` and `image.digest` in `values.yaml`; or `image:` when that is one text.
- plain: `image:` of the containers that run the image, or of the container that `towpath.yaml` names.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, TypeVar

import yaml

from towpath.errors import ConfigError
from towpath.yamlfile import MAX_BYTES, MAX_DEPTH, MAX_NODES, check_bounds

KUSTOMIZATIONS = ("kustomization.yaml", "kustomization.yml", "Kustomization")
VALUES = ("values.yaml", "values.yml")
_CONTAINERS = ("containers", "initContainers", "ephemeralContainers")
_PLAIN_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/@:-]*[A-Za-z0-9]")
MAX_DOCUMENTS = 1000
Node = yaml.Node
T = TypeVar("T")


def edit_image(
    renderer: str,
    files: Mapping[str, str],
    image: str,
    digest: str,
    *,
    container: str | None = None,
) -> dict[str, str]:
    """The files of an overlay (path -> text) that change when it is to run `image` (no tag) at `digest`.

    Raises ConfigError, naming the file, when there is no place for the image or it cannot be changed alone.
    """
    if not _PLAIN_SAFE.fullmatch(f"{image}@{digest}"):
        raise ValueError("not an image and a digest")
    edited = EDITORS[renderer](files, image, digest, container)
    return {path: text for path, text in edited.items() if text != files[path]}


def editable_files(renderer: str, names: list[str]) -> list[str]:
    """Of the file names in an overlay, those that `edit_image` wants to see."""
    wanted = {"kustomize": KUSTOMIZATIONS, "helm": VALUES}.get(renderer)
    if wanted:
        return [name for name in names if PurePosixPath(name).name in wanted][:1]
    return [name for name in sorted(names) if name.endswith((".yaml", ".yml")) and not _is_ours(name)]


def _is_ours(name: str) -> bool:
    return PurePosixPath(name).name in ("release.yaml", "quarantine.yaml")


def _only(files: Mapping[str, str], names: tuple[str, ...], called: str) -> str:
    for file in files:
        if PurePosixPath(file).name in names:
            return file
    raise ConfigError(f"the overlay has no {called}", file=called)


def _kustomize(files: Mapping[str, str], image: str, digest: str, _container: str | None) -> dict[str, str]:
    file = _only(files, KUSTOMIZATIONS, "kustomization.yaml")
    edit = _Edit(file, files[file])
    root = edit.root()
    images = _get(root, "images")
    entry = None if images is None else _kustomize_entry(edit, images, image)
    if entry is None:
        new = {"name": image, "digest": digest}
        wanted = edit.data()
        wanted["images"] = [*(wanted.get("images") or []), new]
        if images is None:
            edit.add_pair(root, "images", [new])
        else:
            edit.append(root, "images", images, new)
        return {file: edit.finish([wanted])}
    index, node = entry
    wanted = edit.data()
    wanted["images"][index].pop("newTag", None)
    wanted["images"][index]["digest"] = digest
    old, tag = _get(node, "digest"), _pair(node, "newTag")
    if old is not None and tag is not None:
        raise edit.error(tag[0], "has both newTag and digest; remove newTag")
    if old is not None:
        edit.set_scalar(old, digest)
    elif tag is not None:
        # A tag can move, and kustomize would write it next to the digest.
        edit.set_scalar(tag[1], digest)
        edit.set_scalar(tag[0], "digest")
    else:
        edit.add_pair(node, "digest", digest)
    return {file: edit.finish([wanted])}


def _kustomize_entry(edit: "_Edit", images: Node, image: str) -> tuple[int, yaml.MappingNode] | None:
    if _is_null(images):
        return None
    if not isinstance(images, yaml.SequenceNode):
        raise edit.error(images, "`images` must be a list")
    for key in ("newName", "name"):
        for index, node in enumerate(images.value):
            name = _get(node, key)
            if (
                isinstance(node, yaml.MappingNode)
                and isinstance(name, yaml.ScalarNode)
                and name.value == image
            ):
                return index, node
    return None


def _helm(files: Mapping[str, str], image: str, digest: str, _container: str | None) -> dict[str, str]:
    file = _only(files, VALUES, "values.yaml")
    edit = _Edit(file, files[file])
    root = edit.root()
    node = _get(root, "image")
    wanted = edit.data() or {}
    if node is None:
        wanted["image"] = {"repository": image, "digest": digest}
        edit.add_pair(root, "image", wanted["image"])
    elif isinstance(node, yaml.MappingNode):
        values = {"repository": image, "digest": digest}
        wanted["image"].update(values)
        new = {key: value for key, value in values.items() if _get(node, key) is None}
        for key in values.keys() - new.keys():
            edit.set_scalar(_some(_get(node, key)), values[key])
        if new:
            edit.add_pairs(node, new)
    elif isinstance(node, yaml.ScalarNode):
        wanted["image"] = f"{image}@{digest}"
        edit.set_scalar(node, wanted["image"])
    else:
        raise edit.error(node, "`image` must be a mapping or a text")
    return {file: edit.finish([wanted])}


def _plain(files: Mapping[str, str], image: str, digest: str, container: str | None) -> dict[str, str]:
    edited: dict[str, str] = {}
    for file in editable_files("plain", list(files)):
        edit = _Edit(file, files[file])
        wanted = edit.all_data()
        found = False
        for node, data in zip(edit.documents, wanted, strict=True):
            for place, item in _containers(node, data):
                current = _get(place, "image")
                if not isinstance(current, yaml.ScalarNode) or not _runs(item, image, container):
                    continue
                found = True
                item["image"] = f"{image}@{digest}"
                edit.set_scalar(current, item["image"])
        if found:
            edited[file] = edit.finish(wanted)
    if not edited:
        what = f"a container called {container}" if container else f"a container that runs {image}"
        raise ConfigError(f"no manifest has {what}", file=", ".join(sorted(files)) or "overlay")
    return edited


def _runs(item: dict[str, Any], image: str, container: str | None) -> bool:
    if container is not None:
        return item.get("name") == container
    return _repository(str(item.get("image"))) == image


def _repository(reference: str) -> str:
    """`host:5000/app:tag@sha256:…` -> `host:5000/app`"""
    name = reference.partition("@")[0]
    head, slash, last = name.rpartition("/")
    return f"{head}{slash}{last.partition(':')[0]}"


def _containers(node: Node, data: Any) -> Iterator[tuple[Node, dict[str, Any]]]:
    """Every container below a document: its node and its data."""
    if isinstance(node, yaml.MappingNode) and isinstance(data, dict):
        for key, value in node.value:
            below = data.get(key.value)
            if key.value in _CONTAINERS and isinstance(value, yaml.SequenceNode) and isinstance(below, list):
                for place, item in zip(value.value, below, strict=True):
                    if isinstance(item, dict):
                        yield place, item
            else:
                yield from _containers(value, below)
    elif isinstance(node, yaml.SequenceNode) and isinstance(data, list):
        for place, item in zip(node.value, data, strict=True):
            yield from _containers(place, item)


Editor = Callable[[Mapping[str, str], str, str, str | None], dict[str, str]]
EDITORS: dict[str, Editor] = {"kustomize": _kustomize, "helm": _helm, "plain": _plain}


@dataclass(frozen=True, slots=True)
class _Change:
    start: int
    end: int
    text: str


class _Edit:
    """One file's text, the positions of its parts, and the changes so far."""

    def __init__(self, file: str, text: str) -> None:
        self.file = file
        self.text = text
        self.newline = "\r\n" if "\r\n" in text else "\n"
        self.changes: list[_Change] = []
        if len(text) > MAX_BYTES:
            raise ConfigError(f"has more than {MAX_BYTES} bytes", file=file)
        check_bounds(text, file, documents=MAX_DOCUMENTS)
        # The pure-Python loader: its marks count characters of the text, whatever the line ends.
        nodes = list(yaml.compose_all(text, Loader=yaml.SafeLoader))
        self.documents = [node for node in nodes if node is not None and not _is_null(node)]

    def root(self) -> yaml.MappingNode:
        """The only document's mapping; an empty file counts as an empty mapping."""
        if not self.documents:
            mark = yaml.Mark(self.file, len(self.text), 0, 0, None, 0)
            return yaml.MappingNode("tag:yaml.org,2002:map", [], mark, mark, flow_style=False)
        node = self.documents[0]
        if len(self.documents) > 1 or not isinstance(node, yaml.MappingNode):
            raise ConfigError("must be one mapping", file=self.file)
        return node

    def data(self) -> Any:
        """A copy of the only document's data."""
        found = self.all_data()
        return found[0] if found else {}

    def all_data(self) -> list[Any]:
        """Every document's data, in the order of `documents`."""
        try:
            return _load(self.text)
        except yaml.YAMLError as error:
            raise ConfigError(f"not valid YAML: {error}", file=self.file) from error

    def set_scalar(self, node: Node, value: str) -> None:
        """Put `value` in the place of a scalar, with the quotes that it has."""
        if not isinstance(node, yaml.ScalarNode) or node.style in ("|", ">"):
            raise self.error(node, "is not a simple text, so it cannot be replaced")
        start, end = node.start_mark.index, node.end_mark.index
        quote = node.style or ""
        space = " " if start == end and self.text[start - 1 : start] == ":" else ""
        self.changes.append(_Change(start, end, f"{space}{quote}{value}{quote}"))

    def add_pair(self, mapping: yaml.MappingNode, key: str, value: Any) -> None:
        """Add one key at the end of a mapping, in the mapping's own style."""
        self.add_pairs(mapping, {key: value})

    def add_pairs(self, mapping: yaml.MappingNode, pairs: dict[str, Any]) -> None:
        """Add keys at the end of a mapping, in the mapping's own style."""
        if mapping.flow_style:
            text = ", ".join(f"{key}: {_flow(value)}" for key, value in pairs.items())
            self._insert_flow(mapping, text)
            return
        indent = mapping.value[0][0].start_mark.column if mapping.value else 0
        lines = [line for key, value in pairs.items() for line in _block(key, value)]
        if not mapping.value or mapping is self.documents[0]:
            self._insert_at_end(lines)
        else:
            self._insert_lines(mapping.value[-1][1], indent, lines)

    def append(self, parent: yaml.MappingNode, key: str, sequence: Node, item: dict[str, str]) -> None:
        """Add an item at the end of the list `key` of `parent`, in the list's own style."""
        lines = _item(item)
        if _is_null(sequence):
            name = _some(_pair(parent, key))[0]
            if parent.flow_style or sequence.start_mark.index != sequence.end_mark.index:
                start, end = sequence.start_mark.index, sequence.end_mark.index
                self.changes.append(_Change(start, end, f"[{_flow(item)}]"))
                return
            self._insert_lines(name, name.start_mark.column + 2, lines)
        elif not isinstance(sequence, yaml.SequenceNode):
            raise self.error(sequence, f"`{key}` must be a list")
        elif sequence.flow_style and not sequence.value and not parent.flow_style:
            indent = _some(_pair(parent, key))[0].start_mark.column + 2
            start, end = sequence.start_mark.index, sequence.end_mark.index
            # `images: [] # why` -> `images: # why`, then the item.
            start -= self.text[start - 1 : start] == " "
            self.changes.append(_Change(start, end, ""))
            self._insert_lines(sequence, indent, lines)
        elif sequence.flow_style:
            self._insert_flow(sequence, _flow(item))
        else:
            self._insert_lines(sequence.value[-1], sequence.start_mark.column, lines)

    def _insert_flow(self, node: yaml.CollectionNode, text: str) -> None:
        if node.value:
            last = node.value[-1]
            at = _end(last[1] if isinstance(last, tuple) else last)
            self.changes.append(_Change(at, at, f", {text}"))
        else:
            at = node.end_mark.index - 1
            self.changes.append(_Change(at, at, text))

    def _insert_lines(self, after: Node, indent: int, lines: list[str]) -> None:
        """Insert lines below the line where `after` ends, before any blank lines and comments."""
        at = _end(after)
        while at > 0 and self.text[at - 1] in "\r\n \t":
            at -= 1
        found = re.compile(r"[^\r\n]*").match(self.text, at)
        at = _some(found).end()
        text = "".join(f"{self.newline}{' ' * indent}{line}" for line in lines)
        self.changes.append(_Change(at, at, text))

    def _insert_at_end(self, lines: list[str]) -> None:
        """Insert lines at the end of the file, before a document's end mark."""
        mark = re.search(r"^\.\.\.[ \t]*\r?$", self.text, re.MULTILINE)
        at = mark.start() if mark else len(self.text)
        before = self.text[:at]
        gap = "" if not before or before.endswith("\n") else self.newline
        self.changes.append(_Change(at, at, gap + "".join(f"{line}{self.newline}" for line in lines)))

    def finish(self, wanted: list[Any]) -> str:
        """The new text; ConfigError unless its data is `wanted`."""
        text = self.text
        for change in sorted(self.changes, key=lambda change: (change.start, change.end), reverse=True):
            text = text[: change.start] + change.text + text[change.end :]
        try:
            same = _load(text) == wanted
        except yaml.YAMLError:
            same = False
        if not same:
            raise ConfigError(
                "the image cannot be changed alone (is there an anchor or an alias?)",
                file=self.file,
                remedy="Write the image's place plainly, without anchors, and run this again.",
            )
        return text

    def error(self, node: Node, message: str) -> ConfigError:
        """ConfigError at the line of `node`."""
        return ConfigError(message, file=self.file, line=node.start_mark.line + 1)


def _load(text: str) -> list[Any]:
    """Every document as texts, lists and mappings, with aliases written out so that no part is shared."""
    build = _Build()
    nodes = yaml.compose_all(text, Loader=yaml.SafeLoader)
    return [build(node, 0) for node in nodes if node is not None and not _is_null(node)]


class _Build:
    """Counts while it builds: an alias may stand for more than the text shows."""

    def __init__(self) -> None:
        self.nodes = 0

    def __call__(self, node: Node, depth: int) -> Any:
        self.nodes += 1
        if self.nodes > MAX_NODES or depth > MAX_DEPTH:
            raise yaml.YAMLError("aliases stand for too much")
        if isinstance(node, yaml.MappingNode):
            # A key may be anything in YAML; what is no text is none of ours and only compared.
            return {_key(key): self(value, depth + 1) for key, value in node.value}
        if isinstance(node, yaml.SequenceNode):
            return [self(item, depth + 1) for item in node.value]
        return node.value


def _key(node: Node) -> str:
    return str(node.value)


def _get(node: Node, key: str) -> Node | None:
    found = _pair(node, key)
    return found[1] if found else None


def _pair(node: Node, key: str) -> tuple[Node, Node] | None:
    if not isinstance(node, yaml.MappingNode):
        return None
    return next((pair for pair in node.value if pair[0].value == key), None)


def _some(value: T | None) -> T:
    assert value is not None  # noqa: S101  the caller has looked
    return value


def _is_null(node: Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:null"


def _end(node: Node) -> int:
    """Where the last character of a node's own text ends; a block's end mark is where the next one begins."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _end(last[1] if isinstance(last, tuple) else last)
    return int(node.end_mark.index)


def _flow(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_flow(item) for item in value) + "]"
    return str(value)


def _block(key: str, value: Any) -> list[str]:
    if isinstance(value, dict):
        return [f"{key}:", *(f"  {line}" for name, item in value.items() for line in _block(name, item))]
    if isinstance(value, list):
        return [f"{key}:", *(f"  {line}" for item in value for line in _item(item))]
    return [f"{key}: {value}"]


def _item(item: dict[str, str]) -> list[str]:
    first, *rest = (f"{key}: {value}" for key, value in item.items())
    return [f"- {first}", *(f"  {line}" for line in rest)]
