"""The line of a value in a YAML file, for findings about fields of objects that were read from it."""

from collections.abc import Mapping

from towpath.errors import ConfigError
from towpath.yamltext.nodes import MappingNode, Node, SequenceNode, compose, is_merge, key_of


class ValueLines:
    """Finds lines in one file. A text that cannot be read has none."""

    def __init__(self, text: str) -> None:
        try:
            self._documents = {node.line: node for node in compose(text, "")}
        except ConfigError:
            self._documents = {}

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
            line = node.line
        for step in path:
            inner = _step(node, step)
            if inner is None:
                return line
            node, line = inner
        return line


def _object(top: Node, name: Mapping[str, str]) -> Node:
    """The object itself, or the item of a List that has this kind and name."""
    items = _value(top, "items")
    kind = _value(top, "kind")
    if not (isinstance(items, SequenceNode) and kind is not None and kind.text.endswith("List")):
        return top
    for item in items.value:
        own = _value(_value(item, "metadata"), "name")
        kind = _value(item, "kind")
        if own is not None and own.text == name["name"] and (kind is None or kind.text == name["kind"]):
            return _object(item, name)
    return top


def _value(node: Node | None, key: str) -> Node | None:
    found = _step(node, key) if node is not None else None
    return found[0] if found else None


def _step(node: Node, step: str | int) -> tuple[Node, int] | None:
    """The value below, and the line to show for it: the key's, for a key."""
    if isinstance(node, SequenceNode) and isinstance(step, int):
        if step >= len(node.value):
            return None
        return node.value[step], node.value[step].line
    if isinstance(node, MappingNode):
        merged: list[Node] = []
        for key, value in node.value:
            if key_of(key) == step:
                return value, key.line
            if is_merge(key):
                merged.extend(value.value if isinstance(value, SequenceNode) else [value])
        for each in merged:
            if (found := _step(each, step)) is not None:
                return found
    return None
