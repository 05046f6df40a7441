"""One value changes, every other byte stays: comments, quotes, order, line ends."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.characters import UNICODE
from towpath.errors import ConfigError
from towpath.yamltext.editor import remove_value, rename_key, set_value
from towpath.yamltext.manifest_reader import load_documents
from towpath.yamltext.path import YamlPath

TEXT = """\
# Who needs this: the shop.
apiVersion: apps/v1
kind: Deployment
metadata: {name: hello, labels: {tier: web}}  # flow
spec:
  replicas: 3   # enough
  template:
    spec:
      containers:
        # the main one
        - name: hello
          image: "r/hello:1"
          env:
            - {name: A, value: '1'}

            - name: B
              value: two # why two
        - name: sidecar
          args: [a, b]
  # the end
"""


@pytest.mark.parametrize(
    ("path", "value", "old", "new"),
    [
        (("spec", "replicas"), 5, "replicas: 3   # enough", "replicas: 5   # enough"),
        (
            ("spec", "template", "spec", "containers", 0, "image"),
            "r/hello:2",
            'image: "r/hello:1"',
            'image: "r/hello:2"',
        ),
        (
            ("spec", "template", "spec", "containers", 0, "env", 0, "value"),
            "0x1",
            "value: '1'",
            "value: '0x1'",
        ),
        (("spec", "template", "spec", "containers", 0, "env", 1, "value"), "on", "value: two", 'value: "on"'),
        (("metadata", "labels", "tier"), "db", "{tier: web}", "{tier: db}"),
        (("metadata", "labels", "x/y"), "z", "{tier: web}", "{tier: web, x/y: z}"),
        (("spec", "paused"), True, "  # the end\n", ""),
        (
            ("spec", "template", "spec", "containers", 1, "args", 2),
            "c d",
            "args: [a, b]",
            "args: [a, b, c d]",
        ),
        (
            ("spec", "template", "spec", "containers", 0, "env", 2),
            {"name": "C", "value": "3"},
            "two # why two\n",
            'two # why two\n            - name: C\n              value: "3"\n',
        ),
        (
            ("spec", "template", "metadata", "annotations", "a/b"),
            "c",
            "args: [a, b]\n",
            "args: [a, b]\n    metadata:\n      annotations:\n        a/b: c\n",
        ),
    ],
)
def test_set(path: YamlPath, value: Any, old: str, new: str) -> None:
    expected = TEXT.replace(old, new) if new else TEXT.replace(old, "  paused: true\n" + old)
    assert set_value(TEXT, "f", path, value) == expected


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        (("spec", "replicas"), "  replicas: 3   # enough\n", ""),
        (("metadata", "labels"), "name: hello, labels: {tier: web}", "name: hello"),
        (("metadata", "labels", "tier"), "{tier: web}", "{}"),
        (("metadata", "name"), "name: hello, ", ""),
        (("spec", "template", "spec", "containers", 1, "name"), "name: sidecar\n          args", "args"),
        (
            ("spec", "template", "spec", "containers", 1),
            "        - name: sidecar\n          args: [a, b]\n",
            "",
        ),
        (
            ("spec", "template", "spec", "containers", 0, "env", 0),
            "            - {name: A, value: '1'}\n",
            "",
        ),
        (("spec", "template", "spec", "containers", 1, "args", 0), "[a, b]", "[b]"),
        (("spec", "template", "spec", "containers", 1, "args", 1), "[a, b]", "[a]"),
    ],
)
def test_remove(path: YamlPath, old: str, new: str) -> None:
    assert remove_value(TEXT, "f", path) == TEXT.replace(old, new)


def test_line_ends_and_other_documents_stay() -> None:
    text = "a: 1\r\n---\r\n# two\r\nb:\r\n  c: x\r\n---\r\n"
    assert set_value(text, "f", ("b", "d"), 1, 1) == text.replace("  c: x\r\n", "  c: x\r\n  d: 1\r\n")


def test_a_text_of_many_lines_stays_a_block() -> None:
    text = "data:\n  conf: |\n    a = 1\n    b = 2\n  next: x\n"
    new = set_value(text, "f", ("data", "conf"), "a = 1\nb = 3\n")
    assert new == text.replace("b = 2", "b = 3")
    assert set_value(text, "f", ("data", "conf"), "short") == "data:\n  conf: short\n  next: x\n"
    added = set_value(text, "f", ("data", "more"), "x\n\ny")
    assert added == text + "  more: |-\n    x\n\n    y\n"


def test_an_empty_text_and_empty_values() -> None:
    assert set_value("", "f", ("a", "b"), 1) == "a:\n  b: 1\n"
    assert set_value("# nothing yet\n", "f", ("a",), "b") == "# nothing yet\na: b\n"
    assert set_value("a: # why\nb: 1\n", "f", ("a", "x"), 1) == "a: # why\n  x: 1\nb: 1\n"
    assert set_value("a: ~\nb: 1\n", "f", ("a", "x"), 1) == "a: {x: 1}\nb: 1\n"
    assert set_value("a: [] # why\nb: 1\n", "f", ("a", 0), {"x": 1}) == "a: # why\n  - x: 1\nb: 1\n"
    assert set_value("- a:\n- b\n", "f", (0, "a", "x"), 1) == "- a:\n    x: 1\n- b\n"
    assert set_value("{a: []}\n", "f", ("a", 0), 1) == "{a: [1]}\n"
    assert set_value("a: 1\n# end\n...\n", "f", ("b",), 2) == "a: 1\n# end\nb: 2\n...\n"
    assert set_value("a: 1\n# end\n---\nc: 1\n", "f", ("b",), 2) == "a: 1\nb: 2\n# end\n---\nc: 1\n"
    assert set_value("a: {}\n", "f", ("a", "x"), 1) == "a: {x: 1}\n"


@pytest.mark.parametrize("quote", ["", "'", '"'])
def test_a_key_is_renamed_where_it_stands(quote: str) -> None:
    text = f"a:\n- {quote}b{quote}: 1 # why\n  c: 2\n"
    assert rename_key(text, "f", ("a", 0, "b"), "d") == text.replace("b", "d")
    with pytest.raises(ConfigError, match="cannot be changed alone"):
        rename_key("x: &y {b: 1}\na:\n- *y\n", "f", ("a", 0, "b"), "d")


@pytest.mark.parametrize("text", ["a: &x {b: 1}\nc: *x\n", "a: &x 1\nc: *x\n"])
def test_what_an_alias_shares_is_refused(text: str) -> None:
    path: YamlPath = ("a", "b") if "{" in text else ("a",)
    with pytest.raises(ConfigError, match="cannot be changed alone"):
        set_value(text, "f", path, 2)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**12), 10**12) | st.text(UNICODE, max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(UNICODE, min_size=1, max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(
        [
            ("spec", "replicas"),
            ("spec", "new"),
            ("metadata", "labels", "x"),
            ("spec", "template", "spec", "containers", 0, "env", 2),
            ("spec", "template", "spec", "containers", 0, "image"),
            ("spec", "template", "spec", "containers", 2),
        ]
    ),
    VALUES,
)
def test_any_value_is_written_exactly_or_refused(path: YamlPath, value: Any) -> None:
    try:
        text = set_value(TEXT, "f", path, value)
    except ConfigError:
        return
    [document] = load_documents(text, "f")
    found = document.value
    for step in path:
        found = found[step]
    assert found == value


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (3.0, "3.0"),
        (1e-30, "1.0e-30"),
        (1.5e22, "1.5e+22"),
        ("a\x85b", '"a\\u0085b"'),
        ("\x7f", '"\\u007f"'),
        ("a\u2028", '"a\\u2028"'),
        ("\ufeffa", '"\\ufeffa"'),
        ("1e3", '"1e3"'),
    ],
)
@pytest.mark.parametrize("base", ["a: 1\n", "{a: 1}\n", '{"a": 1}'])
def test_what_readers_disagree_on_is_written_so_that_they_agree(base: str, value: Any, written: str) -> None:
    text = set_value(base, "f", ("a",), value)
    assert text == base.replace("1", written)
    assert load_documents(text, "f")[0].value == {"a": value}


@pytest.mark.parametrize("indent", ["", "  "])
def test_a_list_below_its_key_is_replaced(indent: str) -> None:
    text = f"a:\n{indent}- 1\n{indent}- 2\nb: 1\n"
    assert set_value(text, "f", ("a",), [3]) == f"a:\n{indent}  [3]\nb: 1\n"
    assert set_value(text, "f", ("a",), "x") == f"a:\n{indent}  x\nb: 1\n"
    assert remove_value(f"a:\n{indent}- 1\nb: 1\n", "f", ("a", 0)) == f"a:\n{indent}  []\nb: 1\n"


def test_true_is_not_written_for_one() -> None:
    assert set_value("a: true\n", "f", ("a",), 1) == "a: 1\n"
    assert set_value("a: 1\n", "f", ("a",), True) == "a: true\n"
