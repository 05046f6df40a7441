"""Keys in files: private ones that nobody else may read, and the folder that `towpath keys` keeps.

keys/allowed_signers      the public keys that are trusted
keys/prod                 a private key, mode 0600
keys/prod.pub             its public part
"""

import contextlib
import os
import re
import stat
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from towpath.adapters.file_lock import wait_for_lock
from towpath.errors import ConfigError, ConflictError, MissingPartError, TerminalError, UnknownNameError
from towpath.evidence.public_key import PublicKey
from towpath.evidence.trusted_keys import MAX_CHARACTERS, TrustedKeys, parse_trusted_keys
from towpath.files import read_regular

if TYPE_CHECKING:
    from towpath.evidence.private_key import PrivateKey

TRUSTED_FILE = "allowed_signers"
_MAX_KEY_BYTES = 64 * 1024
_NAME = re.compile(r"(?!.*\.pub$)[A-Za-z0-9][A-Za-z0-9._@+-]{0,99}")


def read_private_key(path: Path) -> "PrivateKey":
    """The private key in a file. MissingPartError for no file, and for one that others may read."""
    from towpath.evidence.private_key import PrivateKey  # see PublicKey.loaded

    content = _read(path, "private key")
    status = path.stat()
    own = hasattr(os, "geteuid") and status.st_uid == os.geteuid()
    # A Secret that is mounted into a pod belongs to root, and is read by its group.
    if os.name == "posix" and status.st_mode & (0o077 if own else 0o007):
        raise MissingPartError(
            f"the private key {path} may be read by others (mode {stat.S_IMODE(status.st_mode):04o})",
            remedy=f"chmod 600 {path}; in a pod: `defaultMode: 0400`. If others had access, rotate it.",
        )
    try:
        return PrivateKey.parse(content)
    except TerminalError as error:
        raise type(error)(f"{path}: {error.message}", remedy=error.remedy) from None


def read_public_key(path: Path) -> PublicKey:
    """The public key in a `.pub` file."""
    text = _read(path, "public key").decode(errors="replace")
    if "PRIVATE KEY" in text:
        raise ConfigError("holds a private key; give its public part (`.pub`)", file=str(path))
    return PublicKey.parse(text)


def read_trusted_keys(path: Path) -> TrustedKeys:
    """The trusted keys in a file. A missing file is an error: it never means that everybody is trusted."""
    return parse_trusted_keys(_trusted_text(path), str(path))


@dataclass(frozen=True, slots=True)
class KeyFolder:
    """A folder of keys; it and its private files are for their owner alone."""

    path: Path

    @property
    def trusted_file(self) -> Path:
        """The file of trusted keys."""
        return self.path / TRUSTED_FILE

    def private_file(self, name: str) -> Path:
        """The file of a private key. ConfigError for a name that is no file's."""
        if not _NAME.fullmatch(name) or name == TRUSTED_FILE:
            raise ConfigError(
                "a key's name has letters, digits and `._@+-` only",
                file=name[:100],
                remedy="Use an agent's environment, or a person's address.",
            )
        return self.path / name

    def public_file(self, name: str) -> Path:
        """The file of its public part."""
        return self.private_file(name).with_name(f"{name}.pub")

    def trusted_text(self) -> str:
        """The text of the trusted keys; empty when there are none yet."""
        try:
            return _trusted_text(self.trusted_file)
        except UnknownNameError:
            return ""

    def write_trusted(self, text: str) -> None:
        """Replace the text of the trusted keys, once it is known to be valid."""
        parse_trusted_keys(text, str(self.trusted_file))
        _write(self.trusted_file, text.encode(), 0o644)

    def write_key(self, name: str, key: "PrivateKey", *, replace: bool = False) -> None:
        """Write both parts of a key; ConflictError when there is one and it is not to be replaced."""
        place = self.private_file(name)
        if not replace and place.exists():
            raise ConflictError(
                f"there is a key {name} in {self.path}",
                remedy=f"`towpath keys rotate {name}` replaces it.",
            )
        _write(place, key.openssh_file(), 0o600)
        _write(self.public_file(name), f"{key.public.openssh} {name}\n".encode(), 0o644)

    def delete_key(self, name: str) -> bool:
        """Delete both parts of a key; says whether the private one was there."""
        was_there = self.private_file(name).exists()
        self.private_file(name).unlink(missing_ok=True)
        self.public_file(name).unlink(missing_ok=True)
        return was_there

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Nobody else edits the folder meanwhile; it is made when it is missing."""
        try:
            self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
            with (self.path / ".lock").open("w") as file:
                wait_for_lock(file)
                yield
        except OSError as error:
            raise MissingPartError(
                f"cannot write the folder of keys {self.path}: {error.strerror}",
                remedy="Name another one by --folder or TOWPATH_KEYS.",
            ) from error


def _trusted_text(path: Path) -> str:
    try:
        return _read(path, "file of trusted keys").decode()
    except UnicodeDecodeError as error:
        raise ConfigError(f"is not UTF-8 (byte {error.start})", file=str(path)) from error


def _read(path: Path, what: str) -> bytes:
    try:
        # a mounted Secret is a link to its current version
        content = read_regular(path.resolve(), MAX_CHARACTERS)
    except FileNotFoundError:
        raise UnknownNameError(
            what, str(path), where="this machine (`towpath keys make` makes one)"
        ) from None
    except OSError as error:
        raise MissingPartError(
            f"the {what} {path} cannot be read: {error.strerror}",
            remedy="Give its file to the user that runs this.",
        ) from error
    if len(content) > (MAX_CHARACTERS if what.startswith("file") else _MAX_KEY_BYTES):
        raise ConfigError("is too large to be a key", file=str(path))
    return content


def _write(path: Path, content: bytes, mode: int) -> None:
    """Write the file as a whole: it is never there with half of its content, or with more rights."""
    number, temporary = tempfile.mkstemp(dir=path.parent, prefix=".new-")  # mode 0600
    try:
        with os.fdopen(number, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(mode)
        Path(temporary).replace(path)
    finally:
        Path(temporary).unlink(missing_ok=True)
