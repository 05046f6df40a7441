"""A value written as YAML reads back as the same value, whatever the reader."""

import json

import pytest

from towpath.yamltext.manifest_reader import load_document
from towpath.yamltext.style import inline


@pytest.mark.parametrize("value", ["r:5000/a@sha256:0", "127.0.0.1:5000/a", "sha256:0", "a:b"])
def test_an_image_needs_no_quotes(value: str) -> None:
    assert inline(value) == value
    assert load_document(f"{{a: {value}, b: [{value}]}}\n", "f") == {"a": value, "b": [value]}


@pytest.mark.parametrize(
    "value", ["1e3", "on", "0o17", "12:30", "~", "", "- a", "a: b", "#x", "2026-01-01", "é"]
)
def test_a_text_stays_a_text_for_every_reader(value: str) -> None:
    assert inline(value) == json.dumps(value, ensure_ascii=False)
    assert load_document(f"a: {inline(value)}\n", "f") == {"a": value}
