"""Reads the index of a chart repository: of all its charts, only the one that is wanted.

An index may have tens of thousands of entries; the others are passed over as they are parsed.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from towpath.errors import RefusedError, TerminalError, UnknownNameError
from towpath.yamltext.reader import Loader

MAX_INDEX = 64 << 20
"""Bytes."""
_MAX_VALUES = 500_000
"""Of one chart."""
_MAX_DEPTH = 50
_MAX_NAMES = 2_000


@dataclass(frozen=True, slots=True)
class ChartVersion:
    """One version of a chart; `digest` is `sha256:…` of its archive, empty where the index has none."""

    version: str
    urls: tuple[str, ...]
    digest: str = ""


def chart_versions(index: bytes, chart: str, where: str) -> dict[str, ChartVersion]:
    """The versions of a chart, by version. UnknownNameError when the index has no such chart."""
    try:
        text = index.decode("utf-8-sig")
        if text.lstrip()[:1] == "{":
            entries = json.loads(text).get("entries")
            items = entries.get(chart) if isinstance(entries, dict) else None
            names = set(entries) if isinstance(entries, dict) else set()
        else:
            items, names = _Index(text, chart, where).read()
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        raise TerminalError(f"{where} is no index of charts: it cannot be read") from error
    if items is None:
        raise UnknownNameError("chart", chart, names, where=where)
    found: dict[str, ChartVersion] = {}
    for each in map(_version, items if isinstance(items, list) else []):
        if each is None:
            continue
        if each.version in found and found[each.version] != each:
            raise RefusedError(f"{where} has two charts {chart} {each.version[:60]}")
        found[each.version] = each
    return found


def _version(item: Any) -> ChartVersion | None:
    if not isinstance(item, dict) or not isinstance(item.get("version"), str):
        return None
    urls, digest = item.get("urls"), item.get("digest")
    urls = tuple(each for each in urls if isinstance(each, str)) if isinstance(urls, list) else ()
    digest = digest.removeprefix("sha256:").lower() if isinstance(digest, str) else ""
    return ChartVersion(item["version"], urls, f"sha256:{digest}" if digest else "")


class _Index:
    """Passes over the events of a YAML text; what is wanted becomes texts, lists and mappings."""

    def __init__(self, text: str, chart: str, where: str) -> None:
        self._loader = Loader(text)
        self._chart = chart
        self._where = where
        self._values = 0

    def read(self) -> tuple[Any, set[str]]:
        """What is at `entries.CHART`, None when nothing is, and the names of charts."""
        items: Any = None
        names: set[str] = set()
        try:
            while not isinstance(event := self._loader.get_event(), yaml.MappingStartEvent):
                if isinstance(event, yaml.StreamEndEvent | yaml.ScalarEvent | yaml.SequenceStartEvent):
                    raise yaml.YAMLError("no mapping")
            for key in self._keys():
                if key != "entries":
                    self._skip()
                    continue
                event = self._loader.get_event()
                if not isinstance(event, yaml.MappingStartEvent):
                    self._skip(event)
                    continue
                for name in self._keys():
                    if len(names) < _MAX_NAMES:
                        names.add(name)
                    if name == self._chart and items is None:
                        items = self._value(self._loader.get_event(), 0)
                    else:
                        self._skip()
            return items, names
        finally:
            self._loader.dispose()

    def _keys(self) -> Iterator[str]:
        """The keys of the mapping that has begun; the caller takes each value."""
        while not isinstance(event := self._loader.get_event(), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent):
                raise yaml.YAMLError("a key that is no text")
            yield event.value

    def _value(self, event: Any, depth: int) -> Any:
        self._values += 1
        if self._values > _MAX_VALUES or depth > _MAX_DEPTH:
            raise RefusedError(f"{self._where} says more of {self._chart} than is read")
        if isinstance(event, yaml.ScalarEvent):
            return event.value
        if isinstance(event, yaml.SequenceStartEvent):
            items = []
            while not isinstance(inner := self._loader.get_event(), yaml.SequenceEndEvent):
                items.append(self._value(inner, depth + 1))
            return items
        if isinstance(event, yaml.MappingStartEvent):
            return {key: self._value(self._loader.get_event(), depth + 1) for key in self._keys()}
        raise yaml.YAMLError("an alias")

    def _skip(self, event: Any = None) -> None:
        """Pass over one value, which may be begun by `event`."""
        depth = 0
        while True:
            event = event or self._loader.get_event()
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
                if depth > _MAX_DEPTH:  # each level makes the parser slower
                    raise RefusedError(f"{self._where} is nested deeper than {_MAX_DEPTH}")
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
            if depth == 0:
                return
            event = None
