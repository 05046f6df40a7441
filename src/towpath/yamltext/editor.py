"""Sets, removes or renames one value in a YAML text that a person wrote, and keeps every other byte.

YAML is parsed only for the positions of its parts; the text is cut around one place. Then both texts are read
and compared: were anything but that value different, the rewrite is refused.
"""

import copy
import itertools
import json
import re
from typing import Any

import yaml

from towpath.errors import ConfigError
from towpath.yamltext.config_reader import check_bounds
from towpath.yamltext.manifest_reader import load_documents
from towpath.yamltext.writer import is_ambiguous

Path = tuple[str | int, ...]
"""Keys and list indexes; the index after the last item appends."""
MAX_DOCUMENTS = 1000
_NULL = "tag:yaml.org,2002:null"
_SAFE = re.compile(r"[A-Za-z0-9_/][A-Za-z0-9_./@-]*(?::[A-Za-z0-9_./@-]+)*(?: [A-Za-z0-9_./@-]+)*")
_LITERAL = re.compile(r"(?! )[^\t\r\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff]*")


def set_value(text: str, file: str, path: Path, value: Any, document: int = 0) -> str:
    """The text with `value` at `path` of a document (those that are empty do not count).

    Missing keys on the way are added. Raises ConfigError when it cannot be done without touching more.
    """
    wanted = _data(text, file)
    if not wanted and not document:
        wanted = [{}]
    _put(wanted[document], path, value)
    return _checked(_set(text, _nodes(text, file), path, value, document), wanted, file)


def remove_value(text: str, file: str, path: Path, document: int = 0) -> str:
    """The text without what is at `path` of a document. Raises ConfigError as `set_value` does."""
    wanted = _data(text, file)
    parent = wanted[document]
    for step in path[:-1]:
        parent = parent[step]
    del parent[path[-1]]
    return _checked(_remove(text, _nodes(text, file)[document], path), wanted, file)


def rename_key(text: str, file: str, path: Path, name: str, document: int = 0) -> str:
    """The text with another name for the key at `path`, in the quotes that it has."""
    wanted = _data(text, file)
    parent = wanted[document]
    for step in path[:-1]:
        parent = parent[step]
    items = [(name if key == path[-1] else key, value) for key, value in parent.items()]
    parent.clear()
    parent.update(items)
    node = _nodes(text, file)[document]
    for step in path[:-1]:
        node = _some(_child(node, step), step)
    key = next(key for key, _ in node.value if key.value == path[-1])
    start, end = key.start_mark.index, key.end_mark.index
    new = _quoted(name, key.style) if key.style else inline(name)
    return _checked(text[:start] + new + text[end:], wanted, file)


def inline(value: Any) -> str:
    """A value on one line, quoted where a YAML reader of any version could take it for something else."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{inline(key)}: {inline(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(inline, value)) + "]"
    if isinstance(value, str) and _SAFE.fullmatch(value) and not is_ambiguous(value):
        return value
    return json.dumps(value, ensure_ascii=False)


def block(key: str, value: Any) -> list[str]:
    """The lines of one key in block style."""
    if isinstance(value, str) and "\n" in value and (lines := _literal(value)):
        return [f"{inline(key)}: {lines[0]}", *(f"  {line}" if line else "" for line in lines[1:])]
    if isinstance(value, dict) and value:
        inner = [line for name, item in value.items() for line in block(name, item)]
        return [f"{inline(key)}:", *(f"  {line}" if line else "" for line in inner)]
    if isinstance(value, list) and value:
        inner = [line for item in value for line in _item(item)]
        return [f"{inline(key)}:", *(f"  {line}" if line else "" for line in inner)]
    return [f"{inline(key)}: {inline(value)}"]


def _item(value: Any) -> list[str]:
    if isinstance(value, dict) and value:
        first, *rest = (line for name, item in value.items() for line in block(name, item))
        return [f"- {first}", *(f"  {line}" if line else "" for line in rest)]
    return [f"- {inline(value)}"]


def _literal(value: str) -> list[str] | None:
    """A block scalar's header and lines; None when its text cannot be one."""
    body = value.removesuffix("\n")
    lines = body.split("\n")
    if not all(_LITERAL.fullmatch(line) and line == line.rstrip() for line in lines[:1]):
        return None
    if any(re.search(r"[\t\r\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff]|\s$", line) for line in lines):
        return None
    if not lines[0] or not lines[-1]:
        return None
    return ["|" if value.endswith("\n") else "|-", *lines]


