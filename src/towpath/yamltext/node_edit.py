"""Replaces, adds or removes the text of one YAML node. Every other byte of the text stays.

The functions take the whole text and its nodes (nodes.py), which tell where things stand.
They do not check their result: yamltext/editor.py does.
"""

import re
from typing import Any

from towpath.errors import ConfigError
from towpath.yamltext.nodes import MappingNode, Node, SequenceNode, key_of
from towpath.yamltext.path import YamlPath
from towpath.yamltext.style import block, inline_in, list_item, literal, quoted


def set_node(text: str, nodes: list[Node], path: YamlPath, value: Any, document: int) -> str:
    """The text with `value` at `path` of a document; `nodes` are the roots of the documents.

    Raises ConfigError where the text has no place for a missing key or item.
    """
    if not nodes and not document:
        key, nested = _nest(path, value)
        return _append_lines(text, block(key, nested))
    node = nodes[document]
    parents: list[Node] = []
    for depth, step in enumerate(path):
        child = child_of(node, step)
        if child is None:
            return _add(text, parents, node, path[depth:], value)
        parents.append(node)
        node = child
    return _replace(text, node, value)


def remove_node(text: str, root: Node, path: YamlPath) -> str:
    """The text without the node at `path`; a collection that loses its last item becomes `{}` or `[]`."""
    parent = existing_node(root, path[:-1])
    step = path[-1]
    assert isinstance(parent, MappingNode | SequenceNode)  # noqa: S101  the data had it
    if isinstance(parent, MappingNode):
        index = next(i for i, (key, _) in enumerate(parent.value) if key_of(key) == step)
        starts = [key.start for key, _ in parent.value]
        end = _end(parent.value[index][1])
    else:
        index = int(step)
        starts = [item.start for item in parent.value]
        end = _end(parent.value[index])
    start = starts[index]
    if len(starts) == 1:
        return _emptied(text, parent)
    if parent.flow:
        if index + 1 < len(starts):
            return text[:start] + text[starts[index + 1] :]
        return text[: _end(_value_node(parent.value[index - 1]))] + text[end:]
    line = text.rfind("\n", 0, start) + 1
    if isinstance(parent, MappingNode) and text[line:start].strip() and index == 0:
        return text[:start] + text[starts[1] :]  # its first line has the dash of a list
    while end > start and text[end - 1] in "\r\n \t":
        end -= 1
    line_end = text.find("\n", end)
    return text[:line] + (text[line_end + 1 :] if line_end >= 0 else "")


def child_of(node: Node, step: str | int) -> Node | None:
    """The value of a key, or the item of an index; None when `node` does not have it."""
    if isinstance(node, MappingNode) and isinstance(step, str):
        return next((value for key, value in reversed(node.value) if key_of(key) == step), None)
    if isinstance(node, SequenceNode) and isinstance(step, int) and step < len(node.value):
        item: Node = node.value[step]
        return item
    return None


def existing_node(root: Node, path: YamlPath) -> Node:
    """The node at `path`. Raises ConfigError when it is missing."""
    node = root
    for step in path:
        child = child_of(node, step)
        if child is None:
            raise ConfigError(f"has no {step!r}", file="")
        node = child
    return node


def _replace(text: str, node: Node, value: Any) -> str:
    start, end = node.start, _end(node)
    # The text of a block scalar includes the line break after it.
    line_break = newline_of(text) if text[start:end].endswith("\n") else ""
    style = node.quote
    if isinstance(value, str) and "\n" in value and style in ("|", ">") and (lines := literal(value)):
        indent = " " * (_key_column(text, start) + 2)
        joined = newline_of(text).join([lines[0], *(indent + line if line else "" for line in lines[1:])])
        return text[:start] + joined + line_break + text[end:]
    new = quoted(value, style) if isinstance(value, str) and style in ('"', "'") else inline_in(text, value)
    space = _missing_space(text, start, end) + _indent_below_key(text, node)
    return text[:start] + space + new + line_break + text[end:]


def _add(text: str, parents: list[Node], node: Node, path: YamlPath, value: Any) -> str:
    """Add `path`, which is missing below `node`; `parents` lead from the document to `node`."""
    parent = parents[-1] if parents else None
    if isinstance(parent, MappingNode) and not parent.flow and _is_hollow(text, node):
        return _fill_hollow(text, parent, node, path, value)
    if node.is_null:
        nested = _nest(("", *path), value)[1]
        start, end = node.start, node.end
        return text[:start] + _missing_space(text, start, end) + inline_in(text, nested) + text[end:]
    name, nested = _nest(path, value)
    if isinstance(node, MappingNode) and isinstance(path[0], str):
        lines, flow = block(name, nested), f"{inline_in(text, name)}: {inline_in(text, nested)}"
    elif isinstance(node, SequenceNode) and path[0] == len(node.value):
        lines, flow = list_item(nested), inline_in(text, nested)
    else:
        raise ConfigError(f"has no place for {path[0]!r}", file="", line=node.line)
    if node.flow:
        return _append_flow(text, node, flow)
    column = node.column
    if parents or "\n---" in text[_end(node) :]:
        return _insert_below(text, node, column, lines)
    return _append_lines(text, [f"{' ' * column}{line}" if line else line for line in lines])


