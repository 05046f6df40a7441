"""What an unquoted scalar means; kubectl's answers were asked of sigs.k8s.io/yaml 1.6 (go-yaml v2.4)."""

from typing import Any

import pytest

from towpath.yamltext.scalars import CORE, KUBERNETES, MERGE, key_text, tagged


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *((word, True) for word in ("y", "Y", "yes", "on", "ON", "true", "TRUE")),
        *((word, False) for word in ("n", "N", "no", "off", "Off", "false")),
        *((word, None) for word in ("", "~", "null", "NULL")),
        *((word, word) for word in ("yEs", "oN", "nULL", "t", "1:30", "9:20:30", "2026-11-28", "=", "1.2.3")),
        ("08", 8),
        ("0_8", 8),
        ("0644", 0o644),
        ("-010", -8),
        ("0o14", 12),
        ("0O14", 12),
        ("0o9", "0o9"),
        ("0x1F", 31),
        ("0x_1", 1),
        ("0xg", "0xg"),
        ("0b1", 1),
        ("0B11", 3),
        ("0b-1", -1),
        ("0b2", "0b2"),
        ("1_000", 1000),
        ("+_1", 1),
        ("_1", "_1"),
        ("1__0.5", 10.5),
        ("1.", 1),
        (".5", 0.5),
        (".5_0", 0.5),
        ("._5", "._5"),
        ("-.5", -0.5),
        (".e1", ".e1"),
        ("1e3", 1000),
        ("1e-3", 0.001),
        ("1e999", "1e999"),
        ("-1234567e890", "-1234567e890"),
        (".5e999", ".5e999"),
        ("-0", 0),
        ("18446744073709551615", 18446744073709551615),
        ("18446744073709551616", 18446744073709551616),
        ("-9223372036854775809", -9223372036854775808),
        ("0x10000000000000000", "0x10000000000000000"),
        ("0777777777777777777777777", 7.777777777777778e23),
        ("-", "-"),
        ("+", "+"),
        (".", "."),
    ],
)
def test_kubernetes(text: str, value: Any) -> None:
    resolved = KUBERNETES.resolve(text)
    assert (resolved, type(resolved)) == (value, type(value))


def test_the_merge_key_is_one_of_kubernetes_only() -> None:
    assert KUBERNETES.resolve("<<") is MERGE
    assert CORE.resolve("<<") == "<<"


@pytest.mark.parametrize("text", [".inf", "-.INF", "+.Inf", ".nan", ".NaN", "1" * 41])
@pytest.mark.parametrize("dialect", [KUBERNETES, CORE])
def test_a_number_that_json_cannot_hold(dialect: Any, text: str) -> None:
    if dialect is CORE and text[-1] in "fFnN":
        assert dialect.resolve(text) == text
        return
    with pytest.raises(ValueError, match="number"):
        dialect.resolve(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *((word, word) for word in ("off", "y", "No", "0x1F", "0o14", "0b1", "1_000", "12:30", "2026-11-28")),
        ("08", 8),
        ("0644", 644),
        ("1e3", 1000.0),
        ("1.", 1.0),
        ("~", None),
        ("True", True),
    ],
)
def test_core(text: str, value: Any) -> None:
    resolved = CORE.resolve(text)
    assert (resolved, type(resolved)) == (value, type(value))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a", "a"),
        (True, "true"),
        (420, "420"),
        (1.5, "1.5"),
        (0.1, "0.1"),
        (1e-05, "1e-05"),
        (2.5e21, "2.5e+21"),
    ],
)
def test_keys_are_texts(value: Any, text: str) -> None:
    assert key_text(value, str(value)) == text


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("1000000", "1000000"),
        ("1e6", "1e+06"),
        ("1e3", "1000"),
        ("-0.0", "-0"),
        ("0644", "420"),
        ("1_0.0", "10"),
    ],
)
def test_keys_that_are_numbers(written: str, text: str) -> None:
    assert key_text(KUBERNETES.resolve(written), written) == text


@pytest.mark.parametrize("value", [None, [], {}, 1 << 63, 123456789.5])
def test_keys_that_are_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="key"):
        key_text(value, str(value))


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("str", "1", "1"),
        ("int", "3", 3),
        ("int", "0644", 420),
        ("float", "1", 1),
        ("bool", "y", True),
        ("null", "", None),
    ],
)
def test_tags(kind: str, text: str, value: Any) -> None:
    assert tagged(kind, text, KUBERNETES) == value


@pytest.mark.parametrize(
    ("kind", "text"),
    [("int", "yes"), ("int", "1e3"), ("int", "x"), ("float", "y"), ("bool", "1"), ("null", "a")],
)
def test_a_tag_that_the_value_does_not_have(kind: str, text: str) -> None:
    with pytest.raises(ValueError, match="tag"):
        tagged(kind, text, KUBERNETES)
