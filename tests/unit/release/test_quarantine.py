"""Failed digests are remembered with their reason."""

from pathlib import Path

import pytest

from towpath.errors import ConfigError
from towpath.formats.versions import V2
from towpath.release.quarantine import (
    QuarantineEntry,
    add_to_quarantine,
    dump_quarantine,
    find_quarantined,
    load_quarantine,
    parse_quarantine,
    quarantine_path,
)

ENTRY = QuarantineEntry("sha256:" + "a" * 64, 'never "ready": #1', "2026-01-01T00:00:00Z", "0123")


def test_no_file_and_an_empty_one_hold_nothing(tmp_path: Path) -> None:
    assert load_quarantine(tmp_path) == ()
    assert parse_quarantine("# nothing\n") == ()
    assert quarantine_path("hello") == "apps/hello/quarantine.yaml"


def test_there_and_back(tmp_path: Path) -> None:
    path = tmp_path / "quarantine.yaml"
    path.write_text(dump_quarantine([ENTRY], V2))
    assert load_quarantine(tmp_path) == (ENTRY,)


def test_a_digest_is_there_once() -> None:
    once = add_to_quarantine((), ENTRY)
    assert add_to_quarantine(once, QuarantineEntry(ENTRY.release, "again", "later")) == once
    assert find_quarantined(once, ENTRY.release) == ENTRY
    assert find_quarantined(once, "sha256:other") is None


@pytest.mark.parametrize(
    "text", ["a: 1", "- 1", "- {digest: x}", "- {digest: x, reason: 1, at: z}", "- {a: 1}"]
)
def test_a_broken_file_is_an_error_not_an_empty_quarantine(text: str) -> None:
    with pytest.raises(ConfigError, match=r"quarantine\.yaml:1: "):
        parse_quarantine(text)
