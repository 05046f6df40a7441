"""Releases travel as JSON and rest as YAML, and stay what they are."""

from dataclasses import replace
from pathlib import Path

import pytest

from towpath.errors import ConfigError
from towpath.release.model import (
    EnvironmentRelease,
    Release,
    ScanSummary,
    dump_release_file,
    load_release_file,
    parse_release_file,
    release_path,
)

RELEASE = Release(
    app="hello",
    image="127.0.0.1:5000/hello",
    digest="sha256:" + "a" * 64,
    commit="b" * 40,
    source="https://example.com/hello.git",
    subject='Say: "hello" # ü',
    author="Ann <ann@example.com>",
    built_at="2026-01-01T00:00:00Z",
    scan=ScanSummary("passed", ("secret", "vuln"), {"HIGH": 1}, "0.72", "abc"),
    flow_run="0123",
)
STATE = EnvironmentRelease(RELEASE, "2026-01-02T00:00:00Z", "ann", "dev", ("alice", "bob"), "4567")


def test_names() -> None:
    assert RELEASE.reference == f"127.0.0.1:5000/hello@sha256:{'a' * 64}"
    assert RELEASE.short == "bbbbbbb"
    assert replace(RELEASE, commit="").short == "aaaaaaa"
    assert release_path("hello", "dev") == "apps/hello/dev/release.yaml"


@pytest.mark.parametrize("digest", ["latest", "sha256:abc", "sha256:" + "A" * 64, ""])
def test_a_release_is_never_a_tag(digest: str) -> None:
    with pytest.raises(ValueError, match="never a tag"):
        replace(RELEASE, digest=digest)


def test_a_commit_is_whole() -> None:
    with pytest.raises(ValueError, match="whole commit"):
        replace(RELEASE, commit="abc")


def test_there_and_back_as_json() -> None:
    assert Release.from_json(RELEASE.to_json()) == RELEASE
    assert EnvironmentRelease.from_json(STATE.to_json()) == STATE
    assert ScanSummary.from_json(RELEASE.scan.to_json()) == RELEASE.scan
    with pytest.raises(ValueError, match="digest"):
        Release.from_json({**RELEASE.to_json(), "digest": "latest"})


def test_findings_stay_in_the_registrys_record() -> None:
    scan = replace(RELEASE.scan, findings={"CVE-1": "HIGH"})
    known = replace(RELEASE, scan=scan)
    assert Release.from_json(known.to_json()) == known
    text = dump_release_file(replace(STATE, release=known))
    assert text == dump_release_file(STATE)
    assert "CVE-1" not in text


def test_there_and_back_as_a_file(tmp_path: Path) -> None:
    path = tmp_path / "release.yaml"
    assert load_release_file(tmp_path) is None
    path.write_text(dump_release_file(STATE))
    assert load_release_file(tmp_path) == STATE
    assert dump_release_file(parse_release_file(path.read_text())) == path.read_text()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("digest: sha256:", "digest: sha512:", "release.yaml:2: release: `digest` must be"),
        ("promoted_by: ann", "promoted_by: [ann]", "promoted_by: "),
        ("promoted_by: ann\n", "", "promoted_by: "),
        ("status: passed", "status: fine", "release.scan.status: "),
        ("release:", "- release:", "not valid YAML"),
    ],
)
def test_a_broken_file_names_line_and_key(old: str, new: str, said: str) -> None:
    text = dump_release_file(STATE)
    assert old in text
    with pytest.raises(ConfigError, match=r"^release\.yaml:\d+: ") as caught:
        parse_release_file(text.replace(old, new, 1))
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("above", "line", "key"),
    [
        ("promoted_at:", 22, "colour"),
        ("  flow_run: '0123'", 21, "release.colour"),
        ("    policy: abc", 19, "release.scan.colour"),
    ],
)
def test_a_key_that_the_file_does_not_have_is_an_error_with_its_line(above: str, line: int, key: str) -> None:
    indent = above[: len(above) - len(above.lstrip())]
    text = dump_release_file(STATE).replace(f"\n{above}", f"\n{indent}colour: red\n{above}")
    with pytest.raises(ConfigError, match=rf"release\.yaml:{line}: {key}: unknown key"):
        parse_release_file(text)


def test_the_registrys_record_may_be_of_a_newer_version() -> None:
    data = RELEASE.to_json()
    assert Release.from_json({**data, "colour": "red", "scan": {**data["scan"], "colour": "red"}}) == RELEASE


@pytest.mark.parametrize(
    ("ours", "theirs", "overtakes"),
    [
        ("2026-01-01T10:00:01Z", "2026-01-01T10:00:00Z", True),
        ("2026-01-01T10:00:00Z", "2026-01-01T10:00:01Z", False),
        ("2026-01-01T10:00:00Z", "2026-01-01T10:00:00Z", False),
        ("2026-01-01T11:00:00+02:00", "2026-01-01T10:00:00Z", False),
        ("2026-01-01T10:30:00+00:00", "2026-01-01T12:00:00+02:00", True),
        ("2026-01-01T10:00:00", "2026-01-01T09:00:00Z", True),
        ("no time", "2026-01-01T09:00:00Z", False),
    ],
)
def test_only_a_later_build_overtakes(ours: str, theirs: str, *, overtakes: bool) -> None:
    other = replace(RELEASE, digest="sha256:" + "c" * 64, built_at=theirs)
    assert replace(RELEASE, built_at=ours).overtakes(other) is overtakes
    assert not replace(RELEASE, built_at=ours).overtakes(replace(RELEASE, built_at=theirs))
