"""Ranges of versions, as Helm reads them."""

import pytest

from towpath.config.keys.ranges import MAX_LENGTH, parse_range, parse_version, same_version

VERSIONS = [
    "0.0.3",
    "0.0.4",
    "0.2.3",
    "0.3.0",
    "1.2.2",
    "1.2.3",
    "1.2.9",
    "1.3.0",
    "1.9.9",
    "2.0.0-rc.1",
    "2.0.0",
]


@pytest.mark.parametrize(
    ("text", "newest"),
    [
        ("1.2.3", "1.2.3"),
        ("v1.2.3", "1.2.3"),
        ("=1.2.3", "1.2.3"),
        ("1.2", "1.2.9"),
        ("1", "1.9.9"),
        ("1.x", "1.9.9"),
        ("1.2.*", "1.2.9"),
        ("*", "2.0.0"),
        ("~1.2.2", "1.2.9"),
        ("~1", "1.9.9"),
        ("~> 1.2.0", "1.2.9"),
        ("^1.2.3", "1.9.9"),
        ("^0.2.3", "0.2.3"),
        ("^0.0.3", "0.0.3"),
        ("^0.0", "0.0.4"),
        ("^0", "0.3.0"),
        (">=1.2, <1.3", "1.2.9"),
        (">=1.2 <1.3.0", "1.2.9"),
        (">1.2", "2.0.0"),
        ("<=1.2", "1.2.9"),
        ("<1.2", "0.3.0"),
        ("1.2 - 1.3", "1.3.0"),
        ("0.2.x || 1.2.x", "1.2.9"),
        (">1 <3, !=2.0.0", None),
        (">=1.3.0 !=1.9.9 <2", "1.3.0"),
        (">2", None),
        (">=3.0.0", None),
        (">=2.0.0-0 <2.0.0", "2.0.0-rc.1"),
        ("2.0.0-rc.1", "2.0.0-rc.1"),
        ("^1.2.3-0", "1.9.9"),
    ],
)
def test_the_newest_of_a_range_is_chosen(text: str, newest: str | None) -> None:
    assert parse_range(text).newest(VERSIONS) == newest


@pytest.mark.parametrize(
    "text",
    ["", " ", "||", "latest", "1.2.3.4", ">", "1.2.3 <", "^", "main", "01.2", "1..2", "x" * (MAX_LENGTH + 1)],
)
def test_what_is_no_range_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must"):
        parse_range(text)


def test_a_range_that_is_long_is_judged_at_once() -> None:
    assert parse_range(" ".join([">=1.0.0"] * 24)).newest(VERSIONS) == "2.0.0"
    with pytest.raises(ValueError, match="must"):
        parse_range("1" * MAX_LENGTH)


def test_what_is_no_version_is_in_no_range_and_the_spelling_stays() -> None:
    assert parse_range("*").newest(["latest", "v1.0.0", "1.0", "0.9.0"]) == "v1.0.0"
    assert parse_range("*").newest(["latest"]) is None


def test_versions_of_any_length_are_looked_at() -> None:
    assert parse_version("1" * 5000) is None
    assert parse_version("v1.2.3") == parse_version("1.2.3")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("1.2.3", "v1.2.3", True),
        ("1.2.3+a", "1.2.3+b", False),
        ("1.2.3", "1.2.4", False),
        ("main", "main", True),
        ("main", "1.2.3", False),
    ],
)
def test_the_same_version(one: str, other: str, *, same: bool) -> None:
    assert same_version(one, other) is same
