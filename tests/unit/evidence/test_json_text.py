import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.characters import UNICODE
from towpath.errors import MalformedEvidenceError
from towpath.evidence.json_text import canonical, parse_object, time_of

TEXTS = st.text(UNICODE)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXTS,
    lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner),
    max_leaves=20,
)


@settings(deadline=None)
@given(st.dictionaries(TEXTS, VALUES))
def test_what_is_written_is_read(data: dict[str, object]) -> None:
    assert parse_object(canonical(data), "a text") == data


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    try:
        assert isinstance(parse_object(content, "a text"), dict)
    except MalformedEvidenceError as error:
        assert error.message.startswith("a text ")
        assert error.remedy


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "cut off"),
        (b'{"a": 1', "cut off"),
        (b'{"a": "b', "no JSON"),
        (b'{"a": 1, "a": 1}', "key 'a' twice"),
        (b'{"x": {"a": 1, "b": [{"c": 1, "c": 2}]}}', "key 'c' twice"),
        (b'{"\\u0061": 1, "a": 2}', "key 'a' twice"),
        (b'{"a": NaN}', "NaN"),
        (b'{"a": -Infinity}', "-Infinity"),
        (b'{"a": "\\ud800"}', "surrogate"),
        (b'{"\\udfff": 1}', "surrogate"),
        (b"\xff{}", "not UTF-8"),
        (b"\xef\xbb\xbf{}", "no JSON"),
        ("{}".encode("utf-16"), "not UTF-8"),
        (b"[]", "no JSON object"),
        (b"1", "no JSON object"),
        (b"{} {}", "no JSON"),
        (b"{'a': 1}", "no JSON"),
        (b'{"a": ' + b"9" * 5000 + b"}", "too long"),
        (b'{"a": ' + b"[" * 200_000 + b"]" * 200_000 + b"}", "too deep"),
        (b'{"a": "' + b"x" * 10_000_000 + b'"}', "more than the 1048576"),
    ],
)
def test_what_could_be_read_in_two_ways_is_refused(content: bytes, said: str) -> None:
    with pytest.raises(MalformedEvidenceError, match=said) as caught:
        parse_object(content, "a text")
    assert caught.value.remedy
    assert len(str(caught.value)) < 400


def test_the_same_data_has_the_same_bytes() -> None:
    assert canonical({"b": 1, "a": "ü"}) == canonical(json.loads('{"a": "\\u00fc", "b": 1}'))


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2026-11-21", "2026-11-21T12:00:00", "0001-01-01T00:00:00+23:59", "9" * 500]
)
def test_a_time_without_a_zone_is_none(text: str) -> None:
    with pytest.raises(MalformedEvidenceError, match="time"):
        time_of(text, "a text")
