"""Edits of the text of trusted keys: lines are added and ended; every other byte stays."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from towpath.errors import ConflictError
from towpath.evidence.public_key import PublicKey
from towpath.evidence.trusted_keys import TrustedKey, parse_trusted_keys

HEAD = "# Public keys that are trusted, and what each may sign. `towpath keys` writes this file.\n"


def add_key(text: str, entry: TrustedKey, file: str) -> str:
    """The text with one more line; ConflictError when the key is there already."""
    for known in parse_trusted_keys(text, file).entries:
        if known.key == entry.key:
            raise ConflictError(
                f"{file}:{known.line}: key {entry.key.fingerprint} is there already",
                remedy="Change that line, or retire it first.",
            )
    return f"{text or HEAD}{'' if not text or text.endswith(chr(10)) else chr(10)}{entry}\n"


def end_keys(text: str, ends: Callable[[TrustedKey], bool], at: datetime, file: str) -> str:
    """The text in which each key that `ends` names is valid until `at`; one that ends before stays."""

    def ended(entry: TrustedKey) -> TrustedKey | None:
        if not ends(entry) or (entry.valid_before and entry.valid_before <= at):
            return entry
        # A key that was not valid yet has signed nothing that must still hold.
        return None if entry.valid_after and entry.valid_after >= at else replace(entry, valid_before=at)

    return _edit(text, ended, file)


def remove_key(text: str, key: PublicKey, file: str) -> str:
    """The text without the key: nothing that it signed counts any more."""
    return _edit(text, lambda entry: None if entry.key == key else entry, file)


def _edit(text: str, change: Callable[[TrustedKey], TrustedKey | None], file: str) -> str:
    lines = text.split("\n")
    for entry in reversed(parse_trusted_keys(text, file).entries):
        new = change(entry)
        if new is None:
            del lines[entry.line - 1]
        elif new != entry:
            lines[entry.line - 1] = str(new)
    return "\n".join(lines)
