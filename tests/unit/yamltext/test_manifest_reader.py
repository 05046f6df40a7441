import json
import time

import pytest

from towpath.errors import ConfigError
from towpath.yamltext.manifest_reader import load_document, load_documents
from towpath.yamltext.reader import Limits


def bomb(levels: int) -> str:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, levels)]
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: 1", {"a": 1}),
        ("a: 0644", {"a": 0o644}),
        ("a: 0x1F", {"a": 31}),
        ("a: 1e3", {"a": 1000}),
        ("a: 1.5", {"a": 1.5}),
        ("a: 12:30:00", {"a": "12:30:00"}),
        ("a: 2027-01-01", {"a": "2027-01-01"}),
        ("a: '1'", {"a": "1"}),
        ("a: !!str 1", {"a": "1"}),
        ("a: on", {"a": True}),
        ("a: ~", {"a": None}),
        ("a:", {"a": None}),
        ("a: 1.2.3", {"a": "1.2.3"}),
        ("a: 1e999", {"a": "1e999"}),
        ("a: 12e4567", {"a": "12e4567"}),
        ("a:\n-", {"a": [None]}),
        ("a: 09", {"a": 9}),
        ("1: a\ntrue: b", {"1": "a", "true": "b"}),
        ("0: a\n'-0': b", {"0": "a", "-0": "b"}),
        ("a: &x [1]\nb: *x", {"a": [1], "b": [1]}),
        ("a: &x {k: 1, l: 2}\nb: {<<: *x, k: 3}", {"a": {"k": 1, "l": 2}, "b": {"k": 3, "l": 2}}),
        ("a: |\n  1\n", {"a": "1\n"}),
        ("a: [&x <<, *x]", {"a": ["<<", "<<"]}),
        ("a: {&x <<: {b: 1}, c: *x}", {"a": {"b": 1, "c": "<<"}}),
        ('{"a": [1, true, null, "x"]}', {"a": [1, True, None, "x"]}),
    ],
)
def test_scalars_resolve_as_the_kubernetes_tools_do(text: str, value: object) -> None:
    assert load_document(text, "f.yaml") == value


def test_documents_know_their_lines_and_empty_ones_are_left_out() -> None:
    documents = load_documents("# comment\na: 1\n---\n---\n# more\n\nb: 2\n", "f.yaml")
    assert [(d.value, d.line) for d in documents] == [({"a": 1}, 2), ({"b": 2}, 7)]


def test_aliases_do_not_share_what_they_name() -> None:
    value = load_document("a: &x {k: [1]}\nb: *x", "f.yaml")
    value["a"]["k"].append(2)
    assert value["b"] == {"k": [1]}


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("a: 1\nb: 2\na: 3", 3, "the same key twice"),
        ("a: {x: 1, x: 2}", 1, "the same key twice"),
        ("1: a\n'1': b", 2, "the same key twice"),
        ("0.: a\n-0.: b", 2, "the same key twice"),
        ("a: {-0.0: a, b: 1, 0e1: b}", 1, "the same key twice"),
        ("a: &x [*x]", 1, "not (yet) there"),
        ("a: *nothing", 1, "not (yet) there"),
        ("a: !!python/object/apply:os.system [id]", 1, "tag"),
        ("a: !custom 1", 1, "tag"),
        ("a: !!binary aGk=", 1, "tag"),
        ("a: .nan", 1, "JSON cannot hold"),
        ("a: +.inf", 1, "JSON cannot hold"),
        ("a: " + "9" * 50, 1, "too many digits"),
        ("? [a]\n: 1", 1, "not a plain value"),
        ("a: [1", 2, "not valid YAML"),
        ("a: \x01", None, "character"),
        ("a: {<<: 1}", 1, "merge key"),
    ],
)
def test_bad_yaml_is_refused_with_its_line(text: str, line: int | None, message: str) -> None:
    with pytest.raises(ConfigError, match=r"f\.yaml") as caught:
        load_documents(text, "f.yaml")
    assert message in str(caught.value)
    assert caught.value.line == line


def test_an_alias_bomb_is_refused_at_once() -> None:
    started = time.process_time()
    with pytest.raises(ConfigError, match="aliases followed"):
        load_documents(bomb(30), "f.yaml")
    assert time.process_time() - started < 2


def test_a_merge_key_bomb_is_refused() -> None:
    text = "\n".join(
        ["a0: &a0 {x: [1, 2, 3, 4, 5, 6, 7, 8, 9]}"]
        + [f"a{n}: &a{n} {{l: *a{n - 1}, r: *a{n - 1}, <<: *a{n - 1}}}" for n in range(1, 40)]
    )
    with pytest.raises(ConfigError, match="aliases followed"):
        load_documents(text, "f.yaml")


@pytest.mark.parametrize("text", ["[" * 5_000, "{a: " * 5_000, "- " * 5_000, "? " * 5_000])
def test_deep_nesting_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        load_documents(text, "f.yaml")


def test_bytes_documents_and_values_are_capped() -> None:
    with pytest.raises(ConfigError, match="larger than"):
        load_documents("a" * 2_000_000, "f.yaml", Limits(bytes=1 << 20))
    with pytest.raises(ConfigError, match="documents"):
        load_documents("---\na: 1\n" * 20, "f.yaml", Limits(documents=10))
    with pytest.raises(ConfigError, match="anchors"):
        load_documents("\n".join(f"- &a{n} 1" for n in range(20)), "f.yaml", Limits(anchors=10))
    with pytest.raises(ConfigError, match="values"):
        load_documents("[" + "1," * 200 + "]", "f.yaml", Limits(nodes=100))


def test_an_error_never_shows_the_files_content() -> None:
    for text in ("canary-1: [", "root:x:0:0:canary-1:/root\n\tcanary-1: :", "a: *canary-1", "!canary-1 x"):
        with pytest.raises(ConfigError) as caught:
            load_documents(text, "f.yaml")
        assert "canary-1" not in str(caught.value)


def test_text_that_is_not_utf8_is_refused() -> None:
    with pytest.raises(ConfigError, match="UTF-8"):
        load_documents(b"a: \xff", "f.yaml")


def test_only_one_document_where_one_is_expected() -> None:
    assert load_document("", "f.yaml") is None
    with pytest.raises(ConfigError, match=r"f\.yaml:2: more than one document"):
        load_document("a: 1\n--- {b: 1}\n", "f.yaml")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2.592e+06", "2592000"),
        ("1.0", "1"),
        ("-3.0e0", "-3"),
        ("1e20", "100000000000000000000"),
        ("1e21", "1e+21"),
        ("0.5", "0.5"),
        ("-0.25e1", "-2.5"),
        ("5e-1", "0.5"),
    ],
)
def test_whole_numbers_stay_whole_in_json(text: str, expected: str) -> None:
    assert json.dumps(load_document(f"a: {text}", "x")) == f'{{"a": {expected}}}'
