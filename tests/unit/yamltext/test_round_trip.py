"""What Towpath writes and edits is read the same by every other reader; what it reads, kubectl reads so."""

import copy
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from tests.characters import UNICODE
from tests.unit.yamltext.readers import LIBRARIES, SETTINGS, Read, kubernetes_reader
from tests.unit.yamltext.texts import number_like
from towpath.errors import ConfigError
from towpath.yamltext.config_reader import read_document
from towpath.yamltext.editor import put_value, remove_value, rename_key, set_value
from towpath.yamltext.manifest_reader import load_document, load_documents
from towpath.yamltext.path import YamlPath
from towpath.yamltext.writer import dump_all

ODD = [
    *(
        "1e3",
        "08",
        "0o14",
        "0644",
        "1_000",
        "0b1",
        "0x1F",
        "1:30",
        "190:20:30",
        ".5",
        "1.",
        "+1",
        "-0",
        "-.inf",
    ),
    *(
        "2026-11-28",
        "2026-11-28T10:00:00Z",
        "2026-11-28 10:00:00",
        "null",
        "~",
        "y",
        "N",
        "on",
        "OFF",
        "true",
    ),
    *(
        "=",
        "<<",
        "",
        " ",
        "-",
        "?",
        ":",
        "a: b",
        "a #b",
        "#",
        "&a",
        "*a",
        "!a",
        "%a",
        "@a",
        "`",
        "{",
        "[",
        "|",
        ">",
    ),
    *(
        "a\nb",
        "a\n",
        "\n",
        " a\nb",
        "a \nb\n",
        "a\tb",
        "\ta",
        "a\r\nb",
        "a\x85b",
        "a\u2028b",
        "\ufeffa",
        "\x07",
    ),
    *(
        "---",
        "...",
        "--- a",
        "größe",
        "\N{GRINNING FACE}",
        "http://x.example.com/?q=1",
        "a" * 200,
        "'",
        '"',
        "\\",
    ),
]
TEXTS = st.one_of(
    st.sampled_from(ODD),
    st.text(UNICODE, max_size=12),
    number_like(),
)
NUMBERS = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    TEXTS | NUMBERS | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)
PHASES = [Phase.explicit, Phase.reuse, Phase.generate]
"""Without shrinking, which would start a program hundreds of times."""
MANY = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
FEW = settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck), phases=PHASES)


@pytest.fixture(scope="module")
def go() -> Iterator[Read]:
    with kubernetes_reader() as read:
        yield read


def same(left: Any, right: Any) -> bool:
    """Whether two values are the same JSON; 1 and 1.0 are, 1 and true are not."""
    if isinstance(left, bool) or isinstance(right, bool) or isinstance(left, str) or isinstance(right, str):
        return type(left) is type(right) and bool(left == right)
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, int | float) and isinstance(right, int | float):
        return float(left) == float(right)
    return bool(left == right)


# ---- the writer


@given(value=VALUES)
@MANY
def test_what_is_written_is_read_by_all(go: Read, value: Any) -> None:
    text = dump_all([value])
    assert same(load_document(text, "f"), value)
    assert same(read_document(text, "f").data, value)
    assert same(go(text), value)
    for name, read in LIBRARIES.items():
        assert same(read(text), value), name


# ---- the editor

BASES = [
    "a: 1\nb:\n  c: [x, 'y']  # flow\n  d:\n  - e: 1\n\n    f: \"2\"\n  # end\n",
    "# head\r\na: 1\r\nb:\r\n  c: []\r\n  d: [{e: x}]\r\n",
    "{a: 1, b: {c: [1,2], d: [{e: 1}]}}\n",
    '{\n  "a": 1,\n  "b": {"c": [1, 2], "d": [{"e": null}]}\n}\n',
    "b:\n  d:\n  - # why\n    e: |\n      one\n      two\n    f: 1\n  c: >-\n    folded\n    text\na: ~\n",
    "a: größe \N{GRINNING FACE}\nb: {c: , d: [{'e': 1}]}\n",
    "b:\n    c:\n    - 1\n    d:\n    -   e: '08'\n        f: n\na: 0644\n...\n",
]
_VALUES: dict[tuple[str, str], Any] = {}


def value_of(base: str, name: str, read: Read) -> Any:
    """A copy of what a reader makes of a base: there are few of these, so each is read once."""
    if (base, name) not in _VALUES:
        _VALUES[base, name] = read(base)
    return copy.deepcopy(_VALUES[base, name])


PATHS: list[YamlPath] = [
    *(("a",), ("new",), ("b", "c"), ("b", "new"), ("b", "d", 0, "e"), ("b", "d", 0, "g"), ("b", "d", 1)),
    ("b", "new", "deep", "er"),
]


