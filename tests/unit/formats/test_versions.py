"""One table says which key is known since which version; what towpath.dev/v1 knew is kept as data."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from towpath.applyset.prune_file import FORM as PRUNE_FORM
from towpath.config import Config
from towpath.formats.key_tree import key_tree
from towpath.formats.versions import (
    KEYS,
    LATEST,
    V1,
    V2,
    VERSIONS,
    is_key_of,
    is_newer,
    known_version,
    newest,
    order,
    range_problem,
    ranges_in,
)
from towpath.gates.pause import FORM as PAUSE_FORM
from towpath.release.quarantine import FORM as QUARANTINE_FORM
from towpath.release.release_file import release_form
from towpath.release.verified_file import FORM as VERIFIED_FORM
from towpath.vendor.lock import lock_form
from towpath.vendor.model import VendorFile

KEYS_OF_V1 = json.loads((Path(__file__).parent / "v1/keys.json").read_text())
"""What the strict reader of towpath.dev/v1 accepted, written down from it before there was a v2."""

TREES = {
    "towpath.yaml": key_tree(Config),
    "release.yaml": release_form().keys,
    "quarantine.yaml": QUARANTINE_FORM.keys,
    "pauses": PAUSE_FORM.keys,
    "prune.yaml": PRUNE_FORM.keys,
    "verified": VERIFIED_FORM.keys,
    "vendor.yaml": key_tree(VendorFile),
    "vendor.lock.yaml": lock_form().keys,
}
LISTS = {"quarantine.yaml": "releases", "pauses": "pauses"}


def paths(tree: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for key, below in tree.items():
        if key != "*":
            yield (*path, key)
        yield from paths(below, (*path, key))


@pytest.mark.parametrize("file", TREES)
def test_the_table_says_what_v1_knew_and_what_v2_adds(file: str) -> None:
    top = LISTS.get(file)
    before = {each.path for each in KEYS[file] if each.until == V1}
    now = {".".join(path) for path in paths(TREES[file]) if is_key_of(path, file, V1)}
    known = {path.removeprefix(f"{top}.") if top else path for path in now | before} - {top}
    assert known == set(KEYS_OF_V1.get(file, ()))


@pytest.mark.parametrize("file", KEYS)
def test_every_path_of_the_table_is_one_of_the_models_or_of_a_former_version(file: str) -> None:
    known = {".".join(path) for path in paths(TREES[file])}
    for each in KEYS[file]:
        assert (each.path in known) is (each.until == LATEST), each.path
        assert each.until == LATEST or each.instead


def test_versions_have_an_order() -> None:
    assert [order(each) for each in VERSIONS] == [0, 1]
    assert newest(V1, V2, V1) == V2
    assert newest(V1) == V1
    assert known_version("towpath.dev/v2") == V2
    assert known_version("towpath.dev/v3") is None
    assert known_version(None) is None


@pytest.mark.parametrize(
    ("written", "newer"),
    [
        ("towpath.dev/v3", True),
        ("towpath.dev/v10", True),
        ("towpath.dev/v3alpha1", True),
        ("towpath.dev/v3beta2", True),
        ("towpath.dev/v2", False),
        ("towpath.dev/v1", False),
        ("towpath.dev/v0", False),
        ("towpath.dev/v2beta1", False),
        ("towpath.dev/v03", False),
        ("towpath.dev/v9999999", False),
        ("towpath.dev/v3 ", False),
        ("example.com/v3", False),
        ("v3", False),
        (3, False),
        (None, False),
        ({"towpath.dev/v3": 1}, False),
    ],
)
def test_a_newer_version_is_known_by_its_form(written: object, *, newer: bool) -> None:
    assert is_newer(written) is newer


def test_a_key_of_another_version_is_told_with_the_version_that_knows_it() -> None:
    data = {"release": {"image": "x", "images": {}}}
    found = dict(ranges_in(data, "release.yaml"))
    new, old = found["release", "images"], found["release", "image"]
    assert range_problem(new, V1) == (
        "`images` is known since towpath.dev/v2; `towpath migrate` rewrites the repository"
    )
    assert range_problem(old, V2) == "`image` is a key of towpath.dev/v1; towpath.dev/v2 has `images`"
    assert range_problem(new, V2) == range_problem(old, V1) == ""


@pytest.mark.parametrize("data", [None, [], {}, {"release": None}, {"release": [1]}, {"apps": {"a": "b"}}, 7])
def test_data_of_any_shape_is_looked_through(data: object) -> None:
    assert list(ranges_in(data, "release.yaml")) == []
    assert list(ranges_in(data, "towpath.yaml")) == []
