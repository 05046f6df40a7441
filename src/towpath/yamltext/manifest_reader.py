"""Reads manifests and other YAML of untrusted people, with limits on bytes, documents, depth and nodes.

Differences to `yaml.safe_load`: duplicate keys, unknown tags, NaN and endless aliases are errors. Scalars
resolve as in Kubernetes tools: dates and `12:30` stay strings, keys become strings. Errors name file and
line, and never quote the content of the file.
"""

import copy
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from towpath.errors import ConfigError, TooLargeError

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_TAG = "tag:yaml.org,2002:"
_CONSTANTS: dict[str, Any] = {
    **dict.fromkeys(["", "~", "null", "Null", "NULL"]),
    **dict.fromkeys(["true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON"], True),
    **dict.fromkeys(["false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF"], False),
}
_INTEGER = re.compile(r"[-+]?(0b[01_]+|0o?[0-7_]+|0x[0-9a-fA-F_]+|[0-9][0-9_]*)\Z")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9][0-9_]*(\.[0-9_]*)?)([eE][-+]?[0-9]+)?\Z")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)\Z|\.(nan|NaN|NAN)\Z")
MOST_WHOLE = 1e21
"""Go writes a whole number below this without an exponent."""
_NUMBER_STARTS = frozenset("+-.0123456789")


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one text. Nodes and text are counted after aliases are expanded."""

    bytes: int = 8 << 20
    documents: int = 5_000
    depth: int = 100
    nodes: int = 250_000
    number_characters: int = 40
    anchors: int = 1_000
    last_key_wins: bool = False
    """True: a duplicate key is no error, as in Kubernetes' own readers; only for inspecting objects."""
    text: int = 4
    """Characters of all scalars together, as a multiple of `bytes`."""


@dataclass(frozen=True, slots=True)
class ManifestDocument:
    """One document of a file; `line` is the line of its first node, from 1."""

    value: Any
    file: str
    line: int


DEFAULT_LIMITS = Limits()


def load_documents(text: str | bytes, file: str, limits: Limits = DEFAULT_LIMITS) -> list[ManifestDocument]:
    """Every document that is not empty. Raises ConfigError, TooLargeError for an exceeded limit."""
    return load_and_count(text, file, limits)[0]


def load_and_count(
    text: str | bytes, file: str, limits: Limits = DEFAULT_LIMITS
) -> tuple[list[ManifestDocument], int]:
    """(the documents that are not empty, the number of their values with aliases expanded)."""
    if isinstance(text, bytes):
        try:
            text = text.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise ConfigError("not UTF-8 text", file=file) from error
    if len(text) > limits.bytes:
        raise TooLargeError(f"larger than {limits.bytes >> 20} MiB", file=file)
    reader = _Reader(text, file, limits)
    try:
        return list(reader.documents()), reader.nodes
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else None
        raise ConfigError(f"not valid YAML: {error.problem}", file=file, line=line) from None
    except yaml.YAMLError:
        raise ConfigError("not valid YAML: a character that YAML does not allow", file=file) from None
    finally:
        reader.close()


def load_document(text: str | bytes, file: str, limits: Limits = DEFAULT_LIMITS) -> Any:
    """The value of the only document; None when the text is empty."""
    documents = load_documents(text, file, limits)
    if len(documents) > 1:
        raise ConfigError("more than one document", file=file, line=documents[1].line)
    return documents[0].value if documents else None


class _Merge:
    """The merge key: a plain `<<`."""


_MERGE = _Merge()


@dataclass(frozen=True, slots=True)
class _Anchored:
    """The value of an anchor, and what each alias to it adds: nodes, characters, levels."""

    value: Any
    nodes: int
    text: int
    levels: int


