"""One YAML document, bounded and without surprises."""

import pytest

from towpath.errors import ConfigError
from towpath.yamltext.config_reader import read_document

BOMB = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9))


def test_scalars_are_those_of_yaml_1_2() -> None:
    text = "[off, no, yes, 2027-01-01, 12:30, true, 1, 1.5, ~, '1', 1e3, 0x1f]"
    assert read_document(text, "f").data == [
        *("off", "no", "yes", "2027-01-01", "12:30", True, 1, 1.5, None, "1", 1000.0, "0x1f"),
    ]


def test_every_key_and_item_has_its_line() -> None:
    document = read_document("a:\n  b: 1\nc:\n  - x\n  - y: 2\n", "f")
    assert document.line(("a", "b")) == 2
    assert document.line(("c", 1, "y")) == 5
    assert document.line(("c", 1, "none")) == 5
    assert document.line(()) == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\na: 2\n", "f:2: duplicate key `a`, first on line 1"),
        ("a: [1\nb: 2\n", "f:2: not valid YAML"),
        ("a: *b\n", "f:1: an alias to an anchor that is not (yet) there"),
        ("a: 1\n---\nb: 1\n", "f:2: more than 1 document"),
        ("[" * 5000, "f:1: nested deeper than 50 levels"),
        ("a: &a [*a]\n", "f:1: an alias to an anchor that is not (yet) there"),
        (BOMB, "more than 50,000 values, aliases followed"),
        ("a: !!python/object/apply:os.system [id]\n", "unknown tag"),
        ("a: !x 1\n", "f:1: unknown tag"),
        ("? [a]\n: 1\n", "f:1: a mapping key that is not a plain value"),
        ("a: \x00", "f: not valid YAML: a character that YAML does not allow"),
        ("x" * 2_000_000, "f: has more than 1048576 bytes"),
    ],
)
def test_what_is_refused(text: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_document(text, "f")
    assert said in caught.value.message
