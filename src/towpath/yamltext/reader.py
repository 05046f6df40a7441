"""The one YAML reader: JSON values of untrusted texts, with limits on bytes, documents, depth and nodes.

Differences to `yaml.safe_load`: duplicate keys, unknown tags, NaN and endless aliases are errors, and scalars
resolve by a dialect (scalars.py). libyaml gives the events; nodes.py takes them too, so that what is edited
is what was read. Errors name file and line, and never quote the content of the file.
"""

import copy
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from towpath.errors import ConfigError, TooLargeError
from towpath.yamltext.scalars import KUBERNETES, MERGE, Dialect, key_text, tagged

Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""PyYAML without libyaml is only slower."""
BOM = "\ufeff"
TAG = "tag:yaml.org,2002:"
_ESCAPE = re.compile(r"\\\\|(\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})")
_ZEROS = {"0": "-0", "-0": "0"}
"""As numbers they are one key to Go, which the tools of Kubernetes are written in."""
_SCALAR_TAGS = {TAG + kind: kind for kind in ("str", "null", "bool", "int", "float")}


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one text. Nodes and text are counted after aliases are expanded."""

    bytes: int = 8 << 20
    documents: int = 5_000
    depth: int = 100
    nodes: int = 250_000
    anchors: int = 1_000
    last_key_wins: bool = False
    """True: a duplicate key is no error, as in Kubernetes' own readers; only for inspecting objects."""
    text: int = 4
    """Characters of all scalars together, as a multiple of `bytes`."""


DEFAULT_LIMITS = Limits()


def decoded(text: str | bytes, file: str, limits: Limits) -> str:
    """The text without a byte order mark. Raises ConfigError, TooLargeError for one that is too large."""
    if isinstance(text, bytes):
        try:
            text = text.decode()
        except UnicodeDecodeError as error:
            raise ConfigError("not UTF-8 text", file=file) from error
    if len(text) > limits.bytes:
        raise TooLargeError(f"larger than {limits.bytes >> 20} MiB", file=file)
    return text.removeprefix(BOM)


def replace_surrogates(text: str, replacement: Callable[[str], str] | None = None) -> str:
    """JSON text with its pairs of surrogates (`\\ud83d\\ude00`), which YAML does not have, as characters.

    `replacement` gives something else for a pair.
    """
    if "\\u" not in text or text.lstrip()[:1] not in ("{", "["):
        return text

    def replaced(found: re.Match[str]) -> str:
        if not found[1]:
            return found[0]
        if replacement:
            return replacement(found[1])
        return bytes.fromhex(found[1].replace("\\u", "")).decode("utf-16-be")

    return _ESCAPE.sub(replaced, text)


def syntax_error(error: yaml.YAMLError, file: str) -> ConfigError:
    """The error for a text that is not YAML."""
    if not isinstance(error, yaml.MarkedYAMLError):
        return ConfigError("not valid YAML: a character that YAML does not allow", file=file)
    mark = error.problem_mark or error.context_mark
    what = error.problem or error.context or "not understood"
    return ConfigError(f"not valid YAML: {what}", file=file, line=mark.line + 1 if mark else None)


@dataclass(frozen=True, slots=True)
class _Anchored:
    """The value of an anchor, and what each alias to it adds: nodes, characters, levels."""

    value: Any
    nodes: int
    text: int
    levels: int


