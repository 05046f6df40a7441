"""The line of a value in a YAML file, for findings about fields of objects that were read from it."""

from collections.abc import Mapping

import yaml

_SafeLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class ValueLines:
    """Finds lines in one file. A text that cannot be read has none."""

    def __init__(self, text: str) -> None:
        self._documents: dict[int, yaml.Node] = {}
        try:
            for node in yaml.compose_all(text, Loader=_SafeLoader):
                if node is not None:
                    self._documents[node.start_mark.line + 1] = node
        except yaml.YAMLError:
            return

    def line(self, document_line: int, path: tuple[str | int, ...], name: Mapping[str, str]) -> int:
        """The line of the value, or of the nearest one above it that the document has.

        `document_line` is the line of the document's first node. `name` has the kind and name of the object,
        which may be an item of a List.
        """
        top = self._documents.get(document_line)
        if top is None:
            return document_line
        node, line = _object(top, name), document_line
        if node is not top:
            line = node.start_mark.line + 1
        for step in path:
            inner = _step(node, step)
            if inner is None:
                return line
            node, line = inner
        return line


def _object(top: yaml.Node, name: Mapping[str, str]) -> yaml.Node:
    """The object itself, or the item of a List that has this kind and name."""
    items = _value(top, "items")
    kind = _value(top, "kind")
    if not (isinstance(items, yaml.SequenceNode) and kind is not None and str(kind.value).endswith("List")):
        return top
    for item in items.value:
        own = _value(_value(item, "metadata"), "name")
        kind = _value(item, "kind")
        if own is not None and own.value == name["name"] and (kind is None or kind.value == name["kind"]):
            return _object(item, name)
    return top


def _value(node: yaml.Node | None, key: str) -> yaml.Node | None:
    found = _step(node, key) if node is not None else None
    return found[0] if found else None


def _step(node: yaml.Node, step: str | int) -> tuple[yaml.Node, int] | None:
    """The value below, and the line to show for it: the key's, for a key."""
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int):
        if step >= len(node.value):
            return None
        return node.value[step], node.value[step].start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        merged: list[yaml.Node] = []
        for key, value in node.value:
            if key.value == step:
                return value, key.start_mark.line + 1
            if key.tag == "tag:yaml.org,2002:merge":
                merged.extend(value.value if isinstance(value, yaml.SequenceNode) else [value])
        for each in merged:
            if (found := _step(each, step)) is not None:
                return found
    return None
