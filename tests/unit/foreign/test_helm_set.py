"""Parameters of an Application are read as `helm --set` reads them (asked: Helm 3)."""

from typing import Any

import pytest

from towpath.foreign.helm_set import set_value


@pytest.mark.parametrize(
    ("text", "value", "as_text"),
    [
        ("{a.example.com,b.example.com}", ["a.example.com", "b.example.com"], None),
        ("{a,1,true}", ["a", 1, True], ["a", "1", "true"]),
        ("{a, b}", ["a", " b"], None),
        (r"{a\,b,c}", ["a,b", "c"], None),
        ("{a,,b}", ["a", "", "b"], None),
        ("{}", [""], None),
        ("a,b", "a,b", None),
        (r"a\,b", "a,b", None),
        (r"a\b", "ab", None),
        ("TRUE", True, "TRUE"),
        ("False", False, "False"),
        ("Null", None, "Null"),
        ("0", 0, "0"),
        ("-01", -1, "-01"),
        ("+1", 1, "+1"),
        ("01", "01", None),
        ("1.5", "1.5", None),
        ("1e3", "1e3", None),
        ("9223372036854775807", 9223372036854775807, "9223372036854775807"),
        ("9223372036854775808", "9223372036854775808", None),
        ("", "", None),
        ("{a", "{a", None),
    ],
)
def test_a_text_is_read_as_helm_reads_it(text: str, value: Any, as_text: Any) -> None:
    found = set_value(text)
    assert (type(found), found) == (type(value), value)
    assert set_value(text, as_text=True) == (value if as_text is None else as_text)


def test_what_is_no_text_stays() -> None:
    assert (set_value(8080), set_value(8080, as_text=True)) == (8080, "8080")
