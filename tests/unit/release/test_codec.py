"""Releases travel as JSON in the shape of a version, and stay what they are."""

import dataclasses
import json
from typing import Any

import pytest

from tests.unit.release.test_model import NONE, RELEASE, SEVERAL, STATE
from towpath.formats.versions import V1, V2, FileVersion
from towpath.release.codec import decode_release, decode_state, encode_release, encode_state
from towpath.release.model import Override, Release, ScanSummary


@pytest.mark.parametrize("version", [V1, V2])
def test_there_and_back_as_json(version: FileVersion) -> None:
    data = json.loads(json.dumps(encode_release(RELEASE, version)))
    assert decode_release(data, version) == RELEASE
    assert decode_state(encode_state(STATE, version), version) == STATE
    assert ScanSummary(**{**data["scan"], "scanners": tuple(data["scan"]["scanners"])}) == RELEASE.scan
    assert data["scan"] == RELEASE.scan.to_json()


@pytest.mark.parametrize("release", [RELEASE, SEVERAL, NONE])
def test_v2_has_every_number_of_images(release: Release) -> None:
    assert decode_release(encode_release(release, V2), V2) == release


def test_v1_has_one_image_right_after_the_app() -> None:
    assert list(encode_release(RELEASE, V1))[:4] == ["app", "image", "digest", "commit"]
    assert list(encode_release(RELEASE, V2))[:3] == ["app", "images", "commit"]


def test_a_tag_is_refused() -> None:
    with pytest.raises(ValueError, match="digest"):
        decode_release({**encode_release(RELEASE, V1), "digest": "latest"}, V1)
    with pytest.raises(ValueError, match="digest"):
        images = {"hello": {"image": "x", "digest": "latest"}}
        decode_release({**encode_release(RELEASE, V2), "images": images}, V2)


@pytest.mark.parametrize(
    "images",
    [
        None,
        [],
        "x",
        [{"name": "a", "image": "x", "digest": RELEASE.id}],
        {"a": None},
        {"a": {}},
        {"a": []},
    ],
)
def test_images_of_another_shape_are_refused(images: Any) -> None:
    with pytest.raises(ValueError, match="images"):
        decode_release({**encode_release(RELEASE, V2), "images": images}, V2)


def test_what_another_build_wrote_may_be_left_out_where_it_is_only_read() -> None:
    data = encode_release(RELEASE, V1)
    more = {**data, "colour": "red", "scan": {**data["scan"], "colour": "red"}}
    assert decode_release(more, V1, extra="ignore") == RELEASE
    with pytest.raises(ValueError, match="colour"):
        decode_release(more, V1)


def test_an_override_is_said_only_where_there_is_one_and_a_place_for_it() -> None:
    state = dataclasses.replace(STATE, override=Override("gate", "olga", "prod is down", "c" * 64))
    assert decode_state(encode_state(state, V2), V2) == state
    assert "override" not in encode_state(STATE, V2)
    assert decode_state(encode_state(state, V1), V1) == STATE