def _set(text: str, nodes: list[yaml.Node], path: Path, value: Any, document: int) -> str:
    if not nodes and not document:
        key, below = _nest(path, value)
        return _at_end(text, block(key, below))
    node = nodes[document]
    parents: list[yaml.Node] = []
    for depth, step in enumerate(path):
        child = _child(node, step)
        if child is None:
            return _add(text, parents, node, path[depth:], value)
        parents.append(node)
        node = child
    start, end = node.start_mark.index, _end(node)
    old = text[start:end]
    tail = _newline(text) if old.endswith("\n") else ""  # a block scalar reaches into the next line
    space = " " if start == end and text[start - 1 : start] in (":", "-") else ""
    style = node.style if isinstance(node, yaml.ScalarNode) else None
    if isinstance(value, str) and "\n" in value and style in ("|", ">") and (lines := _literal(value)):
        indent = " " * (_indent(text, start) + 2)
        joined = _newline(text).join([lines[0], *(indent + line if line else "" for line in lines[1:])])
        return text[:start] + joined + tail + text[end:]
    new = _quoted(value, style) if isinstance(value, str) and style in ('"', "'") else inline(value)
    return text[:start] + space + new + tail + text[end:]


def _quoted(value: str, style: str | None) -> str:
    """In the quotes that were there."""
    if style == "'" and re.fullmatch(r"[^'\n\r\t\x00-\x1f]*", value):
        return f"'{value}'"
    return json.dumps(value, ensure_ascii=False)


def _add(text: str, parents: list[yaml.Node], node: yaml.Node, path: Path, value: Any) -> str:
    """Add what is missing of `path` below `node`, which is below its `parents`, the document first."""
    parent = parents[-1] if parents else None
    if isinstance(parent, yaml.MappingNode) and not parent.flow_style and _is_hollow(text, node):
        return _open(text, parent, node, path, value)
    if isinstance(node, yaml.ScalarNode) and node.tag == _NULL:
        whole = _nest(("", *path), value)[1]
        start, end = node.start_mark.index, node.end_mark.index
        space = " " if start == end and text[start - 1 : start] in (":", "-") else ""
        return text[:start] + space + inline(whole) + text[end:]
    name, nested = _nest(path, value)
    if isinstance(node, yaml.MappingNode) and isinstance(path[0], str):
        lines, flow = block(name, nested), f"{inline(name)}: {inline(nested)}"
    elif isinstance(node, yaml.SequenceNode) and path[0] == len(node.value):
        lines, flow = _item(nested), inline(nested)
    else:
        raise ConfigError(f"has no place for {path[0]!r}", file="", line=node.start_mark.line + 1)
    if node.flow_style:
        return _into_flow(text, node, flow)
    column = node.start_mark.column
    if parents or "\n---" in text[_end(node) :]:
        return _below(text, node, column, lines)
    return _at_end(text, [f"{' ' * column}{line}" if line else line for line in lines])


def _open(text: str, parent: yaml.MappingNode, node: yaml.Node, path: Path, value: Any) -> str:
    """`key:` or `key: []  # why` becomes `key:  # why`, and lines below it."""
    key = next(key for key, below in parent.value if below is node)
    name, nested = _nest(path, value)
    lines = _item(nested) if path[0] == 0 else block(name, nested)
    added = _below(text, key, key.start_mark.column + 2, lines)
    start = node.start_mark.index
    return added[: start - (added[start - 1] == " ")] + added[node.end_mark.index :]


def _is_hollow(text: str, node: yaml.Node) -> bool:
    """Whether nothing stands there, or an empty list."""
    if isinstance(node, yaml.SequenceNode):
        return bool(node.flow_style) and not node.value
    return node.tag == _NULL and not text[node.start_mark.index : node.end_mark.index]


def _at_end(text: str, lines: list[str]) -> str:
    """Lines at the end of the file, before a document's end mark."""
    newline = _newline(text)
    mark = re.search(r"^\.\.\.[ \t]*\r?$", text, re.MULTILINE)
    at = mark.start() if mark else len(text)
    gap = newline if text[:at] and not text[:at].endswith("\n") else ""
    return text[:at] + gap + "".join(line + newline for line in lines) + text[at:]


def _nest(path: Path, value: Any) -> tuple[str, Any]:
    """The first key, and the value with the other steps around it."""
    for step in reversed(path[1:]):
        value = [value] if isinstance(step, int) else {step: value}
    return str(path[0]), value


def _into_flow(text: str, node: yaml.CollectionNode, new: str) -> str:
    if node.value:
        last = node.value[-1]
        at = _end(last[1] if isinstance(last, tuple) else last)
        return f"{text[:at]}, {new}{text[at:]}"
    at = node.end_mark.index - 1
    return text[:at] + new + text[at:]


