"""Keys are made, trusted, rotated and retired; Git and OpenSSH read the folder as we do."""

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from towpath.adapters.evidence.key_changes import make_key, retire_key, rotate_key, trust_key
from towpath.adapters.evidence.key_files import KeyFolder, read_private_key, read_trusted_keys
from towpath.errors import ConfigError, ConflictError, TowpathError, UnknownNameError, UntrustedSignatureError
from towpath.evidence.private_key import PrivateKey
from towpath.evidence.trusted_keys import TrustedKey

USES = ("git", "towpath-evidence")
DAY = timedelta(days=1)


@pytest.fixture
def folder(tmp_path: Path) -> KeyFolder:
    return KeyFolder(tmp_path / "keys")


def entries(folder: KeyFolder) -> tuple[TrustedKey, ...]:
    return read_trusted_keys(folder.trusted_file).entries


def test_a_new_key_is_trusted_for_its_uses(folder: KeyFolder) -> None:
    key = make_key(folder, "prod", USES)
    (entry,) = entries(folder)
    assert (entry.principals, entry.key, entry.namespaces) == (("prod",), key, USES)
    assert read_private_key(folder.private_file("prod")).public == key


def test_a_second_key_needs_a_rotation(folder: KeyFolder) -> None:
    key = make_key(folder, "prod", USES)
    with pytest.raises(ConflictError, match="rotate"):
        make_key(folder, "prod", USES)
    assert [entry.key for entry in entries(folder)] == [key]


def test_a_broken_file_of_trusted_keys_stops_before_a_key_is_made(folder: KeyFolder) -> None:
    make_key(folder, "prod", USES)
    folder.trusted_file.write_text("* nonsense\n")
    with pytest.raises(ConfigError):
        make_key(folder, "staging", USES)
    assert not folder.private_file("staging").exists()


def test_a_rotation_keeps_the_uses_and_ends_the_old_key(folder: KeyFolder) -> None:
    make_key(folder, "build", ("git",))
    old = make_key(folder, "prod", USES)
    done = rotate_key(folder, "prod")
    build, retired, new = entries(folder)
    assert (retired.key, retired.valid_before, build.valid_before) == (old, done.end, None)
    assert (new.key, new.namespaces, new.valid_before) == (done.new, USES, None)
    assert read_private_key(folder.private_file("prod")).public == new.key
    trusted, now = read_trusted_keys(folder.trusted_file), datetime.now(UTC)
    assert trusted.principal(old, "git", ["prod"], now - DAY) == "prod"
    assert trusted.principal(new.key, "git", ["prod"], now) == "prod"
    with pytest.raises(UntrustedSignatureError, match="was valid until"):
        trusted.principal(old, "git", ["prod"], now + DAY)


def test_both_keys_hold_while_they_overlap(folder: KeyFolder) -> None:
    old = make_key(folder, "prod", USES)
    rotate_key(folder, "prod", DAY)
    soon = datetime.now(UTC) + timedelta(hours=1)
    assert read_trusted_keys(folder.trusted_file).principal(old, "git", ["prod"], soon) == "prod"


def test_a_rotation_in_an_overlap_ends_the_first_key_earlier(folder: KeyFolder) -> None:
    make_key(folder, "prod", USES)
    rotate_key(folder, "prod", DAY)
    done = rotate_key(folder, "prod")
    assert [entry.valid_before for entry in entries(folder)] == [done.end, done.end, None]


def test_only_a_key_that_is_here_is_rotated(folder: KeyFolder) -> None:
    trust_key(folder, "alice", PrivateKey.generate().public, ("towpath",))
    with pytest.raises(UnknownNameError, match="private key 'alice'"):
        rotate_key(folder, "alice")
    with pytest.raises(UnknownNameError, match="unknown key 'alic'") as caught:
        rotate_key(folder, "alic")
    assert caught.value.remedy == "Did you mean alice?"


def test_a_retired_key_ends_and_its_private_part_is_gone(folder: KeyFolder) -> None:
    key = make_key(folder, "prod", USES)
    done = retire_key(folder, "prod")
    (entry,) = entries(folder)
    assert (done.keys, done.private, entry.valid_before) == ((key,), True, done.end)
    assert not folder.private_file("prod").exists()
    again = retire_key(folder, "prod")
    assert not again.private
    assert entries(folder)[0].valid_before == done.end


def test_of_a_stolen_key_nothing_is_trusted(folder: KeyFolder) -> None:
    make_key(folder, "build", USES)
    key = make_key(folder, "prod", USES)
    rotate_key(folder, "prod")
    assert len(retire_key(folder, "prod", stolen=True).keys) == 2
    assert [entry.principals for entry in entries(folder)] == [("build",)]
    with pytest.raises(UntrustedSignatureError, match="not among"):
        read_trusted_keys(folder.trusted_file).principal(key, "git", ["prod"], datetime.now(UTC) - DAY)


def test_what_people_wrote_into_the_file_stays(folder: KeyFolder) -> None:
    make_key(folder, "prod", USES)
    comment = "# Ann checked this key in person\n"
    folder.write_trusted(comment + folder.trusted_text())
    rotate_key(folder, "prod")
    assert folder.trusted_text().startswith(comment)


def test_changes_at_the_same_time_lose_nothing(folder: KeyFolder) -> None:
    errors: list[TowpathError] = []

    def make(number: int) -> None:
        try:
            make_key(folder, f"agent-{number}", USES)
        except TowpathError as error:
            errors.append(error)

    threads = [threading.Thread(target=make, args=(number % 8,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(errors) == 8
    assert {entry.principals for entry in entries(folder)} == {(f"agent-{number}",) for number in range(8)}
    for number in range(8):
        (entry,) = [each for each in entries(folder) if each.principals == (f"agent-{number}",)]
        assert read_private_key(folder.private_file(f"agent-{number}")).public == entry.key
