"""Reads a release of Helm from the Secret in which Helm keeps it: chart, values, hooks, manifests. Pure.

Its `release` is base64 of gzip of JSON, of which the Secret holds base64 again. Subcharts are not in it.
"""

import base64
import binascii
import json
import posixpath
import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from towpath.errors import ConfigError, TooLargeError
from towpath.objects import Manifest
from towpath.redact.patterns import is_credential_name
from towpath.yamltext.writer import dump

MAX_BYTES = 16 << 20
"""Of a release's JSON: a Secret has 1 MB at most, which could unpack to a thousand times of that."""
MAX_FILES = 2_000
MAX_VALUES = 100_000
MAX_DEPTH = 90
_GZIP = b"\x1f\x8b\x08"
_OURS = ("Chart.yaml", "values.yaml", "values.schema.json")
_NOT_IN_CHARTS = ("enabled",)
"""What Helm writes into the dependencies of a chart while it works."""


@dataclass(frozen=True, slots=True)
class Hook:
    """An object of a chart that Helm makes at certain events."""

    kind: str
    name: str
    path: str
    events: tuple[str, ...]
    manifest: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class HelmRelease:
    """`chart` has files by their paths, `values` are those that people gave, `manifest` is what Helm made."""

    name: str
    chart: Mapping[str, bytes] = field(repr=False)
    values: Mapping[str, Any] = field(repr=False)
    defaults: Mapping[str, Any] = field(repr=False)
    dependencies: tuple[Mapping[str, Any], ...]
    hooks: tuple[Hook, ...]
    manifest: str = field(repr=False)


def read_release(secret: Manifest, file: str) -> HelmRelease:
    """The release of a Secret, called `file` in errors. Raises ConfigError, which quotes no content.

    RecursionError for JSON that is nested too deeply.
    """
    record = _mapping(secret.get("data")).get("release")
    if not isinstance(record, str):
        raise ConfigError("has no `release`: it is no record of Helm", file=file)
    try:
        found = json.loads(_unpacked(record, file))
    except ValueError as error:
        raise ConfigError("its `release` is no JSON", file=file) from error
    if not isinstance(found, dict) or not isinstance(found.get("chart"), dict):
        raise ConfigError("its `release` has no chart", file=file)
    chart = found["chart"]
    for each in (chart.get("metadata"), chart.get("values"), found.get("config")):
        _check_size(each, file)
    return HelmRelease(
        name=str(found.get("name") or ""),
        chart=dict(_files(chart, file)),
        values=_mapping(found.get("config")),
        defaults=_mapping(chart.get("values")),
        dependencies=tuple(_dependencies(chart)),
        hooks=tuple(_hooks(found.get("hooks"))),
        manifest=_text(found.get("manifest")),
    )


