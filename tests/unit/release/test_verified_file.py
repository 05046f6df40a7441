"""The record of what was verified of an app without images: written, read, and refused by file and line."""

from pathlib import Path

import pytest

from towpath.errors import ConfigError
from towpath.release.verified_file import (
    VerifiedChange,
    dump_verified,
    load_verified,
    parse_verified,
    verified_path,
)

CHANGE = VerifiedChange(
    "crds", "prod", "a" * 40, "sha256:" + "b" * 64, "c" * 12, "2026-01-01T00:00:00+00:00", "run-1"
)


def test_what_is_written_is_read_again() -> None:
    text = dump_verified(CHANGE)
    assert text.splitlines()[1] == "apiVersion: towpath.dev/v2"
    assert parse_verified(text) == CHANGE
    assert verified_path("crds", "prod") == "verified/prod/crds.yaml"


def test_where_there_is_no_file_nothing_is_verified(tmp_path: Path) -> None:
    assert load_verified(tmp_path, "crds", "prod") is None


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("towpath.dev/v2", "towpath.dev/v3", "verified:2: is written for towpath.dev/v3"),
        ("towpath.dev/v2", "towpath.dev/v1", "`manifests` is known since towpath.dev/v2"),
        ("commit: " + "a" * 40, "commit: main", "verified:5: must have the texts"),
        ("sha256:" + "b" * 64, "sha256:2", "verified:6: must have the texts"),
        ("app: crds", "app: 7", "verified:3: must have the texts"),
        ("environment: prod\n", "", "verified:1: must have the texts"),
        ("flow_run: run-1", "flow_runs: run-1", "verified:1: must have the texts"),
        ("app: crds", "app: [", "verified:"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(old: str, new: str, said: str) -> None:
    text = dump_verified(CHANGE)
    assert old in text
    with pytest.raises(ConfigError) as caught:
        parse_verified(text.replace(old, new))
    assert said in str(caught.value)
