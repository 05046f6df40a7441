"""Nodes stand where their text is, whatever line breaks and signs come before."""

import pytest

from towpath.errors import ConfigError
from towpath.yamltext.nodes import MappingNode, SequenceNode, compose, key_of, lines_of


@pytest.mark.parametrize(
    "before",
    [
        "",
        "# größe \N{GRINNING FACE}\n",
        "a: \N{GRINNING FACE}\r\n",
        "a: |\r\n  x\r\n\r\n  y\r\n",
        'a: "x\\\r\n  y"\r\n',
        "a: >-\n  x\n\n\n",
        "a: x\u2028# y\n",
        "a: x\x85b: y\n",
        "a: [1,\t2]\t# c\n",
        "a: 1\rb: 2\r",
        "a: {u: http://x.example.com/?q=1}\n",
    ],
)
@pytest.mark.parametrize("value", ["plain", "'quoted'", '"double"', "{b: 1}", "[1]"])
def test_a_value_is_found(before: str, value: str) -> None:
    text = f"{before}last: {value} # end"
    (root,) = compose(text, "f")
    assert isinstance(root, MappingNode)
    key, node = root.value[-1]
    assert text[key.start : key.end] == "last"
    assert text[node.start : node.end] == value


def test_flow_and_null_are_told() -> None:
    (root,) = compose("a: {}\nb:\n- 1\nc:\nd: ~\ne: '~'\n", "f")
    assert isinstance(root, MappingNode)
    flow, block, hollow, tilde, quoted = (node for _, node in root.value)
    assert isinstance(flow, MappingNode)
    assert isinstance(block, SequenceNode)
    assert (flow.flow, block.flow) == (True, False)
    assert (hollow.is_null, tilde.is_null, quoted.is_null) == (True, True, False)


def test_empty_documents_are_left_out() -> None:
    assert len(compose("---\n---\na: 1\n---\n# no\n--- ~\n", "f")) == 1


@pytest.mark.parametrize(
    ("text", "key"), [("on: 1", "true"), ("'on': 1", "on"), ("0x10: 1", "16"), ("~: 1", None)]
)
def test_keys_are_named_as_the_reader_does(text: str, key: str | None) -> None:
    (root,) = compose(text, "f")
    assert isinstance(root, MappingNode)
    assert key_of(root.value[0][0]) == key


def test_lines_end_with_aliases() -> None:
    bomb = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9))
    lines = lines_of(compose(bomb, "f")[0])
    assert lines["a8",] == 9
    assert len(lines) < 200


def test_what_is_no_yaml_has_its_line() -> None:
    with pytest.raises(ConfigError, match="f:3: not valid YAML"):
        compose("a: 1\nb: [", "f")
