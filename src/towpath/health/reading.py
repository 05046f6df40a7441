"""Reads objects from text as tools print it: YAML documents, a List, JSON, JSON lines.

An entry that cannot be read becomes an `Unreadable`; reading continues after it.
"""

import json
import re
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Any

from towpath.errors import ConfigError, TooLargeError
from towpath.objects import Manifest
from towpath.yamltext.manifest_reader import load_and_count
from towpath.yamltext.reader import Limits

_SEPARATOR = re.compile(r"^---(?=\s|$)", re.MULTILINE)
_MAX_BYTES = 64 << 20
_MIN_NODES = 50_000


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Why an entry of the text is not an object."""

    reason: str


def read_objects(text: str, name: str) -> Iterator[Manifest | Unreadable]:
    """Every object of the text in order, items of lists included; `name` is the file's name in reasons."""
    for value in _values(text.removeprefix("\ufeff"), name):
        if isinstance(value, Unreadable):
            yield value
        else:
            yield from _objects(value)


def _objects(value: Any) -> Iterator[Manifest | Unreadable]:
    if isinstance(value, list):
        for item in value:
            yield from _objects(item)
    elif not isinstance(value, dict):
        yield Unreadable("not a Kubernetes object: not a mapping")
    elif isinstance(value.get("items"), list) and str(value.get("kind")).endswith("List"):
        # The items of a typed list have no apiVersion and kind of their own.
        kind, version = str(value["kind"]).removesuffix("List"), value.get("apiVersion")
        typed = {"apiVersion": version, "kind": kind} if kind else {}
        for item in value["items"]:
            yield from _objects({**typed, **item} if isinstance(item, dict) else item)
    else:
        yield value


def _values(text: str, name: str) -> Iterator[Any]:
    if text.lstrip()[:1] in ("{", "["):
        try:
            yield json.loads(text)
        except (ValueError, RecursionError):
            pass
        else:
            return
        if not _SEPARATOR.search(text) and (lines := _json_lines(text, name)) is not None:
            yield from lines
            return
    # Text without aliases has fewer values than characters: this limit stops only what aliases multiply.
    line, end, nodes_left = 1, 0, max(_MIN_NODES, len(text))
    for match in (*_SEPARATOR.finditer(text), None):
        begin = match.start() if match else len(text)
        nodes_left -= yield from _document(text[end:begin], name, line, nodes_left)
        line += text.count("\n", end, begin)
        end = begin


def _json_lines(text: str, name: str) -> list[Any] | None:
    """One value per line; None when the first line is not JSON, so the text is not JSON lines."""
    values: list[Any] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            values.append(json.loads(line))
        except (ValueError, RecursionError):
            if not values:
                return None
            values.append(Unreadable(f"{name}:{number}: not valid JSON"))
    return values


def _document(text: str, name: str, line: int, node_limit: int) -> Generator[Any, None, int]:
    """Yields the values of one document; returns how many of the `node_limit` YAML nodes they used."""
    body = text.removeprefix("---").strip()
    if not body or body == "...":
        return 0
    if body[0] == "{":
        try:
            yield json.loads(body)
        except (ValueError, RecursionError):
            pass
        else:
            return 0
    limits = Limits(bytes=_MAX_BYTES, nodes=min(node_limit, max(_MIN_NODES, len(text))), last_key_wins=True)
    try:
        documents, nodes = load_and_count(text, name, limits)
    except ConfigError as error:
        reason = error.message.removeprefix(f"{name}:{error.line}: ").removeprefix(f"{name}: ")
        yield Unreadable(f"{name}:{line + (error.line or 1) - 1}: {reason}")
        return limits.nodes if isinstance(error, TooLargeError) else 0
    except RecursionError:
        yield Unreadable(f"{name}:{line}: nested too deeply")
        return 0
    yield from (document.value for document in documents)
    return nodes
