import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from towpath.errors import MalformedEvidenceError
from towpath.evidence.wire import WireReader, wire_string


@settings(deadline=None)
@given(st.lists(st.binary()))
def test_strings_are_read_as_they_were_written(values: list[bytes]) -> None:
    reader = WireReader(b"".join(map(wire_string, values)), "a text")
    assert [reader.string() for _ in values] == values
    reader.end()


@pytest.mark.parametrize("data", [b"", b"\0\0\0", b"\0\0\0\5abcd", b"\xff\xff\xff\xffab"])
def test_what_is_cut_off_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedEvidenceError, match="cut off"):
        WireReader(data, "a text").string()


def test_more_than_expected_is_refused() -> None:
    reader = WireReader(wire_string(b"a") + b"b", "a text")
    assert reader.text() == "a"
    with pytest.raises(MalformedEvidenceError, match="after its end"):
        reader.end()


@pytest.mark.parametrize("value", [b"a\nb", b"\0", "ü".encode(), b"\x7f"])
def test_a_name_is_printable_ascii(value: bytes) -> None:
    with pytest.raises(MalformedEvidenceError, match="not ASCII"):
        WireReader(wire_string(value), "a text").text()


def test_a_negative_number_is_refused() -> None:
    with pytest.raises(MalformedEvidenceError, match="negative"):
        WireReader(wire_string(b"\x80"), "a text").mpint()
