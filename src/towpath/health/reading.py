"""Objects out of text in any of the forms that tools print: YAML documents, a List, JSON, JSON lines.

What cannot be read is told in its place, and what follows it is read all the same.
"""

import json
import re
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Any

from towpath.errors import ConfigError, TooLargeError
from towpath.objects import Manifest
from towpath.yamltext.reader import Limits, load_counted

_SEPARATOR = re.compile(r"^---(?=\s|$)", re.MULTILINE)
_MAX_BYTES = 64 << 20
_MIN_NODES = 50_000


@dataclass(frozen=True, slots=True)
class Unreadable:
    """What stands where an object should, and why it is none."""

    reason: str


def read_objects(text: str, name: str) -> Iterator[Manifest | Unreadable]:
    """Every object of the text in its order, those inside of lists too; `name` is the file's in reasons."""
    for value in _values(text.removeprefix("\ufeff"), name):
        if isinstance(value, Unreadable):
            yield value
        else:
            yield from _objects(value)


def _objects(value: Any) -> Iterator[Manifest | Unreadable]:
    if isinstance(value, list):
        for each in value:
            yield from _objects(each)
    elif not isinstance(value, dict):
        yield Unreadable("not a Kubernetes object: not a mapping")
    elif isinstance(value.get("items"), list) and str(value.get("kind")).endswith("List"):
        # The items of a typed list carry neither.
        kind, version = str(value["kind"]).removesuffix("List"), value.get("apiVersion")
        typed = {"apiVersion": version, "kind": kind} if kind else {}
        for each in value["items"]:
            yield from _objects({**typed, **each} if isinstance(each, dict) else each)
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
    # Text without aliases has fewer values than characters: this stops only what grows, in all documents.
    line, end, left = 1, 0, max(_MIN_NODES, len(text))
    for match in (*_SEPARATOR.finditer(text), None):
        begin = match.start() if match else len(text)
        left -= yield from _document(text[end:begin], name, line, left)
        line += text.count("\n", end, begin)
        end = begin


def _json_lines(text: str, name: str) -> list[Any] | None:
    """A value a line; None when the first line is no JSON, so that the text is none of it."""
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


def _document(text: str, name: str, line: int, most: int) -> Generator[Any, None, int]:
    """The values of one document; returns how many of the `most` nodes it took."""
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
    limits = Limits(bytes=_MAX_BYTES, nodes=min(most, max(_MIN_NODES, len(text))), last_key_wins=True)
    try:
        documents, nodes = load_counted(text, name, limits)
    except ConfigError as error:
        reason = error.message.removeprefix(f"{name}:{error.line}: ").removeprefix(f"{name}: ")
        yield Unreadable(f"{name}:{line + (error.line or 1) - 1}: {reason}")
        return limits.nodes if isinstance(error, TooLargeError) else 0
    except RecursionError:
        yield Unreadable(f"{name}:{line}: nested too deeply")
        return 0
    yield from (document.value for document in documents)
    return nodes
