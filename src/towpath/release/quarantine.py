"""`quarantine.yaml`: the releases of an app that failed in an environment and must not be promoted again."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from towpath.files import read_text
from towpath.formats.key_tree import key_tree
from towpath.formats.record import RecordForm, read_record, write_record
from towpath.formats.versions import QUARANTINE, V1, VERSION_KEY, FileVersion
from towpath.release.model import is_release_id
from towpath.yamltext.config_reader import config_error

QUARANTINE_FILE = QUARANTINE
_ITEMS = "releases"


@dataclass(frozen=True, slots=True)
class QuarantineEntry:
    """A quarantined release by its id, with reason, time (`at`, RFC 3339) and the flow run that added it."""

    release: str
    reason: str
    at: str
    flow_run: str = ""


FORM = RecordForm(
    QUARANTINE,
    {VERSION_KEY: {}, _ITEMS: {"*": key_tree(QuarantineEntry)}},
    items=_ITEMS,
    head="# Releases that failed. Remove an entry by a commit to allow its promotion again.\n",
)


def quarantine_path(app: str) -> str:
    """The path of an app's `quarantine.yaml` in the environment repository."""
    return f"apps/{app}/{QUARANTINE_FILE}"


def load_quarantine(root: Path, path: str = QUARANTINE_FILE) -> tuple[QuarantineEntry, ...]:
    """Read one `quarantine.yaml` below `root`; no entries without it. ConfigError tells file and line."""
    text = read_text(root, path)
    return () if text is None else parse_quarantine(text, path)


def parse_quarantine(text: str, file: str = QUARANTINE_FILE) -> tuple[QuarantineEntry, ...]:
    """Parse the text of a `quarantine.yaml` of any known version; `file` is its name in errors."""
    record = read_record(text, file, FORM)
    if record.data is None:
        return ()
    items, key = record.data.get(_ITEMS), _id_key(record.version)
    if set(record.data) != {_ITEMS} or not isinstance(items, list):
        raise config_error([(1, f"must have the list `{_ITEMS}`, and nothing else")], file)
    what = "digest (sha256:…)" if record.version == V1 else "id (sha256:…, or a commit without images)"
    expected = f"must have the texts `{key}` ({what}), `reason` and `at`, and may have `flow_run`"
    problems = [
        (record.line((_ITEMS, index)), expected)
        for index, item in enumerate(items)
        if not _is_entry(item, key)
    ]
    if problems:
        raise config_error(problems, file)
    return tuple(
        QuarantineEntry(item[key], item["reason"], item["at"], item.get("flow_run", "")) for item in items
    )


def dump_quarantine(entries: Iterable[QuarantineEntry], version: FileVersion) -> str:
    """The text of `quarantine.yaml`."""
    key = _id_key(version)
    items = [
        {key if name == "release" else name: value for name, value in asdict(entry).items()}
        for entry in entries
    ]
    return write_record({_ITEMS: items}, version, FORM)


def add_to_quarantine(
    entries: tuple[QuarantineEntry, ...], entry: QuarantineEntry
) -> tuple[QuarantineEntry, ...]:
    """`entries` with `entry` at the end; unchanged when its release is in them."""
    return entries if find_quarantined(entries, entry.release) else (*entries, entry)


def find_quarantined(entries: Iterable[QuarantineEntry], *ids: str) -> QuarantineEntry | None:
    """The first entry of any of these ids: a release's own, and the digests of its images. None without."""
    return next((entry for entry in entries if entry.release in ids), None)


def _id_key(version: FileVersion) -> str:
    return "digest" if version == V1 else "release"


def _is_entry(item: Any, key: str) -> bool:
    return (
        isinstance(item, dict)
        and set(item) - {"flow_run"} == {key, "reason", "at"}
        and all(isinstance(value, str) for value in item.values())
        and is_release_id(item[key])
        and (key == "release" or item[key].startswith("sha256:"))
    )
