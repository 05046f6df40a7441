"""`release.yaml` of each version says what it says, loses nothing, and names what is wrong with its line."""

from dataclasses import replace
from pathlib import Path

import jsonschema_rs
import pytest
import yaml

from tests.unit.release.test_model import NONE, RELEASE, SEVERAL, STATE
from towpath.errors import ConfigError
from towpath.formats.versions import V1, V2, FileVersion
from towpath.release.codec import decode_release, encode_release
from towpath.release.model import EnvironmentRelease, Release
from towpath.release.release_file import (
    dump_release_file,
    load_release_file,
    parse_release_file,
    release_path,
    release_schema,
    without_findings,
)


def test_its_path() -> None:
    assert release_path("hello", "dev") == "apps/hello/dev/release.yaml"


def test_findings_stay_in_the_registrys_record() -> None:
    scan = replace(RELEASE.scan, findings={"CVE-1": "HIGH"})
    known = replace(RELEASE, scan=scan)
    for version in (V1, V2):
        assert decode_release(encode_release(known, version), version) == known
        text = dump_release_file(without_findings(replace(STATE, release=known)), version)
        assert text == dump_release_file(STATE, version)
        assert "CVE-1" not in text


@pytest.mark.parametrize("version", [V1, V2])
def test_findings_that_a_file_has_are_kept_when_it_is_written_again(version: FileVersion) -> None:
    text = dump_release_file(STATE, version).replace(
        "    policy: abc\n", "    policy: abc\n    findings: {C: LOW}\n"
    )
    again = dump_release_file(replace(parse_release_file(text), verified_at="now"), version)
    assert parse_release_file(again).release.scan.findings == {"C": "LOW"}


@pytest.mark.parametrize("version", [V1, V2])
def test_there_and_back_as_a_file(tmp_path: Path, version: FileVersion) -> None:
    path = tmp_path / "release.yaml"
    assert load_release_file(tmp_path) is None
    path.write_text(dump_release_file(STATE, version))
    assert load_release_file(tmp_path) == STATE
    assert dump_release_file(parse_release_file(path.read_text()), version) == path.read_text()


@pytest.mark.parametrize("release", [RELEASE, SEVERAL, NONE], ids=["one", "several", "none"])
def test_none_one_and_several_images_are_read_and_written_without_loss(release: Release) -> None:
    state = EnvironmentRelease(release, "2026-01-02T00:00:00Z", "ann", rolls_back=SEVERAL.id)
    text = dump_release_file(state, V2)
    assert parse_release_file(text) == state
    assert dump_release_file(parse_release_file(text), V2) == text
    assert ("images: {}\n" in text) is (not release.images)


@pytest.mark.parametrize(("release", "said"), [(SEVERAL, "with 2 images"), (NONE, "without an image")])
def test_v1_has_no_place_for_them(release: Release, said: str) -> None:
    with pytest.raises(ConfigError, match=f"a release {said} cannot be written as towpath.dev/v1") as caught:
        dump_release_file(replace(STATE, release=release), V1)
    assert "`towpath migrate`" in str(caught.value.remedy)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("digest: sha256:", "digest: sha512:", "release.yaml:2: release: `digest` must be"),
        ("promoted_by: ann", "promoted_by: [ann]", "promoted_by: "),
        ("promoted_by: ann\n", "", "promoted_by: "),
        ("status: passed", "status: fine", "release.scan.status: "),
        ("  image: 127.0.0.1:5000/hello\n", "", "release.yaml:2: release.image: "),
        ("image: 127.0.0.1:5000/hello", "image: 7", "release.yaml:4: release.image: "),
        ("release:", "- release:", "not valid YAML"),
    ],
)
def test_a_broken_file_of_v1_names_line_and_key(old: str, new: str, said: str) -> None:
    text = dump_release_file(STATE, V1)
    assert old in text
    with pytest.raises(ConfigError, match=r"^release\.yaml:\d+: ") as caught:
        parse_release_file(text.replace(old, new, 1))
    assert said in str(caught.value)


HELLO = "    hello:\n      image: 127.0.0.1:5000/hello\n"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("digest: sha256:", "digest: sha512:", "release.yaml:6: release.images.hello: `digest` must be"),
        (HELLO, "    hello:\n", "release.yaml:6: release.images.hello.image: "),
        ("      image: 127", "      imag: x\n      image: 127", ":7: release.images.hello.imag: unknown key"),
        ("      image: 127", "      name: x\n      image: 127", "release.images.hello.name: unknown key"),
        ("    hello:\n", "    - hello:\n", "release.yaml:5: release.images: "),
        ("  images:\n", "  images: {x: y}\n  more:\n", "release.yaml:5: release.images.x: "),
        ("  images:\n", "  image:\n", "release.yaml:5: `image` is a key of towpath.dev/v1"),
        ("promoted_by: ann\n", "", "promoted_by: "),
        ("status: passed", "status: fine", "release.scan.status: "),
        ("apiVersion: towpath.dev/v2\n", "", "release.yaml:4: `images` is known since towpath.dev/v2"),
    ],
)
def test_a_broken_file_of_v2_names_line_and_key(old: str, new: str, said: str) -> None:
    text = dump_release_file(STATE, V2)
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
@pytest.mark.parametrize(("version", "more"), [(V1, 0), (V2, 3)])
def test_a_key_that_the_file_does_not_have_is_an_error_with_its_line(
    above: str, line: int, key: str, version: FileVersion, more: int
) -> None:
    indent = above[: len(above) - len(above.lstrip())]
    text = dump_release_file(STATE, version).replace(f"\n{above}", f"\n{indent}colour: red\n{above}")
    with pytest.raises(ConfigError, match=rf"release\.yaml:{line + more}: {key}: unknown key"):
        parse_release_file(text)


@pytest.mark.parametrize("release", [RELEASE, SEVERAL, NONE], ids=["one", "several", "none"])
def test_the_schema_takes_what_is_written_and_nothing_else(release: Release) -> None:
    schema = jsonschema_rs.validator_for(release_schema())
    data = yaml.safe_load(dump_release_file(EnvironmentRelease(release, "2026-01-02T00:00:00Z", "ann"), V2))
    assert schema.is_valid(data)
    assert not schema.is_valid({**data, "colour": "red"})
    assert not schema.is_valid({**data, "apiVersion": V1})
    assert not schema.is_valid({**data, "release": {**data["release"], "digest": "x"}})
    assert not schema.is_valid({**data, "release": {**data["release"], "images": {"a": {"image": "x"}}}})
    assert not schema.is_valid(yaml.safe_load(dump_release_file(STATE, V1)))
