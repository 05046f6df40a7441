"""The one reader: what kubectl reads is read as kubectl does, or refused with file and line."""

from typing import Any

import pytest

from towpath.errors import ConfigError
from towpath.yamltext.config_reader import read_document
from towpath.yamltext.editor import set_value
from towpath.yamltext.manifest_reader import load_document, load_documents
from towpath.yamltext.scalars import KUBERNETES


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("hostIPC: n\nstdin: y\nreplicas: 08", {"hostIPC": False, "stdin": True, "replicas": 8}),
        ("N: 1\non: 2\n1.5: 3\n0x10: 4", {"false": 1, "true": 2, "1.5": 3, "16": 4}),
        ("a:\t1\t# x", {"a": 1}),
        ("[1,\t2]", [1, 2]),
        ("{u: http://x.example.com/?q=1}", {"u": "http://x.example.com/?q=1"}),
        ("\ufeffa: 1\nb: 2", {"a": 1, "b": 2}),
        ("a: 1\r\nb: |\r\n  x\r\n", {"a": 1, "b": "x\n"}),
        ("a: &x {k: 1, l: 2}\nb: {<<: *x, k: 3}", {"a": {"k": 1, "l": 2}, "b": {"k": 3, "l": 2}}),
        ("a: &x {k: 1, l: 2}\nb: {k: 3, <<: *x}", {"a": {"k": 1, "l": 2}, "b": {"k": 1, "l": 2}}),
        ("b: {<<: [{k: 1}, {k: 2, m: 3}]}", {"b": {"k": 1, "m": 3}}),
        ("b: {<<: {k: 1}, <<: {k: 2}}", {"b": {"k": 2}}),
        ("b: {'<<': {k: 1}}", {"b": {"<<": {"k": 1}}}),
        ("a: &x 1\nb: &x 2\nc: *x", {"a": 1, "b": 2, "c": 2}),
        ('a: !!int "3"', {"a": 3}),
        ("a: &x 5\n*x : b", {"a": 5, "5": "b"}),
        ('{"a": "\\ud83d\\ude00\\/"}', {"a": "\N{GRINNING FACE}/"}),
        ('{"a": "\\\\ud83d\\\\ude00"}', {"a": "\\ud83d\\ude00"}),
    ],
)
def test_as_kubectl(text: str, value: Any) -> None:
    assert load_document(text, "f") == value


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("a: 1\nb: .inf", 2, "JSON cannot hold"),
        ("a: 1\n~: 2", 2, "key that is not a plain value"),
        ("a: 1\n18446744073709551615: 2", 2, "key that is not a plain value"),
        ("a: 1\n123456789.5: 2", 2, "key that is not a plain value"),
        ("a: 1\n...\nb: 2", 3, "expected <document start>"),
        ("a: !!int yes", 1, "a tag that the value does not have"),
        ("a: 1\nb: {<<: 1}", 2, "merge key"),
        ("b: {k: 1, <<: {k: 2}, k: 3}", 1, "the same key twice"),
        ("a:\n\t- b", 2, "not valid YAML"),
    ],
)
def test_refused_with_its_line(text: str, line: int, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        load_documents(text, "f")
    assert caught.value.line == line


@pytest.mark.parametrize(
    "text",
    [
        '    newTag: "1.4"\t# pinned\n',
        "x: [1,\t2]\n",
        "x: {u: http://x.example.com/?q=1}\n",
        "x: {a:1}\n",
        "x:\t'a'\n",
        '{\n\t"x": 1\n}\n',
        'x: "a\tb"\n',
        "\ufeffx: 1\r\n",
        "%YAML 1.1\n---\nx: 1\n",
        "x: [?b]\n",
        "x: a\t\ny: b\n",
        "x: !!str a\n",
        "x: &a 1\ny: &a 2\n",
    ],
)
def test_what_is_read_can_be_edited(text: str) -> None:
    before = load_document(text, "f")
    assert read_document(text, "f", dialect=KUBERNETES).data == before
    after = set_value(text, "f", ("new",), "value")
    assert load_document(after, "f") == {**before, "new": "value"}
    assert after.startswith(text[:2])


def test_all_problems_of_a_configuration_are_told() -> None:
    with pytest.raises(ConfigError) as caught:
        read_document("a: 1\na: 2\nb: !x 1\nb: 2\n", "f")
    assert [problem.line for problem in caught.value.problems] == [2, 3, 4]