@given(base=st.sampled_from(BASES), path=st.sampled_from(PATHS), value=VALUES)
@MANY
def test_an_edit_is_read_by_all_and_changes_nothing_else(
    go: Read, base: str, path: YamlPath, value: Any
) -> None:
    try:
        text = set_value(base, "f", path, value)
    except ConfigError as error:
        assert path == ("b", "d", 1), error.message  # behind the end of a list that has one item
        return
    for name, read in {"go": go, **LIBRARIES}.items():
        expected = value_of(base, name, read)
        put_value(expected, path, value)
        assert same(read(text), expected), name


@given(
    base=st.sampled_from(BASES),
    path=st.sampled_from([("a",), ("b",), ("b", "c"), ("b", "d"), ("b", "d", 0), ("b", "d", 0, "e")]),
)
@MANY
def test_a_removal_is_read_by_all_and_changes_nothing_else(go: Read, base: str, path: YamlPath) -> None:
    text = remove_value(base, "f", path)
    for name, read in {"go": go, **LIBRARIES}.items():
        expected = parent = value_of(base, name, read)
        for step in path[:-1]:
            parent = parent[step]
        del parent[path[-1]]
        assert same(read(text), expected), name


@given(base=st.sampled_from(BASES), key=TEXTS)
@MANY
def test_a_renamed_key_is_read_by_all(go: Read, base: str, key: str) -> None:
    try:
        text = rename_key(base, "f", ("b", "c"), key)
    except ConfigError:
        assert key in ("", "d") or not key.isprintable() or key != key.strip()
        return
    for name, read in {"go": go, **LIBRARIES}.items():
        expected = value_of(base, name, read)
        expected["b"] = {key if each == "c" else each: item for each, item in expected["b"].items()}
        assert same(read(text), expected), name


# ---- the reader

SCALARS = st.one_of(
    TEXTS.map(lambda text: text.replace("\n", "")),
    number_like(
        "0123456789abcdefABCDEF_.", sizes=(1, 6), marks="eExob:", rest="0123456789_", rest_sizes=(1, 4)
    ),
    st.sampled_from(
        ["'a'", '"b"', "&x 1", "*x", "!!str 1", "!!int 0x1", "!!float 1", "!!bool n", "! 08", "{b: 1}"]
    ),
)
SPACES = st.sampled_from([" ", "  ", "\t", " \t", "\t "])


@st.composite
def yaml_texts(draw: st.DrawFn) -> str:
    """A mapping of odd keys, values, spaces, comments and line ends; most are YAML."""
    lines = []
    for _ in range(draw(st.integers(1, 4))):
        key, value = draw(SCALARS), draw(SCALARS)
        shape = draw(
            st.sampled_from(["{k}:{s}{v}", "{k}:\n-{s}{v}", "{k}:{s}[{v},{s}{v}]", "{k}:{s}{{{v}:{s}{v}}}"])
        )
        lines.append(shape.format(k=key, v=value, s=draw(SPACES)))
        lines[-1] += draw(st.sampled_from(["", " # c", "\t# c", " "]))
    return draw(st.sampled_from(["\n", "\r\n"])).join(lines) + "\n"


@example(text="01000008: 1\n09000000: 1\n0108: 1\n")
@example(text="08000000: 1\n-08: 1\n")
@example(text="0.: 1e3\n1e3: 1e3\n08: 1e3\n-0.: 1e3\n")
@given(text=yaml_texts() | st.text("ab01-:#[]{},'\"&*!|>?%@ \n\t", max_size=25))
@settings(MANY, max_examples=1500)
def test_what_is_read_is_what_kubectl_reads(go: Read, text: str) -> None:
    try:
        documents = load_documents(text, "f")
    except ConfigError:
        return  # one clear refusal
    if len(documents) > 1:
        return
    try:
        expected = go(text)
    except ValueError:
        return  # kubectl refuses more
    assert same(documents[0].value if documents else None, expected)


@given(text=yaml_texts())
@settings(MANY, max_examples=500)
def test_what_is_read_can_be_edited(text: str) -> None:
    try:
        before = load_documents(text, "f")
    except ConfigError:
        return
    if len(before) == 1 and isinstance(before[0].value, dict) and "new" not in before[0].value:
        after = load_document(set_value(text, "f", ("new",), "value"), "f")
        assert after == {**before[0].value, "new": "value"}


# ---- the programs


def program(name: str) -> str:
    path = shutil.which(name, path=str(SETTINGS.tools))
    if path is None:
        pytest.skip(f"needs {name}: `towpath doctor --get` builds it")
    return path