def _below(text: str, node: yaml.Node, indent: int, lines: list[str]) -> str:
    """Insert lines below the line where `node` ends, before blank lines and comments that follow."""
    at = _end(node)
    while at > 0 and text[at - 1] in "\r\n \t":
        at -= 1
    rest = re.compile(r"[^\r\n]*").match(text, at)
    at = rest.end() if rest else at
    newline = _newline(text)
    new = "".join(f"{newline}{' ' * indent}{line}" if line else newline for line in lines)
    return text[:at] + new + text[at:]


def _remove(text: str, root: yaml.Node, path: Path) -> str:
    parent = root
    for step in path[:-1]:
        parent = _some(_child(parent, step), step)
    step = path[-1]
    assert isinstance(parent, yaml.CollectionNode)  # noqa: S101  the data had it
    if isinstance(parent, yaml.MappingNode):
        index = next(i for i, (key, _) in enumerate(parent.value) if key.value == step)
        starts = [key.start_mark.index for key, _ in parent.value]
        end = _end(parent.value[index][1])
    else:
        index = int(step)
        starts = [item.start_mark.index for item in parent.value]
        end = _end(parent.value[index])
    start = starts[index]
    if len(starts) == 1:
        # The last one leaves an empty collection behind.
        empty = "{}" if isinstance(parent, yaml.MappingNode) else "[]"
        begin = parent.start_mark.index
        tail = _newline(text) if text[begin : _end(parent)].endswith("\n") else ""
        return text[:begin] + empty + tail + text[_end(parent) :]
    if parent.flow_style:
        if index + 1 < len(starts):
            return text[:start] + text[starts[index + 1] :]
        before = parent.value[index - 1]
        return text[: _end(before[1] if isinstance(before, tuple) else before)] + text[end:]
    line = text.rfind("\n", 0, start) + 1
    head = text[line:start]
    if isinstance(parent, yaml.MappingNode) and head.strip() and index == 0:
        return text[:start] + text[starts[1] :]  # its first line has the dash of a list
    while end > start and text[end - 1] in "\r\n \t":
        end -= 1
    following = text.find("\n", end)
    return text[:line] + (text[following + 1 :] if following >= 0 else "")


def _child(node: yaml.Node, step: str | int) -> yaml.Node | None:
    if isinstance(node, yaml.MappingNode) and isinstance(step, str):
        return next((value for key, value in node.value if key.value == step), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        found: yaml.Node = node.value[step]
        return found
    return None


def _some(node: yaml.Node | None, step: str | int) -> yaml.Node:
    if node is None:
        raise ConfigError(f"has no {step!r}", file="")
    return node


def _end(node: yaml.Node) -> int:
    """Where the last character of a node's own text ends; a block's end mark is where the next one begins."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _end(last[1] if isinstance(last, tuple) else last)
    return int(node.end_mark.index)


def _indent(text: str, at: int) -> int:
    """The column where the key of the value at `at` begins, behind the dashes of lists."""
    line = text[text.rfind("\n", 0, at) + 1 : at]
    found = re.match(r"[ ]*(?:-[ ]+)*", line)
    return found.end() if found else 0


def _newline(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _nodes(text: str, file: str) -> list[yaml.Node]:
    check_bounds(text, file, documents=MAX_DOCUMENTS)
    # The pure-Python loader: its marks count characters of the text, whatever the line ends.
    nodes = yaml.compose_all(text, Loader=yaml.SafeLoader)
    return [node for node in nodes if node is not None and node.tag != _NULL]


def _data(text: str, file: str) -> list[Any]:
    # A copy without aliases: no part of it is shared with another.
    return [json.loads(json.dumps(document.value)) for document in load_documents(text, file)]


def _put(data: Any, path: Path, value: Any) -> None:
    for step, following in itertools.pairwise(path):
        empty: Any = [] if isinstance(following, int) else {}
        if isinstance(step, int):
            if step == len(data):
                data.append(empty)
        elif data.get(step) is None:
            data[step] = empty
        data = data[step]
    if isinstance(data, list) and path[-1] == len(data):
        data.append(copy.deepcopy(value))
    else:
        data[path[-1]] = copy.deepcopy(value)


def _checked(text: str, wanted: list[Any], file: str) -> str:
    try:
        same = _data(text, file) == wanted
    except ConfigError:
        same = False
    if not same:
        raise ConfigError("that value cannot be changed alone (is there an anchor or an alias?)", file=file)
    return text
