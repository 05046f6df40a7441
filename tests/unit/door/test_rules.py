"""Patterns of branches and tags, commit ids and refs."""

import pytest

from towpath.door.rules import RequestError, commit_id, ref_matches, ref_name


@pytest.mark.parametrize(
    ("pattern", "name", "matches"),
    [
        ("main", "main", True),
        ("main", "Main", False),
        ("main", "main2", False),
        ("main", "x/main", False),
        ("release/*", "release/1.2", True),
        ("release/*", "release/", True),
        ("release/*", "release/1/2", False),
        ("release/**", "release/1/2", True),
        ("release/**", "release/", False),
        ("v*", "v1.2.3", True),
        ("v*", "xv1", False),
        ("v1.2", "v1x2", False),
        ("**", "anything/at/all", True),
        ("*", "a/b", False),
        ("a+b", "aab", False),
        ("(main|x)", "x", False),
        ("main", "main\n", False),
    ],
)
def test_patterns(pattern: str, name: str, matches: bool) -> None:
    assert ref_matches(pattern, name) is matches


@pytest.mark.parametrize("value", ["a" * 40, "0123456789abcdef" * 4])
def test_whole_commit_ids(value: str) -> None:
    assert commit_id(value) == value


@pytest.mark.parametrize(
    "value", ["", "HEAD", "a" * 39, "a" * 41, "A" * 40, "g" * 40, "0" * 40, f"{'a' * 40}\n", 7, None]
)
def test_no_commit_ids(value: object) -> None:
    with pytest.raises(RequestError):
        commit_id(value)


@pytest.mark.parametrize("value", ["refs/heads/a b", "refs/heads/\x00", "x" * 501, None, ["refs/heads/main"]])
def test_no_refs(value: object) -> None:
    with pytest.raises(RequestError):
        ref_name(value)
