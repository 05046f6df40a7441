import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.characters import UNICODE
from towpath.fields.pointer import build, covers, parse, read, without

VALUE = {"a": {"b/c": [{"x": 1, "y": 2}, {"x": 3}]}, "d": 1}


@given(st.lists(st.text(UNICODE, min_size=1)))
def test_parse_is_the_inverse_of_build(steps: list[str]) -> None:
    assert parse(build(steps)) == tuple(steps)


@pytest.mark.parametrize(
    ("rule", "pointer", "covered"),
    [
        ("/a", "/a", True),
        ("/a", "/a/b", True),
        ("/a/b", "/a", False),
        ("/a", "/ab", False),
        ("/a/*/x", "/a/0/x", True),
        ("/a/*/x", "/a/0/y", False),
    ],
)
def test_covers(rule: str, pointer: str, covered: bool) -> None:
    assert covers([rule], pointer) is covered


def test_read() -> None:
    assert read(VALUE, "/a/b~1c/1/x") == 3
    assert read(VALUE, "/a/b~1c/7/x") is None
    assert read(VALUE, "/d/e") is None
    for no_place in ("\u00b2", "01", "-1", "9" * 5000):
        assert read(VALUE, f"/a/b~1c/{no_place}") is None


@pytest.mark.parametrize(
    ("rule", "left"),
    [
        ("/d", {"a": VALUE["a"]}),
        ("/a/b~1c/0", {"a": {"b/c": [{"x": 3}]}, "d": 1}),
        ("/a/b~1c/*/x", {"a": {"b/c": [{"y": 2}, {}]}, "d": 1}),
        ("/nothing/there", VALUE),
    ],
)
def test_without(rule: str, left: object) -> None:
    assert without(VALUE, [rule]) == left