class _Reader:
    def __init__(self, text: str, file: str, limits: Limits) -> None:
        self._loader = _Loader(text)
        self._file = file
        self._limits = limits
        self.nodes = 0
        self._text = 0
        self._deepest = 0
        self._anchors: dict[str, _Anchored] = {}

    def close(self) -> None:
        self._loader.dispose()

    def documents(self) -> Iterator[ManifestDocument]:
        next_event = self._loader.get_event
        count = 0
        while True:
            event = next_event()
            if isinstance(event, yaml.StreamEndEvent):
                return
            if not isinstance(event, yaml.DocumentStartEvent):
                continue
            self._anchors.clear()
            first = next_event()
            count += 1
            if count > self._limits.documents:
                raise self._too_large(f"more than {self._limits.documents:,} documents", first)
            value = self._node(first, 1)
            if value is None:
                continue
            yield ManifestDocument(value, self._file, first.start_mark.line + 1)

    def _error(self, message: str, event: Any) -> ConfigError:
        return ConfigError(message, file=self._file, line=event.start_mark.line + 1)

    def _too_large(self, message: str, event: Any) -> TooLargeError:
        return TooLargeError(message, file=self._file, line=event.start_mark.line + 1)

    def _count(self, number: int, text: int, event: Any) -> None:
        self.nodes += number
        self._text += text
        if self._text > self._limits.text * self._limits.bytes:
            most = self._limits.text * self._limits.bytes >> 20
            raise self._too_large(f"more than {most} MiB of text, aliases followed", event)
        if self.nodes > self._limits.nodes:
            raise self._too_large(f"more than {self._limits.nodes:,} values, aliases followed", event)

    def _node(self, event: Any, depth: int) -> Any:
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, depth)
        before, text = self.nodes, self._text
        self._count(1, len(event.value) if isinstance(event, yaml.ScalarEvent) else 0, event)
        levels = 0
        value: Any
        if isinstance(event, yaml.ScalarEvent):
            value = self._scalar(event)
        else:
            deepest, self._deepest = self._deepest, depth
            self._reach(depth, event)
            if event.anchor:
                # An alias inside of its own anchor would never end; the anchor is known when it is complete.
                self._anchors.pop(event.anchor, None)
            if isinstance(event, yaml.MappingStartEvent):
                self._collection_tag(event, "map")
                value = self._mapping(event, depth)
            else:
                self._collection_tag(event, "seq")
                value = self._sequence(depth)
            levels = self._deepest - depth + 1
            self._deepest = max(self._deepest, deepest)
        if event.anchor:
            if len(self._anchors) >= self._limits.anchors:
                raise self._too_large(f"more than {self._limits.anchors:,} anchors", event)
            # An alias to `<<` does not merge.
            plain = "<<" if value is _MERGE else value
            self._anchors[event.anchor] = _Anchored(plain, self.nodes - before, self._text - text, levels)
        return value

    def _alias(self, event: Any, depth: int) -> Any:
        anchored = self._anchors.get(event.anchor)
        if anchored is None:
            raise self._error("an alias to an anchor that is not (yet) there", event)
        self._count(anchored.nodes, anchored.text, event)
        self._reach(depth - 1 + anchored.levels, event)
        return copy.deepcopy(anchored.value)

    def _reach(self, depth: int, event: Any) -> None:
        if depth > self._limits.depth:
            raise self._error(f"nested deeper than {self._limits.depth} levels", event)
        self._deepest = max(self._deepest, depth)

    def _sequence(self, depth: int) -> list[Any]:
        next_event = self._loader.get_event
        values = []
        event = next_event()
        while not isinstance(event, yaml.SequenceEndEvent):
            value = self._node(event, depth + 1)
            values.append("<<" if value is _MERGE else value)
            event = next_event()
        return values

    def _mapping(self, start: Any, depth: int) -> dict[str, Any]:
        next_event = self._loader.get_event
        values: dict[str, Any] = {}
        merged: list[Any] = []
        event = next_event()
        while not isinstance(event, yaml.MappingEndEvent):
            key = self._node(event, depth + 1)
            value = self._node(next_event(), depth + 1)
            if value is _MERGE:
                value = "<<"
            if key is _MERGE:
                merged.extend(value if isinstance(value, list) else [value])
            else:
                name = self._key(key, event)
                if name in values and not self._limits.last_key_wins:
                    raise self._error("the same key twice in one mapping", event)
                values[name] = value
            event = next_event()
        for mapping in merged:
            if not isinstance(mapping, dict):
                raise self._error("a merge key `<<` that does not name a mapping", start)
            for name, value in mapping.items():
                values.setdefault(name, copy.deepcopy(value))
        return values

    def _key(self, key: Any, event: Any) -> str:
        if isinstance(key, str):
            return key
        if isinstance(key, bool):
            return "true" if key else "false"
        if isinstance(key, (int, float)):
            return str(key)
        raise self._error("a mapping key that is not a plain value", event)

    def _collection_tag(self, event: Any, kind: str) -> None:
        if event.tag not in (None, "!", _TAG + kind):
            raise self._error("a tag that is not plain YAML", event)

    def _scalar(self, event: Any) -> Any:
        value: str = event.value
        if event.tag in (None, "!"):
            # `implicit[0]`: a plain scalar, to be resolved; quoted and block scalars are strings.
            return self._resolve(value, event) if event.implicit[0] else value
        if event.tag == _TAG + "str":
            return value
        if event.tag in (_TAG + "null", _TAG + "bool", _TAG + "int", _TAG + "float"):
            return self._resolve(value, event)
        raise self._error("a tag that is not plain YAML", event)

    def _resolve(self, value: str, event: Any) -> Any:
        if value in _CONSTANTS:
            return _CONSTANTS[value]
        if value == "<<":
            return _MERGE
        if value[0] not in _NUMBER_STARTS:
            return value
        if _INTEGER.match(value):
            if len(value) > self._limits.number_characters:
                raise self._error("a number with too many digits", event)
            return _integer(value)
        if _FLOAT.match(value):
            if len(value) > self._limits.number_characters:
                raise self._error("a number with too many digits", event)
            number = float(value.replace("_", ""))
            if not math.isfinite(number):
                raise self._error("a number that JSON cannot hold", event)
            # As JSON of the Kubernetes tools: Helm writes 2592000 as 2.592e+06.
            return int(number) if number.is_integer() and abs(number) < MOST_WHOLE else number
        if _NOT_FINITE.match(value):
            raise self._error("a number that JSON cannot hold", event)
        return value


def _integer(value: str) -> Any:
    text = value.replace("_", "")
    sign = -1 if text[0] == "-" else 1
    digits = text.lstrip("+-").lower()
    try:
        if len(digits) > 1 and digits[0] == "0" and digits.isdigit():
            return sign * int(digits, 8)  # YAML 1.1: file modes are written 0644
        return sign * int(digits, 0)
    except ValueError:
        return value
