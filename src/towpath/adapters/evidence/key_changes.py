"""Changes of a folder of keys: made, trusted, rotated and retired, each under its lock.

The file of trusted keys is always written before a private key is replaced, and after one was made: whatever
stops in between, nothing is trusted that should not be.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from towpath.adapters.evidence.key_files import KeyFolder
from towpath.errors import UnknownNameError
from towpath.evidence.private_key import PrivateKey
from towpath.evidence.public_key import PublicKey
from towpath.evidence.trusted_edit import add_key, end_keys, remove_key
from towpath.evidence.trusted_keys import TrustedKey, parse_trusted_keys


@dataclass(frozen=True, slots=True)
class Rotated:
    """A rotation: the new key, and those that it replaces, valid until `end`."""

    new: PublicKey
    old: tuple[PublicKey, ...]
    end: datetime


@dataclass(frozen=True, slots=True)
class Retired:
    """Keys that are retired; `private` says whether a private key was deleted."""

    keys: tuple[PublicKey, ...]
    end: datetime
    private: bool


def make_key(folder: KeyFolder, name: str, namespaces: tuple[str, ...]) -> PublicKey:
    """Make a key and trust it; ConflictError when `name` has a private key here already."""
    key = PrivateKey.generate()
    with folder.locked():
        entry = TrustedKey((name,), key.public, namespaces)
        text = add_key(folder.trusted_text(), entry, _file(folder))
        folder.write_key(name, key)
        folder.write_trusted(text)
    return key.public


def trust_key(folder: KeyFolder, name: str, key: PublicKey, namespaces: tuple[str, ...]) -> None:
    """Trust a public key as `name`'s; ConflictError when it is trusted already."""
    with folder.locked():
        entry = TrustedKey((name,), key, namespaces)
        folder.write_trusted(add_key(folder.trusted_text(), entry, _file(folder)))


def rotate_key(folder: KeyFolder, name: str, overlap: timedelta = timedelta(0)) -> Rotated:
    """Replace the private key of `name`; those before end after `overlap`. UnknownNameError without one."""
    key, end = PrivateKey.generate(), _now() + overlap
    with folder.locked():
        text = folder.trusted_text()
        mine = entries_of(folder, text, name)
        if not folder.private_file(name).is_file():
            raise UnknownNameError("private key", name, where=str(folder.path))
        text = end_keys(text, lambda entry: entry in mine, end, _file(folder))
        new = TrustedKey((name,), key.public, mine[-1].namespaces)
        folder.write_trusted(add_key(text, new, _file(folder)))
        folder.write_key(name, key, replace=True)
    return Rotated(key.public, tuple(entry.key for entry in mine), end)


def retire_key(folder: KeyFolder, name: str, *, stolen: bool = False) -> Retired:
    """End all keys of `name` now, or remove them when they are stolen; the private one is deleted."""
    end = _now()
    with folder.locked():
        text = folder.trusted_text()
        mine = entries_of(folder, text, name)
        if stolen:
            for entry in mine:
                text = remove_key(text, entry.key, _file(folder))
        else:
            text = end_keys(text, lambda entry: entry in mine, end, _file(folder))
        folder.write_trusted(text)
        return Retired(tuple(entry.key for entry in mine), end, folder.delete_key(name))


def entries_of(folder: KeyFolder, text: str, name: str) -> list[TrustedKey]:
    """The lines of a name, oldest first; UnknownNameError when there are none."""
    entries = parse_trusted_keys(text, _file(folder)).entries
    mine = [entry for entry in entries if name in entry.principals]
    if not mine:
        known = {each for entry in entries for each in entry.principals}
        raise UnknownNameError("key", name, known, where=str(folder.path))
    return mine


def _file(folder: KeyFolder) -> str:
    return str(folder.trusted_file)


def _now() -> datetime:
    """Now, in whole seconds, as the file of trusted keys has times."""
    return datetime.now(UTC).replace(microsecond=0)
