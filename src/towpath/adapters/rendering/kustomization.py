"""Scans a kustomization before Kustomize runs: local files only, nothing that executes.

Kustomize itself would fetch `resources: [https://…]`, run `git` for a base, and follow any `path:`. Go's JSON
decoder ignores the case of keys, so keys are compared case-folded here too.
"""

import difflib
import posixpath
import re
from collections.abc import Iterator
from typing import Any

from towpath.adapters.rendering.sources import Sources
from towpath.errors import ConfigError
from towpath.redact import redact
from towpath.yamltext.config_reader import ConfigDocument, read_document
from towpath.yamltext.manifest_reader import ManifestDocument
from towpath.yamltext.scalars import KUBERNETES

NAMES = ("kustomization.yaml", "kustomization.yml", "Kustomization")
MAX_BASES = 500
"""Bases, each counted as often as it is used: ten levels of two would be a thousand builds."""
MAX_GENERATED = 1 << 20
"""Bytes of files in one generated ConfigMap or Secret; Kubernetes stores no larger one."""
MAX_ALL_GENERATED = 8 << 20
"""Bytes of files in all generated objects together: the limit of all rendered output."""
_MAX_DEPTH, _MAX_PATH = 30, 4_096
_COSTLY = 5
"""Cost of one value of a kustomization against the limit of values: its line is kept, which takes longer."""

_FOLDERS_OR_FILES = ("resources", "bases", "components")
_UNIQUE_ENTRIES = ("resources", "bases")
"""Lists in which Kustomize refuses the same entry twice."""
_FILES = ("crds", "configurations")
_PLUGINS = ("transformers", "generators", "validators")
_PATCHES = ("patches", "patchesJson6902", "replacements")
_GENERATORS = ("configMapGenerator", "secretGenerator")
_EXECUTING = ("helmCharts", "helmChartInflationGenerator", "helmGlobals")
_HARMLESS = (
    "apiVersion", "kind", "metadata", "namespace", "namePrefix", "nameSuffix", "labels", "commonLabels",
    "commonAnnotations", "images", "replicas", "vars", "generatorOptions", "sortOptions", "buildMetadata",
    "inventory",
)  # fmt: skip
_KNOWN = {
    key.casefold(): key
    for key in (
        *_FOLDERS_OR_FILES, *_FILES, *_PLUGINS, *_PATCHES, *_GENERATORS, *_EXECUTING, *_HARMLESS,
        "patchesStrategicMerge", "openapi",
    )
}  # fmt: skip
REMOTE = re.compile(
    r"[:?\\]|//|^git@|^~|(^|/)(www\.)?(github\.com|gitlab\.com|bitbucket\.org)(/|$)|\.git(/|$)|_git/",
    re.IGNORECASE,
)
_FUNCTION = re.compile(r"config\.(kubernetes|k8s)\.io/function")


def scan(sources: Sources, folder: str) -> list[ManifestDocument]:
    """Read everything that building `folder` would read; returns the documents of its resources.

    Raises ConfigError for a remote base, a path out of the checkout, a plugin, a Helm chart, a cycle.
    """
    walk = _Scan(sources)
    walk.folder(folder, file=folder, line=None)
    return walk.resources


