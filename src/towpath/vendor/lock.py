"""`vendor.lock.yaml`: what was vendored, by version and digest. Towpath writes it; people review it."""

import functools
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from towpath.files import read_text
from towpath.formats.key_tree import key_tree
from towpath.formats.record import Record, RecordForm, read_record, write_record
from towpath.formats.versions import LATEST, VENDOR_LOCK, VERSION_KEY
from towpath.vendor.model import COMMIT, path_problem
from towpath.yamltext.config_reader import config_error

LOCK_FILE = VENDOR_LOCK
_HEAD = "# Written by `towpath vendor`. Remove an entry to trust other content under the same version.\n"
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class LockedDependency:
    """A chart that was fetched into `charts/` of another."""

    path: str
    source: str
    version: str
    archive: str


@dataclass(frozen=True, slots=True)
class LockedEntry:
    """One folder as it was vendored.

    `archive` is the digest of a chart's archive, `commit` that of Git's; `tree` is the digest of the folder.
    `ref` is the tag or branch that led to the commit, if any.
    """

    name: str
    path: str
    source: str
    version: str
    tree: str
    archive: str = ""
    commit: str = ""
    ref: str = ""
    include: tuple[str, ...] = ()
    dependencies: tuple[LockedDependency, ...] = ()

    @property
    def shown(self) -> str:
        """The version for people."""
        return f"{self.version} ({self.commit[:12]})" if self.commit else self.version


Lock = Mapping[str, LockedEntry]
NO_LOCK: Lock = {}


@dataclass(frozen=True, slots=True)
class _LockFile:
    apiVersion: str  # noqa: N815 - the key of the file
    vendor: tuple[LockedEntry, ...]


@functools.cache
def lock_form() -> RecordForm:
    """The form of the file."""
    return RecordForm(VENDOR_LOCK, {VERSION_KEY: {}, **key_tree(_LockFile)}, head=_HEAD)


def load_lock(root: Path) -> Lock:
    """The lock of a repository, by name; empty without one. Raises ConfigError."""
    text = read_text(root, LOCK_FILE)
    return NO_LOCK if text is None else parse_lock(text)


def parse_lock(text: str, file: str = LOCK_FILE) -> Lock:
    """Parse the text of a `vendor.lock.yaml`; `file` is its name in errors."""
    record = read_record(text, file, lock_form())
    if record.data is None:
        return NO_LOCK
    items = record.data.get("vendor")
    if set(record.data) != {"vendor"} or not isinstance(items, list):
        raise config_error([(1, "must have the list `vendor`, and nothing else")], file)
    problems = [
        (_line(record, index), f"vendor[{index}]: {problem}")
        for index, item in enumerate(items)
        if (problem := _problem(item))
    ]
    if problems:
        raise config_error(problems, file)
    lock: dict[str, LockedEntry] = {}
    for index, item in enumerate(items):
        dependencies = tuple(LockedDependency(**each) for each in item.get("dependencies", ()))
        entry = LockedEntry(
            **{**item, "include": tuple(item.get("include", ())), "dependencies": dependencies}
        )
        if entry.name in lock:
            raise config_error(
                [(_line(record, index), f"vendor[{index}]: {entry.name} is there twice")], file
            )
        lock[entry.name] = entry
    return lock


def dump_lock(entries: Iterable[LockedEntry]) -> str:
    """The text of the file: the same bytes for the same entries."""
    items = [
        {key: _plain(value) for key, value in asdict(each).items() if value}
        for each in sorted(entries, key=lambda each: each.name)
    ]
    return write_record({"vendor": items}, LATEST, lock_form())


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _line(record: Record, index: int) -> int:
    return record.line(("vendor", index))


def _problem(item: Any) -> str:  # noqa: PLR0911
    known = {each.name for each in fields(LockedEntry)}
    if not isinstance(item, dict) or not {"name", "path", "source", "version", "tree"} <= set(item) <= known:
        return f"must have name, path, source, version and tree, and may have {', '.join(sorted(known))}"
    texts = {key: value for key, value in item.items() if key not in ("include", "dependencies")}
    if not all(isinstance(value, str) and value for value in texts.values()):
        return "every value must be a text"
    if not all(_DIGEST.fullmatch(str(item.get(key, item["tree"]))) for key in ("tree", "archive")):
        return "`tree` and `archive` must be sha256 digests"
    if not COMMIT.fullmatch(str(item.get("commit", "0" * 40))):
        return "`commit` must be a whole commit id"
    if path_problem(item["path"]) or ".." in item["path"].split("/") or item["path"].startswith("/"):
        return "`path` is no folder that may be vendored into"
    include, dependencies = item.get("include", []), item.get("dependencies", [])
    if not isinstance(include, list) or not all(isinstance(each, str) and each for each in include):
        return "`include` must be a list of texts"
    keys = {each.name for each in fields(LockedDependency)}
    if not isinstance(dependencies, list) or not all(
        isinstance(each, dict)
        and set(each) == keys
        and all(isinstance(value, str) for value in each.values())
        for each in dependencies
    ):
        return f"`dependencies` must be a list of {', '.join(sorted(keys))}"
    return ""
