"""`quarantine.yaml`: the digests of an app that failed in an environment and must not be promoted again."""

import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from towpath.files import read_text
from towpath.yamltext.config_reader import config_error, read_document
from towpath.yamltext.writer import dump

QUARANTINE_FILE = "quarantine.yaml"
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class QuarantineEntry:
    """A quarantined digest, with reason, time (`at`, RFC 3339) and the flow run that added it."""

    digest: str
    reason: str
    at: str
    flow_run: str = ""


def quarantine_path(app: str) -> str:
    """The path of an app's `quarantine.yaml` in the environment repository."""
    return f"apps/{app}/{QUARANTINE_FILE}"


def load_quarantine(root: Path, path: str = QUARANTINE_FILE) -> tuple[QuarantineEntry, ...]:
    """Read one `quarantine.yaml` below `root`; no entries without it. ConfigError tells file and line."""
    text = read_text(root, path)
    return () if text is None else parse_quarantine(text, path)


def parse_quarantine(text: str, file: str = QUARANTINE_FILE) -> tuple[QuarantineEntry, ...]:
    """Parse the text of a `quarantine.yaml`; `file` is its name in errors."""
    document = read_document(text, file)
    if document.data is None:
        return ()
    if not isinstance(document.data, list):
        raise config_error([(1, "must be a list of {digest, reason, at, flow_run}")], file)
    expected = "must have the texts `digest` (sha256:…), `reason` and `at`, and may have `flow_run`"
    problems = [
        (document.line((index,)), expected) for index, item in enumerate(document.data) if not _is_entry(item)
    ]
    if problems:
        raise config_error(problems, file)
    return tuple(QuarantineEntry(**item) for item in document.data)


def dump_quarantine(entries: Iterable[QuarantineEntry]) -> str:
    """The text of `quarantine.yaml`."""
    head = "# Releases that failed. Remove an entry by a commit to allow its promotion again.\n"
    data = [asdict(entry) for entry in entries]
    return dump(data, head=head, file=QUARANTINE_FILE)


def add_to_quarantine(
    entries: tuple[QuarantineEntry, ...], entry: QuarantineEntry
) -> tuple[QuarantineEntry, ...]:
    """`entries` with `entry` at the end; unchanged when its digest is in them."""
    return entries if find_quarantined(entries, entry.digest) else (*entries, entry)


def find_quarantined(entries: Iterable[QuarantineEntry], digest: str) -> QuarantineEntry | None:
    """The entry of `digest`, or None."""
    return next((entry for entry in entries if entry.digest == digest), None)


def _is_entry(item: Any) -> bool:
    return (
        isinstance(item, dict)
        and set(item) - {"flow_run"} == {"digest", "reason", "at"}
        and all(isinstance(value, str) for value in item.values())
        and bool(_DIGEST.fullmatch(item["digest"]))
    )