def manifests(values: list[Any]) -> list[dict[str, Any]]:
    head = {"apiVersion": "example.com/v1", "kind": "Thing"}
    return [
        {**head, "metadata": {"name": f"x{index}"}, "spec": {"value": value, "list": [value]}}
        for index, value in enumerate(values)
    ]


def assert_same_specs(read: list[dict[str, Any]], written: list[dict[str, Any]]) -> None:
    assert len(read) == len(written)
    for left, right in zip(read, written, strict=True):
        assert same(left["spec"], right["spec"])


@given(values=st.lists(VALUES, min_size=30, max_size=40))
@FEW
def test_kubectl_reads_what_is_written(tmp_path: Path, values: list[Any]) -> None:
    written = manifests(values)
    assert_same_specs(read_by_kubectl(tmp_path, dump_all(written)), written)


def read_by_kubectl(tmp_path: Path, text: str) -> list[dict[str, Any]]:
    path = tmp_path / "things.yaml"
    path.write_text(text, newline="")
    command = [program("kubectl"), "annotate", "--local", "-f", str(path), "x=y", "-o", "json"]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env={"HOME": str(tmp_path)})
    decoder, rest, read = json.JSONDecoder(), done.stdout.strip(), []
    while rest:
        value, end = decoder.raw_decode(rest)
        read.append(value)
        rest = rest[end:].strip()
    return read


THING = """\
apiVersion: example.com/v1
kind: Thing
metadata: {name: NAME}  # flow
spec:
  flow: {a: [1, 'two']}
  # the last
  block:
  - name: x
"""
THING_PATHS: list[YamlPath] = [
    *(("spec", "new"), ("spec", "flow", "a", 0), ("spec", "flow", "b"), ("spec", "block", 0, "name")),
    *(("spec", "block", 1), ("spec", "flow"), ("spec", "block", 0, "deep", "er")),
]


def edited_things(edits: list[tuple[YamlPath, Any]]) -> tuple[str, list[dict[str, Any]]]:
    """The text of one thing for each edit, and what it must be read as."""
    texts, values = [], []
    for index, (path, value) in enumerate(edits):
        before = THING.replace("NAME", f"x{index}")
        try:
            texts.append(set_value(before, "f", path, value))
        except ConfigError:
            texts.append(before)
            values.append(load_document(before, "f"))
            continue
        expected = load_document(before, "f")
        put_value(expected, path, value)
        values.append(expected)
    return "---\n".join(texts), values


@given(edits=st.lists(st.tuples(st.sampled_from(THING_PATHS), VALUES), min_size=30, max_size=40))
@FEW
def test_kubectl_reads_what_is_edited(tmp_path: Path, edits: list[tuple[YamlPath, Any]]) -> None:
    text, expected = edited_things(edits)
    assert_same_specs(read_by_kubectl(tmp_path, text), expected)


def kustomize_keeps(text: str) -> bool:
    """Kustomize 5.8 drops a quoted key `<<`, folds U+0085, and refuses DEL and what is no character."""
    return text != "<<" and not re.search("[\x7f-\x9f\ufffe\uffff]", text)


KEPT = TEXTS.filter(kustomize_keeps)
KEPT_VALUES = st.recursive(
    KEPT | NUMBERS | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEPT, inner, max_size=4),
    max_leaves=12,
)


@given(values=st.lists(KEPT_VALUES, min_size=30, max_size=40))
@FEW
def test_kustomize_builds_what_is_written(tmp_path: Path, values: list[Any]) -> None:
    written = manifests(values)
    assert_same_specs(built_by_kustomize(tmp_path, dump_all(written)), written)


@given(edits=st.lists(st.tuples(st.sampled_from(THING_PATHS), KEPT_VALUES), min_size=30, max_size=40))
@FEW
def test_kustomize_builds_what_is_edited(tmp_path: Path, edits: list[tuple[YamlPath, Any]]) -> None:
    text, expected = edited_things(edits)
    assert_same_specs(built_by_kustomize(tmp_path, text), expected)


def built_by_kustomize(tmp_path: Path, text: str) -> list[dict[str, Any]]:
    """In the order of their numbers; Kustomize sorts by name."""
    (tmp_path / "things.yaml").write_text(text, newline="")
    (tmp_path / "kustomization.yaml").write_text("resources: [things.yaml]\n")
    command = [program("kustomize"), "build", str(tmp_path)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env={"HOME": str(tmp_path)})
    read = [document.value for document in load_documents(done.stdout, "f")]
    return sorted(read, key=lambda item: int(item["metadata"]["name"][1:]))