class _Scan:
    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._uses: dict[str, int] = {}
        self._open: list[str] = []
        self._resources: dict[str, list[ManifestDocument]] = {}
        self.pairs: set[str] = set()
        """Files of `KEY=value` lines that were checked."""
        self.generated = 0
        """Bytes of files in generated objects; a file counts once per use."""

    @property
    def resources(self) -> list[ManifestDocument]:
        """The documents of all resource files, each file once."""
        return [document for documents in self._resources.values() for document in documents]

    def resource(self, place: str, documents: list[ManifestDocument]) -> None:
        self._resources[place] = documents

    def folder(self, folder: str, *, file: str, line: int | None) -> int:
        """Scan one base; returns how many bases a build of it visits."""
        if folder in self._open:
            raise ConfigError(f"{folder!r} contains itself", file=file, line=line)
        if folder in self._uses:
            return self._uses[folder]
        names = [name for name in NAMES if self._sources.kind(f"{folder}/{name}") != "nothing"]
        if len(names) != 1:
            number = "more than one" if names else "no"
            raise ConfigError(f"{folder!r} has {number} kustomization.yaml", file=file, line=line)
        if len(self._open) >= _MAX_DEPTH:
            raise ConfigError(f"bases nested deeper than {_MAX_DEPTH}", file=file, line=line)
        self._open.append(folder)
        uses = 1 + sum(self._file(f"{folder}/{names[0]}", folder))
        self._open.pop()
        if uses > MAX_BASES:
            raise ConfigError(f"builds more than {MAX_BASES} bases", file=f"{folder}/{names[0]}")
        self._uses[folder] = uses
        return uses

    def _file(self, file: str, folder: str) -> Iterator[int]:
        content = self._sources.read(file, file=file)
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise ConfigError("not UTF-8 text", file=file) from error
        with self._sources.quota.reading():
            document = read_document(text, file, dialect=KUBERNETES)
        self._sources.count(document.values, file, cost=_COSTLY)
        if not isinstance(document.data, dict):
            raise ConfigError("not a kustomization: not a mapping", file=file, line=1)
        keys = _Kustomization(self, self._sources, document, file, folder)
        for written, value in document.data.items():
            key = _KNOWN.get(written.casefold())
            line = document.line((written,))
            if key is None:
                near = difflib.get_close_matches(written, _KNOWN.values(), n=1)
                hint = f"; did you mean `{near[0]}`?" if near else ""
                raise ConfigError(f"unknown key `{written}`{hint}", file=file, line=line)
            if value is None:
                continue  # as absent, for Kustomize too
            if key in _EXECUTING:
                raise ConfigError(
                    f"`{written}` runs Helm and may fetch a chart; refused",
                    file=file,
                    line=line,
                    remedy="Use `renderer: helm` with a chart in the repository.",
                )
            yield from keys.key(key, written, value)


