"""Where each value stands in a YAML text: nodes with the indexes of their first and last characters.

They are made of the same events as the values (reader.py). libyaml counts lines and columns exactly, but not
characters, so indexes are looked up by line.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from towpath.errors import ConfigError
from towpath.yamltext.path import YamlPath
from towpath.yamltext.reader import TAG, Loader, replace_surrogates, syntax_error
from towpath.yamltext.scalars import KUBERNETES, MERGE, NULLS, key_text

_LINE_BREAK = re.compile("\r\n|[\r\n\x85\u2028\u2029]")


@dataclass(slots=True, eq=False)
class Node:
    """A scalar; the other classes are collections. `end` is the index after the last character.

    The end of a collection in block style is where the next token begins. `quote` is the style of the scalar:
    `'`, `"`, `|`, `>`, or empty for a plain one. `is_text`: its quotes or its tag make it a text.
    """

    start: int
    end: int
    line: int
    column: int
    text: str = ""
    quote: str = ""
    is_null: bool = False
    is_text: bool = False


@dataclass(slots=True, eq=False)
class MappingNode(Node):
    flow: bool = False
    value: list[tuple[Node, Node]] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class SequenceNode(Node):
    flow: bool = False
    value: list[Node] = field(default_factory=list)


def compose(text: str, file: str) -> list[Node]:
    """The root of each document that is not empty. `text` was read before, so that it is within limits.

    An alias is the node that it names. Raises ConfigError when `text` is not YAML.
    """
    composer = _Composer(text, file)
    try:
        return [node for node in composer.documents() if not node.is_null]
    except yaml.YAMLError as error:
        raise syntax_error(error, file) from None
    finally:
        composer.loader.dispose()


def key_of(node: Node) -> str | None:
    """The key as the tools of Kubernetes name it (`on` is `true`); None for one that they refuse."""
    if node.is_text:
        return node.text
    try:
        value = KUBERNETES.resolve(node.text)
        return node.text if value is MERGE else key_text(value, node.text)
    except ValueError:
        return None


def is_merge(key: Node) -> bool:
    """Whether the key is `<<`, which merges mappings."""
    return key.text == "<<" and not key.is_text


def lines_of(root: Node) -> Mapping[YamlPath, int]:
    """The line (from 1) of every key and item; behind an alias there are none."""
    lines: dict[YamlPath, int] = {(): root.line}
    seen: set[int] = set()
    pending: list[tuple[YamlPath, Node]] = [((), root)]
    while pending:
        path, node = pending.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, MappingNode):
            for key, value in node.value:
                lines.setdefault((*path, key.text), key.line)
                pending.append(((*path, key.text), value))
        elif isinstance(node, SequenceNode):
            for index, item in enumerate(node.value):
                lines[(*path, index)] = item.line
                pending.append(((*path, index), item))
    return lines


class _Composer:
    def __init__(self, text: str, file: str) -> None:
        self.loader = Loader(replace_surrogates(text, lambda pair: "x" * len(pair)))
        self._file = file
        self._length = len(text)
        self._starts = [0, *(found.end() for found in _LINE_BREAK.finditer(text))]
        self._anchors: dict[str, Node] = {}

    def documents(self) -> list[Node]:
        roots = []
        while not isinstance(event := self.loader.get_event(), yaml.StreamEndEvent):
            if isinstance(event, yaml.DocumentStartEvent):
                self._anchors.clear()
                roots.append(self._node(self.loader.get_event()))
        return roots

    def _node(self, event: Any) -> Node:
        if isinstance(event, yaml.AliasEvent):
            node = self._anchors.get(str(event.anchor))
            if node is None:
                raise ConfigError("an alias to an anchor that is not (yet) there", file=self._file)
            return node
        mark = event.start_mark
        place = (self._index(mark), self._index(event.end_mark), mark.line + 1, mark.column)
        node = self._made(event, place)
        if event.anchor:
            self._anchors[event.anchor] = node
        return node

    def _made(self, event: Any, place: tuple[int, int, int, int]) -> Node:
        get_event = self.loader.get_event
        if isinstance(event, yaml.ScalarEvent):
            plain = event.implicit[0] and not event.style
            is_null = event.tag == f"{TAG}null" or (plain and not event.tag and event.value in NULLS)
            is_text = event.tag in ("!", f"{TAG}str") or not (event.tag or plain)
            quote = event.style or ""
            return Node(*place, text=event.value, quote=quote, is_null=is_null, is_text=is_text)
        node: MappingNode | SequenceNode
        flow = bool(event.flow_style)
        if isinstance(event, yaml.MappingStartEvent):
            node = mapping = MappingNode(*place, flow=flow)
            while not isinstance(event := get_event(), yaml.MappingEndEvent):
                key = self._node(event)
                mapping.value.append((key, self._node(get_event())))
        else:
            node = sequence = SequenceNode(*place, flow=flow)
            while not isinstance(event := get_event(), yaml.SequenceEndEvent):
                sequence.value.append(self._node(event))
        node.end = self._index(event.end_mark)
        return node

    def _index(self, mark: Any) -> int:
        if mark.line >= len(self._starts):  # libyaml ends a last line that has no end
            return self._length
        index: int = self._starts[mark.line] + mark.column
        return index
