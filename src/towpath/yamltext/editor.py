"""Sets, removes or renames one value in a YAML text that a person wrote, and keeps every other byte.

PyYAML tells where each node stands; the text is cut around one of them (node_edit.py). The result is read
again and refused when it differs in anything but that value.
"""

import copy
import itertools
import json
from typing import Any

import yaml

from towpath.errors import ConfigError
from towpath.yamltext.config_reader import check_bounds
from towpath.yamltext.manifest_reader import load_documents
from towpath.yamltext.node_edit import NULL_TAG, existing_node, remove_node, set_node
from towpath.yamltext.path import YamlPath
from towpath.yamltext.style import inline, quoted

MAX_DOCUMENTS = 1000


def set_value(text: str, file: str, path: YamlPath, value: Any, document: int = 0) -> str:
    """The text with `value` at `path` of a document; missing keys on the way are added.

    `file` is the name of the text in errors. `document` counts from 0 and leaves out empty documents. Raises
    ConfigError when other values would change too.
    """
    expected = _data(text, file)
    if not expected and not document:
        expected = [{}]
    put_value(expected[document], path, value)
    return _checked(set_node(text, _nodes(text, file), path, value, document), expected, file)


def remove_value(text: str, file: str, path: YamlPath, document: int = 0) -> str:
    """The text without the value at `path` of a document. Arguments and errors as of `set_value`."""
    expected = _data(text, file)
    parent = expected[document]
    for step in path[:-1]:
        parent = parent[step]
    del parent[path[-1]]
    return _checked(remove_node(text, _nodes(text, file)[document], path), expected, file)


def rename_key(text: str, file: str, path: YamlPath, name: str, document: int = 0) -> str:
    """The text with `name` in place of the key at `path`, in the same quotes. Errors as of `set_value`."""
    expected = _data(text, file)
    parent = expected[document]
    for step in path[:-1]:
        parent = parent[step]
    items = [(name if key == path[-1] else key, value) for key, value in parent.items()]
    parent.clear()
    parent.update(items)
    mapping = existing_node(_nodes(text, file)[document], path[:-1])
    key = next(key for key, _ in mapping.value if key.value == path[-1])
    start, end = key.start_mark.index, key.end_mark.index
    new = quoted(name, key.style) if key.style else inline(name)
    return _checked(text[:start] + new + text[end:], expected, file)


def _nodes(text: str, file: str) -> list[yaml.Node]:
    """The root of each document that is not empty."""
    check_bounds(text, file, documents=MAX_DOCUMENTS)
    # Only the pure-Python loader counts characters in its marks, whatever the line breaks.
    nodes = yaml.compose_all(text, Loader=yaml.SafeLoader)
    return [node for node in nodes if node is not None and node.tag != NULL_TAG]


def _data(text: str, file: str) -> list[Any]:
    """The documents that are not empty, as JSON values."""
    # A copy without aliases: no part of it is shared with another.
    return [json.loads(json.dumps(document.value)) for document in load_documents(text, file)]


def put_value(data: Any, path: YamlPath, value: Any) -> None:
    """Set `value` at `path` of plain data; what is missing on the way is made, a list grows by one item."""
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


def _checked(text: str, expected: list[Any], file: str) -> str:
    try:
        same = _data(text, file) == expected
    except ConfigError:
        same = False
    if not same:
        raise ConfigError("that value cannot be changed alone (is there an anchor or an alias?)", file=file)
    return text