def _fill_hollow(text: str, parent: MappingNode, node: Node, path: YamlPath, value: Any) -> str:
    """`key:` or `key: []  # why` becomes `key:  # why`, with lines below it."""
    key = next(key for key, key_value in parent.value if key_value is node)
    name, nested = _nest(path, value)
    lines = list_item(nested) if path[0] == 0 else block(name, nested)
    added = _insert_below(text, key, key.column + 2, lines)
    start = node.start
    return added[: start - (added[start - 1] == " ")] + added[node.end :]


def _is_hollow(text: str, node: Node) -> bool:
    """Whether the node has no text at all, or is `[]`."""
    if isinstance(node, SequenceNode):
        return bool(node.flow) and not node.value
    return node.is_null and not text[node.start : node.end]


def _append_lines(text: str, lines: list[str]) -> str:
    """Add lines at the end of the text, before the end mark of a document."""
    newline = newline_of(text)
    mark = re.search(r"^\.\.\.[ \t]*\r?$", text, re.MULTILINE)
    at = mark.start() if mark else len(text)
    gap = newline if text[:at] and not text[:at].endswith("\n") else ""
    return text[:at] + gap + "".join(line + newline for line in lines) + text[at:]


def _append_flow(text: str, node: MappingNode | SequenceNode, new: str) -> str:
    """Add an entry to a collection in flow style."""
    if node.value:
        at = _end(_value_node(node.value[-1]))
        return f"{text[:at]}, {new}{text[at:]}"
    at = node.end - 1
    return text[:at] + new + text[at:]


def _insert_below(text: str, node: Node, indent: int, lines: list[str]) -> str:
    """Insert lines below the line where `node` ends, before the blank lines and comments that follow."""
    at = _end(node)
    while at > 0 and text[at - 1] in "\r\n \t":
        at -= 1
    rest = re.compile(r"[^\r\n]*").match(text, at)
    at = rest.end() if rest else at
    newline = newline_of(text)
    new = "".join(f"{newline}{' ' * indent}{line}" if line else newline for line in lines)
    return text[:at] + new + text[at:]


def _emptied(text: str, node: MappingNode | SequenceNode) -> str:
    """The text with an empty collection in place of `node`."""
    empty = "{}" if isinstance(node, MappingNode) else "[]"
    start, end = node.start, _end(node)
    line_break = newline_of(text) if text[start:end].endswith("\n") else ""
    return text[:start] + _indent_below_key(text, node) + empty + line_break + text[end:]


def _nest(path: YamlPath, value: Any) -> tuple[str, Any]:
    """(the first step, `value` inside of the other steps)."""
    for step in reversed(path[1:]):
        value = [value] if isinstance(step, int) else {step: value}
    return str(path[0]), value


def _missing_space(text: str, start: int, end: int) -> str:
    """The space that an empty value needs between its `:` or `-` and a new text."""
    return " " if start == end and text[start - 1 : start] in (":", "-") else ""


def _indent_below_key(text: str, node: Node) -> str:
    """What a value needs in the place of a list, whose dashes may stand below the first letter of the key."""
    is_list = isinstance(node, SequenceNode) and not node.flow
    return "  " if is_list and not text[node.start - node.column : node.start].strip() else ""


def _value_node(entry: Any) -> Node:
    """The value of an entry of a mapping, which PyYAML gives as (key, value); the item of a list."""
    node: Node = entry[1] if isinstance(entry, tuple) else entry
    return node


def _end(node: Node) -> int:
    """The index after the last character of the node. In PyYAML the end mark of a block is the next start."""
    if isinstance(node, MappingNode | SequenceNode) and not node.flow and node.value:
        return _end(_value_node(node.value[-1]))
    return int(node.end)


def _key_column(text: str, at: int) -> int:
    """The column where the key of the value at index `at` begins, after the dashes of lists."""
    line = text[text.rfind("\n", 0, at) + 1 : at]
    dashes = re.match(r"[ ]*(?:-[ ]+)*", line)
    return dashes.end() if dashes else 0


def newline_of(text: str) -> str:
    """The line break that the text uses."""
    return "\r\n" if "\r\n" in text else "\n"
