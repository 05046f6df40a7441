from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.unit.evidence.examples import ALICE, BUILD, MALLORY
from towpath.errors import ConfigError, ConflictError
from towpath.evidence.trusted_edit import HEAD, add_key, end_keys, remove_key
from towpath.evidence.trusted_keys import TrustedKey, parse_trusted_keys

END = datetime(2026, 11, 1, tzinfo=UTC)
OLD = TrustedKey(("build",), BUILD.public, ("git",))
TEXT = (
    f'# ours\r\n\n  build   namespaces="git"   {BUILD.public.openssh}   a comment \n'
    f"# hers\nalice {ALICE.public.openssh}"
)


def test_a_key_is_added_to_nothing() -> None:
    assert add_key("", OLD, "keys") == f"{HEAD}{OLD}\n"


def test_a_key_is_added_and_every_other_byte_stays() -> None:
    new = TrustedKey(("prod",), MALLORY.public)
    assert add_key(TEXT, new, "keys") == f"{TEXT}\n{new}\n"
    assert add_key(f"{TEXT}\n", new, "keys") == f"{TEXT}\n{new}\n"


def test_a_key_is_not_added_twice() -> None:
    with pytest.raises(ConflictError, match=r"keys:3: .* is there already"):
        add_key(TEXT, replace(OLD, principals=("other",)), "keys")


def test_a_key_is_ended_and_every_other_line_stays() -> None:
    text = end_keys(TEXT, lambda entry: entry.key == BUILD.public, END, "keys")
    before, after = TEXT.split("\n"), text.split("\n")
    assert [line for at, line in enumerate(after) if at != 2] == [
        line for at, line in enumerate(before) if at != 2
    ]
    (build, alice) = parse_trusted_keys(text, "keys").entries
    assert (build.valid_before, build.namespaces, alice.valid_before) == (END, ("git",), None)


def test_a_key_that_ended_earlier_keeps_its_end() -> None:
    text = end_keys(TEXT, lambda _: True, END, "keys")
    assert end_keys(text, lambda _: True, END + timedelta(days=1), "keys") == text


def test_a_key_that_was_never_valid_is_removed() -> None:
    later = TrustedKey(("prod",), MALLORY.public, valid_after=END)
    text = add_key(TEXT, later, "keys")
    assert end_keys(text, lambda entry: entry.key == MALLORY.public, END, "keys") == f"{TEXT}\n"


def test_a_stolen_key_is_removed() -> None:
    text = remove_key(TEXT, BUILD.public, "keys")
    assert [entry.principals for entry in parse_trusted_keys(text, "keys").entries] == [("alice",)]
    assert text.startswith("# ours\r\n\n# hers\n")


def test_a_broken_file_is_not_edited() -> None:
    with pytest.raises(ConfigError):
        end_keys(f"* {BUILD.public.openssh}\n", lambda _: True, END, "keys")
