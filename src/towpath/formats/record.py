"""Reads and writes the versioned files of an environment repository; no file loses a key that is not known.

A file of a newer version is refused as a whole: it is neither read in part nor written. In towpath.dev/v1
records had no `apiVersion`, and some were a list; since towpath.dev/v2 each is a mapping with `apiVersion`.
"""

from dataclasses import dataclass
from typing import Any

from towpath.errors import ConfigError
from towpath.formats.key_tree import KeyTree, unknown_keys
from towpath.formats.versions import (
    LATEST,
    MIGRATE,
    V1,
    VERSION_KEY,
    FileVersion,
    is_newer,
    known_version,
    range_problem,
    ranges_in,
)
from towpath.yamltext.config_reader import ConfigDocument, config_error, read_document
from towpath.yamltext.path import YamlPath
from towpath.yamltext.writer import dump

MAX_NAMED = 10
"""Unknown keys that an error names."""
REMEDY = "Upgrade Towpath. Nothing of the file is used, and nothing that it decides about is changed."


@dataclass(frozen=True, slots=True)
class RecordForm:
    """A kind of file: its name in KEYS, the keys of its newest version, and how it is written.

    `items` is the key of the list that was the whole file in towpath.dev/v1. `head` are its comment lines.
    """

    name: str
    keys: KeyTree
    items: str = ""
    head: str = ""


@dataclass(frozen=True, slots=True)
class Record:
    """What a file says, without `apiVersion`, in the shape of the newest version. None: it is empty."""

    version: FileVersion
    data: dict[str, Any] | None
    document: ConfigDocument
    listed: bool = False
    """Whether it is the list of towpath.dev/v1."""

    def line(self, path: YamlPath) -> int:
        """The line of a path of `data`."""
        return self.document.line(path[1:] if self.listed else path)


def read_record(text: str, file: str, form: RecordForm) -> Record:
    """Parse a record and check its version and keys by it; `file` is its name in errors."""
    document = read_document(text, file)
    data = document.data
    if data is None:
        return Record(V1, None, document)
    if form.items and isinstance(data, list):
        record = Record(V1, {form.items: data}, document, listed=True)
    elif isinstance(data, dict) and (VERSION_KEY in data or not form.items):
        record = Record(require_known(document, file, form.keys), data, document)
    else:
        expected = f"must be a mapping that begins with `{VERSION_KEY}: {LATEST}`"
        raise config_error([(1, expected)], file)
    check_ranges(record, file, form.name)
    content = {key: value for key, value in (record.data or {}).items() if key != VERSION_KEY}
    return Record(record.version, content, document, record.listed)


def write_record(data: dict[str, Any], version: FileVersion, form: RecordForm) -> str:
    """The text of a record, of which `data` is in the shape of `version`; a list in v1 is below `items`."""
    if version == V1:
        content: Any = data[form.items] if form.items else data
    else:
        content = {VERSION_KEY: version, **data}
    return dump(content, head=form.head, file=form.name)


def require_known(document: ConfigDocument, file: str, keys: KeyTree) -> FileVersion:
    """The version of a mapping; towpath.dev/v1 where it has none. ConfigError for one that is not known."""
    written = document.data.get(VERSION_KEY, V1)
    version = known_version(written)
    if version is not None:
        return version
    line = document.line((VERSION_KEY,))
    if not is_newer(written):
        shown = f", not {written[:60]!r}" if isinstance(written, str) else ""
        raise ConfigError(f"{VERSION_KEY}: must be `{LATEST}`{shown}", file=file, line=line)
    unknown = [key for key in unknown_keys(document.data, keys) if key != VERSION_KEY]
    named = ", ".join(f"`{key[:80]}`" for key in unknown[:MAX_NAMED])
    more = f" and {len(unknown) - MAX_NAMED} more" if len(unknown) > MAX_NAMED else ""
    what = f"; it has keys that are not known here: {named}{more}" if named else ""
    raise ConfigError(
        f"is written for {written}, and this Towpath knows up to {LATEST}{what}",
        file=file,
        line=line,
        remedy=REMEDY,
    )


def check_ranges(record: Record, file: str, name: str) -> None:
    """ConfigError with each key that is not one of the record's version."""
    problems = [
        (record.line(path), problem)
        for path, each in ranges_in(record.data, name)
        if (problem := range_problem(each, record.version))
    ]
    if problems:
        raise config_error(problems, file)


def version_of(text: str | None, file: str) -> FileVersion:
    """The version of a record that can be read; towpath.dev/v1 for none and for an empty one."""
    data = read_document(text, file).data if text else None
    written = data.get(VERSION_KEY) if isinstance(data, dict) else None
    return known_version(written) or V1


def cannot_write(what: str, version: FileVersion, file: str) -> ConfigError:
    """The error for what a former version has no place for."""
    return ConfigError(f"{what} cannot be written as {version}", file=file, remedy=f"{MIGRATE}.")
