"""Keys in files: what is read, what is refused, and what a folder holds after a change."""

import os
import stat
from pathlib import Path

import pytest

from towpath.adapters.evidence.key_files import (
    KeyFolder,
    read_private_key,
    read_public_key,
    read_trusted_keys,
)
from towpath.errors import (
    ConfigError,
    ConflictError,
    MalformedEvidenceError,
    MissingPartError,
    TowpathError,
    UnknownNameError,
)
from towpath.evidence.private_key import PrivateKey

KEY = PrivateKey.generate()


@pytest.fixture
def folder(tmp_path: Path) -> KeyFolder:
    return KeyFolder(tmp_path)


def test_a_key_is_read_as_it_was_written(folder: KeyFolder) -> None:
    folder.write_key("prod", KEY)
    assert read_private_key(folder.path / "prod").public == KEY.public
    assert read_public_key(folder.path / "prod.pub") == KEY.public
    assert stat.S_IMODE((folder.path / "prod").stat().st_mode) == 0o600
    assert [path.name for path in sorted(folder.path.iterdir())] == ["prod", "prod.pub"]


def test_a_new_folder_is_for_its_owner_alone(tmp_path: Path) -> None:
    with KeyFolder(tmp_path / "a" / "keys").locked():
        assert stat.S_IMODE((tmp_path / "a" / "keys").stat().st_mode) == 0o700


@pytest.mark.parametrize("mode", [0o604, 0o640, 0o644, 0o666, 0o610])
def test_a_private_key_that_others_may_use_is_refused(folder: KeyFolder, mode: int) -> None:
    folder.write_key("prod", KEY)
    (folder.path / "prod").chmod(mode)
    with pytest.raises(MissingPartError, match=rf"by others \(mode {mode:04o}\)") as caught:
        read_private_key(folder.path / "prod")
    assert "chmod 600" in (caught.value.remedy or "")


def test_a_mounted_secret_is_a_link(folder: KeyFolder) -> None:
    folder.write_key("data", KEY)
    (folder.path / "prod").symlink_to("data")
    assert read_private_key(folder.path / "prod").public == KEY.public


def test_a_key_is_not_replaced_by_mistake(folder: KeyFolder) -> None:
    folder.write_key("prod", KEY)
    with pytest.raises(ConflictError, match="there is a key prod"):
        folder.write_key("prod", PrivateKey.generate())
    assert read_private_key(folder.path / "prod").public == KEY.public


def test_a_replaced_key_that_was_readable_is_so_no_more(folder: KeyFolder) -> None:
    folder.write_key("prod", KEY)
    (folder.path / "prod").chmod(0o644)
    folder.write_key("prod", PrivateKey.generate(), replace=True)
    assert stat.S_IMODE((folder.path / "prod").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "name", ["", ".", "..", "a/b", "../a", "/a", "a.pub", ".lock", "allowed_signers", "-f", "a b", "a\0"]
)
def test_a_name_that_is_no_file_is_refused(folder: KeyFolder, name: str) -> None:
    with pytest.raises(ConfigError, match="a key's name has"):
        folder.write_key(name, KEY)
    assert list(folder.path.iterdir()) == []


def test_a_missing_file_is_never_trust(folder: KeyFolder) -> None:
    with pytest.raises(UnknownNameError, match="file of trusted keys"):
        read_trusted_keys(folder.trusted_file)
    assert folder.trusted_text() == ""


def test_trusted_keys_in_another_encoding_are_refused(folder: KeyFolder) -> None:
    folder.trusted_file.write_bytes(b"caf\xe9 " + KEY.public.openssh.encode())
    for read in (folder.trusted_text, lambda: read_trusted_keys(folder.trusted_file)):
        with pytest.raises(ConfigError, match="not UTF-8"):
            read()


def test_trusted_keys_that_are_wrong_are_not_written(folder: KeyFolder) -> None:
    folder.write_trusted(f"prod {KEY.public.openssh}\n")
    with pytest.raises(ConfigError):
        folder.write_trusted(f"* {KEY.public.openssh}\n")
    assert [entry.principals for entry in read_trusted_keys(folder.trusted_file).entries] == [("prod",)]


def pipe(path: Path) -> None:
    os.mkfifo(path)


@pytest.mark.parametrize(
    ("make", "error", "said"),
    [
        (lambda path: None, UnknownNameError, "unknown private key"),
        (lambda path: path.mkdir(), MissingPartError, "cannot be read"),
        (pipe, MissingPartError, "cannot be read"),
        (lambda path: path.write_bytes(b"x" * 100_000), ConfigError, "too large"),
        (lambda path: path.write_bytes(b"junk"), MalformedEvidenceError, "can be read"),
    ],
)
def test_what_is_no_key_file_is_told(
    folder: KeyFolder, make: object, error: type[TowpathError], said: str
) -> None:
    path = folder.path / "prod"
    make(path)  # type: ignore[operator]
    if path.is_file():
        path.chmod(0o600)
    with pytest.raises(error, match=said) as caught:
        read_private_key(path)
    assert str(path) in str(caught.value)


def test_a_private_key_is_no_public_one_and_not_shown(folder: KeyFolder) -> None:
    folder.write_key("prod", KEY)
    with pytest.raises(ConfigError, match="holds a private key") as caught:
        read_public_key(folder.path / "prod")
    assert KEY.openssh_file().splitlines()[2].decode() not in str(caught.value)


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(MissingPartError, match="cannot write the folder"),
        KeyFolder(tmp_path / "file").locked(),
    ):
        pass
