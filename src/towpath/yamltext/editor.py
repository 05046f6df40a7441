"""Sets, removes or renames one value in a YAML text that a person wrote, and keeps every other byte.

nodes.py tells where each node stands; the text is cut around one of them (node_edit.py). The result is read
again, by the reader that judges manifests, and refused when it differs in anything but that value. A byte
order mark stays.
"""

import copy
import itertools
import json
from typing import Any

from towpath.errors import ConfigError
from towpath.yamltext.manifest_reader import load_documents
from towpath.yamltext.node_edit import existing_node, remove_node, set_node
from towpath.yamltext.nodes import MappingNode, compose, key_of
from towpath.yamltext.path import YamlPath
from towpath.yamltext.reader import BOM
from towpath.yamltext.style import inline_in, quoted


def set_value(text: str, file: str, path: YamlPath, value: Any, document: int = 0) -> str:
    """The text with `value` at `path` of a document; missing keys on the way are added.

    `file` is the name of the text in errors. `document` counts from 0 and leaves out empty documents. Raises
    ConfigError when other values would change too.
    """
    mark, text = _split(text)
    expected = _data(text, file)
    if not expected and not document:
        expected = [{}]
    put_value(expected[document], path, value)
    return mark + _checked(set_node(text, compose(text, file), path, value, document), expected, file)


def remove_value(text: str, file: str, path: YamlPath, document: int = 0) -> str:
    """The text without the value at `path` of a document. Arguments and errors as of `set_value`."""
    mark, text = _split(text)
    expected = _data(text, file)
    parent = expected[document]
    for step in path[:-1]:
        parent = parent[step]
    del parent[path[-1]]
    return mark + _checked(remove_node(text, compose(text, file)[document], path), expected, file)


def rename_key(text: str, file: str, path: YamlPath, name: str, document: int = 0) -> str:
    """The text with `name` in place of the key at `path`, in the same quotes. Errors as of `set_value`."""
    mark, text = _split(text)
    expected = _data(text, file)
    parent = expected[document]
    for step in path[:-1]:
        parent = parent[step]
    items = [(name if key == path[-1] else key, value) for key, value in parent.items()]
    parent.clear()
    parent.update(items)
    mapping = existing_node(compose(text, file)[document], path[:-1])
    keys = (
        [key for key, _ in mapping.value if key_of(key) == path[-1]]
        if isinstance(mapping, MappingNode)
        else []
    )
    if not keys:  # it comes from a merge key
        raise ConfigError(f"has no {path[-1]!r} of its own", file=file)
    key = keys[-1]
    new = quoted(name, key.quote) if key.quote else inline_in(text, name)
    return mark + _checked(text[: key.start] + new + text[key.end :], expected, file)


def _split(text: str) -> tuple[str, str]:
    """(the byte order mark, if there is one; the text behind it)."""
    return (BOM, text[1:]) if text.startswith(BOM) else ("", text)


def _data(text: str, file: str) -> list[Any]:
    """The documents that are not empty, as JSON values."""
    return [document.value for document in load_documents(text, file)]


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
        # As JSON, where 1 and true differ.
        same = _json(_data(text, file)) == _json(expected)
    except ConfigError:
        same = False
    if not same:
        raise ConfigError("that value cannot be changed alone (is there an anchor or an alias?)", file=file)
    return text


def _json(documents: list[Any]) -> str:
    return json.dumps(_with_whole_numbers(documents), sort_keys=True)


def _with_whole_numbers(value: Any) -> Any:
    """The value with 3 in place of 3.0, which JSON does not tell apart."""
    if isinstance(value, dict):
        return {key: _with_whole_numbers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_whole_numbers(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