class Reader:
    """Reads one text. `nodes` counts its values and keys, `keys` the keys alone, aliases expanded.

    With `problems`, a list, duplicate keys and tags are put there as (line, message), with the key's name,
    and reading goes on.
    """

    def __init__(
        self,
        text: str,
        file: str,
        limits: Limits,
        dialect: Dialect = KUBERNETES,
        problems: list[tuple[int, str]] | None = None,
    ) -> None:
        self._loader = Loader(replace_surrogates(text))
        self._file = file
        self._limits = limits
        self._dialect = dialect
        self._resolve = dialect.resolve
        self._problems = problems
        self.nodes = 0
        self.keys = 0
        self._text = 0
        self._deepest = 0
        self._anchors: dict[str, _Anchored] = {}

    def read(self) -> list[tuple[Any, int]]:
        """(value, line) of each document, those that are null included. Raises ConfigError."""
        try:
            return list(self._documents())
        except yaml.YAMLError as error:
            raise syntax_error(error, self._file) from None
        finally:
            self._loader.dispose()

    def _documents(self) -> Iterator[tuple[Any, int]]:
        next_event = self._loader.get_event
        count = 0
        while True:
            event = next_event()
            if isinstance(event, yaml.StreamEndEvent):
                return
            if not isinstance(event, yaml.DocumentStartEvent):
                continue
            self._anchors.clear()
            count += 1
            if count > self._limits.documents:
                most = self._limits.documents
                raise self._too_large(f"more than {most:,} document{'s' if most > 1 else ''}", event)
            first = next_event()
            yield self._node(first, 1), first.start_mark.line + 1

    def _error(self, message: str, event: Any) -> ConfigError:
        return ConfigError(message, file=self._file, line=event.start_mark.line + 1)

    def _too_large(self, message: str, event: Any) -> TooLargeError:
        return TooLargeError(message, file=self._file, line=event.start_mark.line + 1)

    def _problem(self, message: str, event: Any) -> None:
        if self._problems is None:
            raise self._error(message, event)
        self._problems.append((event.start_mark.line + 1, message))

    def _count(self, number: int, text: int, event: Any) -> None:
        self.nodes += number
        self._text += text
        if self._text > self._limits.text * self._limits.bytes:
            most = self._limits.text * self._limits.bytes >> 20
            raise self._too_large(f"more than {most} MiB of text, aliases followed", event)
        if self.nodes > self._limits.nodes:
            raise self._too_large(f"more than {self._limits.nodes:,} values, aliases followed", event)

    def _node(self, event: Any, depth: int) -> Any:
        if type(event) is yaml.ScalarEvent and event.anchor is None:  # most nodes
            self._count(1, len(event.value), event)
            return self._scalar(event)
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
            value = self._collection(event, depth)
            levels = self._deepest - depth + 1
            self._deepest = max(self._deepest, deepest)
        if event.anchor:
            if len(self._anchors) >= self._limits.anchors:
                raise self._too_large(f"more than {self._limits.anchors:,} anchors", event)
            # An alias to `<<` does not merge.
            plain = "<<" if value is MERGE else value
            self._anchors[event.anchor] = _Anchored(plain, self.nodes - before, self._text - text, levels)
        return value

    def _collection(self, event: Any, depth: int) -> Any:
        self._reach(depth, event)
        if event.anchor:
            # An alias inside of its own anchor would never end; the anchor is known when it is complete.
            self._anchors.pop(event.anchor, None)
        is_mapping = isinstance(event, yaml.MappingStartEvent)
        if event.tag not in (None, "!", TAG + ("map" if is_mapping else "seq")):
            self._problem(self._tag_problem(event), event)
        return self._mapping(event, depth) if is_mapping else self._sequence(depth)

    def _tag_problem(self, event: Any) -> str:
        return "a tag that is not plain YAML" if self._problems is None else f"unknown tag `{event.tag}`"

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
            values.append("<<" if value is MERGE else value)
            event = next_event()
        return values

    def _mapping(self, start: Any, depth: int) -> dict[str, Any]:
        next_event = self._loader.get_event
        values: dict[str, Any] = {}
        merged: set[str] = set()
        lines: dict[str, int] = {}  # only where they are told
        event = next_event()
        while not isinstance(event, yaml.MappingEndEvent):
            key = self._node(event, depth + 1)
            value = self._node(next_event(), depth + 1)
            self.keys += 1
            if key is MERGE:
                # As go-yaml v2 does, which kubectl uses: keys that stand before `<<` are replaced, too.
                own = values.keys() - merged
                self._merge(values, value, start)
                merged = values.keys() - own
            else:
                name = self._key(key, event)
                known = name in values or (type(key) is not str and _ZEROS.get(name) in values)
                if known and name not in merged and not self._limits.last_key_wins:
                    self._duplicate(name, lines.get(name), event)
                else:
                    values[name] = "<<" if value is MERGE else value
                    if self._problems is not None:
                        lines[name] = event.start_mark.line + 1
            event = next_event()
        return values

    def _duplicate(self, name: str, first: int | None, event: Any) -> None:
        if first is None:
            raise self._error("the same key twice in one mapping", event)
        self._problem(f"duplicate key `{name}`, first on line {first}", event)

    def _merge(self, values: dict[str, Any], merged: Any, start: Any) -> None:
        # Of a list, earlier mappings take precedence.
        for mapping in reversed(merged) if isinstance(merged, list) else [merged]:
            if not isinstance(mapping, dict):
                raise self._error("a merge key `<<` that does not name a mapping", start)
            values.update(copy.deepcopy(mapping))

    def _key(self, key: Any, event: Any) -> str:
        if self._dialect.keys_as_written and isinstance(event, yaml.ScalarEvent):
            text: str = event.value
            return text
        try:
            return key if isinstance(key, str) else key_text(key, getattr(event, "value", str(key)))
        except ValueError as error:
            raise self._error(str(error), event) from None

    def _scalar(self, event: Any) -> Any:
        value: str = event.value
        tag = event.tag
        try:
            if tag is None:
                # `implicit[0]`: a plain scalar, to be resolved; quoted and block scalars are strings.
                return self._resolve(value) if event.implicit[0] else value
            if tag == "!":
                return value
            if tag in _SCALAR_TAGS:
                return tagged(_SCALAR_TAGS[tag], value, self._dialect)
        except ValueError as error:
            self._problem(str(error), event)
            return None
        self._problem(self._tag_problem(event), event)
        return None
