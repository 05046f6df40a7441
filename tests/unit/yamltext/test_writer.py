"""What is written is read as it was meant, by readers of YAML 1.1 and of YAML 1.2."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.characters import UNICODE
from tests.unit.yamltext.texts import number_like
from towpath.errors import ConfigError
from towpath.settings import Settings
from towpath.yamltext.config_reader import read_document
from towpath.yamltext.manifest_reader import load_document
from towpath.yamltext.style import inline
from towpath.yamltext.writer import dump, dump_all, is_ambiguous

TOOLS = Settings.load({"HOME": str(Path.home())}).tools
NUMBERS = [
    *("2042445980e8", "1e3", "08", "0815", "012345678901", "0o14", "0x1F", "0b11", "1_000", "12:30", "1."),
    *(
        "+1",
        "-0",
        "1E-5",
        "190:20:30",
        "685_230.15",
        "2026-11-28",
        "2026-11-28T10:00:00Z",
        "+.inf",
        ".NaN",
        ".5",
    ),
]
WORDS = ["null", "~", "NULL", "true", "False", "yes", "No", "ON", "off", "y", "N", "nan", "Inf", "=", "<<"]
MARKS = [
    *(
        "- a",
        "a: b",
        "a #b",
        "#a",
        "&a",
        "*a",
        "!a",
        "%a",
        "@a",
        "`a",
        "{a}",
        "[a",
        "a,",
        "'",
        '"',
        "?",
        "? a",
    ),
    *("|", ">", "", " a", "a ", "? a"),
]
BREAKS = [
    *("a\nb", "a\nb\n", "\n", "\na", " a\nb", "a \nb", "a\n\n", "a\n b", "a\tb", "\ta", "a\r\nb"),
    *("a\u2028b", "a\x85b", "\ufeffa", "\x07"),
]
OTHERS = ["a" * 200 + " b" * 200, "größe", "\N{GRINNING FACE}", "127.0.0.1:5000/hello"]
ALL = [*NUMBERS, *WORDS, *MARKS, *BREAKS, *OTHERS]

TEXTS = st.one_of(
    st.sampled_from(ALL),
    st.text(UNICODE, max_size=20),
    number_like(),
)
VALUES = st.recursive(
    TEXTS | st.integers(-(2**63), 2**63) | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize("text", ALL)
def test_a_text_stays_a_text(text: str) -> None:
    written = dump({"key": text, "list": [text], text: 1})
    for value in (yaml.safe_load(written), load_document(written, "x"), read_document(written, "x").data):
        assert value == {"key": text, "list": [text], text: 1}


@pytest.mark.parametrize("text", [*NUMBERS, *WORDS])
def test_what_a_reader_could_take_for_something_else_is_quoted(text: str) -> None:
    assert is_ambiguous(text)
    assert dump([text]) == f"- '{text}'\n"
    assert inline(text) == f'"{text}"'


@pytest.mark.parametrize(
    "text", ["hello", "127.0.0.1:5000/hello", "sha256:" + "0" * 64, "Version 3", "a, b (c)"]
)
def test_plain_words_stay_bare(text: str) -> None:
    assert dump([text]) == f"- {text}\n"


def test_several_lines_are_a_block() -> None:
    assert dump({"a": "one\n  two\n"}) == "a: |\n  one\n    two\n"


@given(VALUES)
@settings(max_examples=300, deadline=None)
def test_every_reader_gives_it_back(value: Any) -> None:
    written = dump_all([value])
    assert yaml.safe_load(written) == value
    assert load_document(written, "x") == value
    assert read_document(dump(value), "x").data == value


def test_what_cannot_be_read_again_is_not_written() -> None:
    with pytest.raises(ConfigError, match=r"quarantine\.yaml"):
        dump({1: "a key that is no text"}, file="quarantine.yaml")


def test_no_alias_stands_for_what_is_there_twice() -> None:
    shared = {"a": "b"}
    assert dump([shared, shared]) == "- a: b\n- a: b\n"


def test_kubectl_reads_the_same(tmp_path: Path) -> None:
    program = shutil.which("kubectl", path=str(TOOLS))
    if program is None:
        pytest.skip("needs kubectl: `towpath doctor --get` builds it")
    data = {f"k{index}": text for index, text in enumerate([*NUMBERS, *WORDS, *MARKS, *BREAKS])}
    path = tmp_path / "configmap.yaml"
    object_ = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}, "data": data}
    path.write_text(dump_all([object_]))
    command = [program, "annotate", "--local", "-f", str(path), "x=y", "-o", "json"]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env={"HOME": str(tmp_path)})
    assert json.loads(done.stdout)["data"] == data
