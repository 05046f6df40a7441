"""One object of Argo CD or Flux in a file, and a note on each field of it that has no counterpart here."""

import itertools
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from towpath.errors import ConfigError, TooLargeError
from towpath.files import read_text
from towpath.yamltext.manifest_reader import load_documents
from towpath.yamltext.nodes import compose, lines_of
from towpath.yamltext.path import YamlPath

MAX_FILES = 10_000
_GROUPS = ("argoproj.io/", ".toolkit.fluxcd.io/")
_SUFFIXES = (".yaml", ".yml")


@dataclass(frozen=True, slots=True, order=True)
class Note:
    """What is not carried over, with its place. `line` is 0 for an object of the cluster."""

    file: str
    line: int
    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.message}"


@dataclass(frozen=True, slots=True)
class Definition:
    """An object, and where it stands."""

    kind: str
    name: str
    namespace: str
    data: Mapping[str, Any]
    file: str
    lines: Mapping[YamlPath, int] = field(repr=False, default_factory=dict)

    @property
    def title(self) -> str:
        """Kind and name."""
        return f"{self.kind} {self.name}"

    def line(self, path: YamlPath = ()) -> int:
        """The line of a path, or of the nearest enclosing value that has one."""
        for end in range(len(path), -1, -1):
            if path[:end] in self.lines:
                return self.lines[path[:end]]
        return 1

    def note(self, path: YamlPath, message: str) -> Note:
        """A note at a path."""
        return Note(self.file, self.line(path), f"{self.title}: {message}")


class Fields:
    """The fields of a mapping: each is taken, or told at the end."""

    def __init__(self, definition: Definition, path: YamlPath, value: Any, notes: list[Note]) -> None:
        self.definition = definition
        self.path = path
        self.notes = notes
        self._value: Mapping[str, Any] = value if isinstance(value, dict) else {}
        self._taken: set[str] = set()

    @property
    def value(self) -> Mapping[str, Any]:
        """The mapping as it is."""
        return self._value

    def replaced(self, value: Any) -> "Fields":
        """The fields of another value at the same place, none of them taken."""
        return Fields(self.definition, self.path, value, self.notes)

    def take(self, *keys: str) -> Any:
        """The value of the first of these keys that is there; all of them count as known."""
        self._taken.update(keys)
        return next((self._value[key] for key in keys if self._value.get(key) is not None), None)

    def text(self, key: str) -> str:
        """A text; empty when there is none. What is no text is told."""
        value = self.take(key)
        if value is None or isinstance(value, str):
            return value or ""
        self.tell(key, "is no text")
        return ""

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts."""
        value = self.take(key)
        return tuple(each for each in value if isinstance(each, str)) if isinstance(value, list) else ()

    def inner(self, key: str) -> "Fields":
        """The fields of a mapping inside; without any when there is none."""
        return Fields(self.definition, (*self.path, key), self.take(key), self.notes)

    def items(self, key: str) -> list["Fields"]:
        """The fields of each mapping of a list."""
        value = self.take(key)
        listed = value if isinstance(value, list) else []
        path = (*self.path, key)
        return [
            Fields(self.definition, (*path, index), each, self.notes) for index, each in enumerate(listed)
        ]

    def tell(self, key: str, message: str) -> None:
        """Note that a field is not carried over."""
        path = (*self.path, key) if key else self.path
        name = ".".join(str(part) for part in path)
        self.notes.append(self.definition.note(path, f"`{name}` {message}"))

    def tell_rest(self, *passed: str) -> None:
        """Note every field that was not taken, but for those that mean nothing here."""
        for key, value in self._value.items():
            if key not in self._taken and key not in passed and value not in (None, {}, [], "", False):
                self.tell(key, "has no counterpart")

    def __bool__(self) -> bool:
        return bool(self._value)


def read_definitions(root: Path, notes: list[Note]) -> list[Definition]:
    """All objects of Argo CD and Flux in the files below a folder, by file and line.

    A file with templates of another tool, which is no YAML, is told only when it seems to hold one.
    """
    found: list[Definition] = []
    for path in manifest_files(root):
        try:
            text = read_text(root, path)
            if text is None or not any(group in text for group in _GROUPS):
                continue
            found += _of_file(text, path)
        except ConfigError as error:
            problem = error.problems[0]
            message = f"cannot be read: {problem.message}"
            if chart := _chart_of(root, path):
                message = (
                    f"is a template of the chart {chart}, which is not rendered here: write what"
                    f" `helm template {chart}` prints into a file of the repository, and import again"
                )
            notes.append(Note(path, problem.line or 1, message))
    return found


def _chart_of(root: Path, path: str) -> str:
    """The folder of the chart whose template a file is; empty for any other file."""
    folders = [parent.parent for parent in Path(path).parents if parent.name == "templates"]
    return next((each.as_posix() for each in folders if (root / each / "Chart.yaml").is_file()), "")


def _of_file(text: str, file: str) -> Iterator[Definition]:
    documents = load_documents(text, file)
    roots = compose(text.removeprefix("\ufeff"), file)
    for document, root in zip(documents, roots, strict=True):
        data = document.value
        if not isinstance(data, dict) or not isinstance(data.get("kind"), str):
            continue
        if not any(group in str(data.get("apiVersion")) for group in _GROUPS):
            continue
        metadata = data.get("metadata")
        metadata = metadata if isinstance(metadata, dict) else {}
        name, namespace = str(metadata.get("name") or ""), str(metadata.get("namespace") or "")
        yield Definition(data["kind"], name, namespace, data, file, lines_of(root))


def manifest_files(root: Path) -> Iterator[str]:
    """Manifests below a folder, sorted; nothing hidden, and no link is followed."""
    paths: list[str] = []
    for folder, names, files in os.walk(root):
        names[:] = sorted(name for name in names if not name.startswith("."))
        for name in files:
            path = Path(folder) / name
            if path.suffix in _SUFFIXES and not path.is_symlink():
                paths.append(path.relative_to(root).as_posix())
        if len(paths) > MAX_FILES:
            raise TooLargeError(f"has more than {MAX_FILES:,} manifests", file=str(root))
    yield from itertools.islice(sorted(paths), MAX_FILES)