def credentials(values: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """(key, value) of each text below a key that is named like a credential: `auth.password`."""
    if isinstance(values, dict):
        for key, value in values.items():
            at = f"{path}.{key}".removeprefix(".")
            if isinstance(value, str) and value and is_credential_name(str(key)):
                yield at, value
            else:
                yield from credentials(value, at)
    elif isinstance(values, list):
        for index, value in enumerate(values):
            yield from credentials(value, f"{path}[{index}]")


def _unpacked(record: str, file: str) -> bytes:
    try:
        raw = base64.b64decode(base64.b64decode(record, validate=True), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ConfigError("its `release` is not base64 twice", file=file) from error
    if not raw.startswith(_GZIP):
        content, rest = raw[: MAX_BYTES + 1], b""
    else:
        unpacker = zlib.decompressobj(wbits=31)
        try:
            content = unpacker.decompress(raw, MAX_BYTES + 1)
        except zlib.error as error:
            raise ConfigError("its `release` is no gzip", file=file) from error
        rest = b"" if unpacker.eof or len(content) > MAX_BYTES else b"cut off"
    if len(content) > MAX_BYTES:
        raise TooLargeError(f"its `release` unpacks to more than {MAX_BYTES >> 20} MiB", file=file)
    if rest:
        raise ConfigError("its `release` is cut off", file=file)
    return content


def _check_size(value: Any, file: str) -> None:
    """Refuse what would be written as YAML for minutes, or not be read again."""
    count, level, depth = 0, [value], 0
    while level:
        count, depth = count + len(level), depth + 1
        if count > MAX_VALUES or depth > MAX_DEPTH:
            message = f"its chart or values have more than {MAX_VALUES:,} values, or are nested too deeply"
            raise TooLargeError(message, file=file)
        level = [
            inner
            for each in level
            if isinstance(each, dict | list)
            for inner in (each.values() if isinstance(each, dict) else each)
        ]


def _files(chart: Mapping[str, Any], file: str) -> Iterator[tuple[str, bytes]]:
    """The chart's files. Helm keeps Chart.yaml and values.yaml as data, without comments."""
    found: dict[str, bytes] = {}
    for key in ("templates", "files"):
        listed = chart.get(key)
        for entry in listed if isinstance(listed, list) else ():
            path = str(_mapping(entry).get("name") or "")
            if problem := _path_problem(path):
                raise ConfigError(f"its chart has the file {path[:200]!a}, which {problem}", file=file)
            if path not in _OURS and not path.startswith("charts/"):
                found[path] = _content(_mapping(entry).get("data"), file)
    if len(found) > MAX_FILES:
        raise TooLargeError(f"its chart has more than {MAX_FILES:,} files", file=file)
    folders = {folder for path in found for folder in _folders(path)}
    if twice := sorted(folders & {*found, *_OURS}):
        raise ConfigError(f"its chart has {twice[0][:200]!a} as a file and as a folder", file=file)
    yield from found.items()
    yield "Chart.yaml", dump(_chart_yaml(_mapping(chart.get("metadata"))), file=file).encode()
    yield "values.yaml", dump(_mapping(chart.get("values")), file=file).encode()
    if chart.get("schema"):
        yield "values.schema.json", _content(chart["schema"], file)


def _chart_yaml(metadata: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in metadata.items() if value not in (None, "", [], {})}
    listed = kept.get("dependencies")
    if isinstance(listed, list):
        kept["dependencies"] = [
            {key: value for key, value in _mapping(each).items() if key not in _NOT_IN_CHARTS}
            for each in listed
        ]
    return kept


def _dependencies(chart: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The charts that are needed, in the version that was installed where the lock says it."""
    locked = {each.get("name"): each.get("version") for each in _mappings(_mapping(chart.get("lock")))}
    for each in _mappings(_mapping(chart.get("metadata"))):
        yield {**each, "version": locked.get(each.get("name")) or each.get("version")}


def _mappings(holder: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    listed = holder.get("dependencies")
    return [_mapping(each) for each in listed] if isinstance(listed, list) else []


def _path_problem(path: str) -> str:
    parts = path.split("/")
    if any(part in ("", ".", "..") for part in parts) or "\\" in path or not path.isprintable():
        return "leads elsewhere or is no path"
    if any(part.casefold().rstrip(" .") == ".git" for part in parts):
        return "is of Git itself"
    if len(path) > 500 or any(len(part.encode()) > 200 for part in parts):
        return "has too long a name"
    return ""


def _folders(path: str) -> Iterator[str]:
    while path := posixpath.dirname(path):
        yield path


def _content(data: Any, file: str) -> bytes:
    try:
        return base64.b64decode(data, validate=True) if isinstance(data, str) else b""
    except (binascii.Error, ValueError) as error:
        raise ConfigError("a file of its chart is not base64", file=file) from error


def _hooks(listed: Any) -> Iterator[Hook]:
    for each in listed if isinstance(listed, list) else ():
        hook = _mapping(each)
        events = hook.get("events")
        yield Hook(
            _word(hook.get("kind")),
            _word(hook.get("name")),
            _word(hook.get("path")),
            tuple(_word(event) for event in events) if isinstance(events, list) else (),
            _text(hook.get("manifest")),
        )


def _word(value: Any) -> str:
    return re.sub(r"[^ -~]", "?", str(value or ""))[:200]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