class _Kustomization:
    """Checks the keys of one kustomization file."""

    def __init__(
        self, walk: _Scan, sources: Sources, document: ConfigDocument, file: str, folder: str
    ) -> None:
        self._walk = walk
        self._sources = sources
        self._document = document
        self._file = file
        self._folder = folder

    def key(self, key: str, written: str, value: Any) -> Iterator[int]:
        items = value if isinstance(value, list) else [value]
        names: set[str] = set()
        for index, item in enumerate(items):
            line = self._document.line((written, index))
            if key in _UNIQUE_ENTRIES and isinstance(item, str):
                if item in names:
                    raise ConfigError(f"{redact(item)[:200]!r} is named twice", file=self._file, line=line)
                names.add(item)
            if key in _PLUGINS and not item:
                continue  # Kustomize passes over empty entries of these lists alone
            if key in _FOLDERS_OR_FILES or key in _PLUGINS:
                yield self._resource(item, line, plugin=key in _PLUGINS)
            elif key in _FILES:
                self._yaml(item, line)
            elif key == "patchesStrategicMerge":
                if _is_inline(item):
                    self._inline(item, line)
                else:
                    self._yaml(item, line)
            elif key in (*_PATCHES, "openapi"):
                if not isinstance(item, dict):
                    raise ConfigError("a mapping is expected here", file=self._file, line=line)
                self._nested(item, line)
            elif key in _GENERATORS:
                self._generator(item, line)

    def _resource(self, item: Any, line: int, *, plugin: bool) -> int:
        if plugin and _is_inline(item):
            self._plugin_documents(self._inline(item, line), line)
            return 0
        place = self._path(item, line)
        if self._sources.kind(place) == "folder":
            # A folder of transformers is a kustomization whose resources are plugins: too much to allow here.
            if plugin:
                raise ConfigError(f"{item!r}: a folder of plugins; refused", file=self._file, line=line)
            return self._walk.folder(place, file=self._file, line=line)
        documents = self._sources.documents(place, file=self._file, line=line)
        if plugin:
            self._plugin_documents(documents, line)
        else:
            self._walk.resource(place, documents)
        return 0

    def _plugin_documents(self, documents: list[ManifestDocument], line: int) -> None:
        for document in documents:
            value = document.value
            version = value.get("apiVersion") if isinstance(value, dict) else None
            kind = str(value.get("kind")) if isinstance(value, dict) else ""
            if version != "builtin" or "helm" in kind.casefold() or _FUNCTION.search(repr(value)):
                raise ConfigError(
                    "a plugin that is not built into Kustomize; refused", file=self._file, line=line
                )
            self._nested(value, line)
            self._generator(value, line)

    def _nested(self, item: Any, line: int) -> None:
        """Read files under `path` and `paths` at any depth of a patch, a replacement or a built-in plugin."""
        if isinstance(item, dict):
            for key, value in item.items():
                # The `path` of a JSON patch's operation is a pointer.
                if key.casefold() in ("path", "paths") and not (key == "path" and "op" in item):
                    for path in value if isinstance(value, list) else [value]:
                        if isinstance(path, str) and path and not _is_inline(path):
                            self._yaml(path, line)
                elif key.casefold() == "patch" and isinstance(value, str):
                    self._inline(value, line)
                elif isinstance(value, (dict, list)) and key.casefold() not in _FIELD_SPECS:
                    self._nested(value, line)
        elif isinstance(item, list):
            for value in item:
                self._nested(value, line)

    def _generator(self, item: Any, line: int) -> None:
        if not isinstance(item, dict):
            return
        size = 0
        for key, value in item.items():
            if key.casefold() == "literals":
                self._sources.masked.append(value)
            if key.casefold() not in ("files", "envs", "env") or not value:
                continue
            for entry in value if isinstance(value, list) else [value]:
                path = entry.partition("=")[2] or entry if isinstance(entry, str) else entry
                place = self._path(path, line)
                content = self._sources.read(place, file=self._file, line=line)
                size += len(content)
                self._walk.generated += len(content)
                if size > MAX_GENERATED:
                    raise ConfigError("generates an object larger than 1 MiB", file=self._file, line=line)
                if self._walk.generated > MAX_ALL_GENERATED:
                    raise ConfigError("generates more than 8 MiB", file=self._file, line=line)
                if key.casefold() != "files":
                    self._pairs(content, place)

    def _pairs(self, content: bytes, file: str) -> None:
        """Check a file of `KEY=value` lines; without `=`, Kustomize would read its own environment."""
        if file in self._walk.pairs:
            return
        self._walk.pairs.add(file)
        lines = content.decode("utf-8-sig", errors="replace").splitlines()
        self._sources.masked.append(lines)
        for number, line in enumerate(lines, start=1):
            if line.strip() and not line.lstrip().startswith("#") and line.find("=") < 1:
                raise ConfigError("a line that is not KEY=value", file=file, line=number)

    def _inline(self, text: str, line: int) -> list[ManifestDocument]:
        try:
            documents = self._sources.parse(text, self._file)
        except ConfigError as error:
            reason = error.message.removeprefix(self._file).lstrip(":0123456789 ")
            raise type(error)(f"in the text given here: {reason}", file=self._file, line=line) from error
        self._sources.masked.extend(document.value for document in documents)
        return documents

    def _yaml(self, item: Any, line: int) -> None:
        self._sources.documents(self._path(item, line), file=self._file, line=line)

    def _path(self, item: Any, line: int) -> str:
        """The real path of an entry; ConfigError for anything but a local path inside the repository."""
        if not isinstance(item, str) or not item.strip():
            raise ConfigError("a path is expected here", file=self._file, line=line)
        if len(item) > _MAX_PATH:
            raise ConfigError(
                f"a path too long: more than {_MAX_PATH:,} characters", file=self._file, line=line
            )
        shown = redact(item)[:200]
        if REMOTE.search(item) or "\0" in item or "\n" in item:
            raise ConfigError(
                f"{shown!r} is remote, or not a plain path; only files of this repository are used",
                file=self._file,
                line=line,
                remedy="Copy the base into the repository.",
            )
        if posixpath.isabs(item):
            raise ConfigError(f"{shown!r} is an absolute path; refused", file=self._file, line=line)
        joined = posixpath.normpath(posixpath.join(self._folder, item))
        if joined == ".." or joined.startswith("../"):
            raise ConfigError(f"{shown!r} leads out of the repository; refused", file=self._file, line=line)
        place = self._sources.locate(posixpath.join(self._folder, item), file=self._file, line=line)
        if self._sources.kind(place) == "nothing":
            raise ConfigError(f"{shown!r}: there is no such file or folder", file=self._file, line=line)
        return place


_FIELD_SPECS = frozenset({"fieldspecs", "targets", "source", "options", "target"})
"""Keys under which `path` is a field of an object, not a file."""


def _is_inline(item: Any) -> bool:
    return isinstance(item, str) and "\n" in item
