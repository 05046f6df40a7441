"""What an unquoted YAML scalar means: as kubectl, Kustomize and Helm read it, or as YAML 1.2 says.

The tools of Kubernetes read YAML through sigs.k8s.io/yaml, which is go-yaml v2: `n` and `off` are booleans,
`0644` and `0o644` are octal, `08` and `1_000` are numbers; `1:30` and dates are texts. Towpath's own files
follow YAML 1.2: `off` is a text, and `0644` is 644.
"""

import functools
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

MOST_WHOLE = 1e21
"""Go writes a whole number below this without an exponent."""
MAX_CHARACTERS = 40
"""Of a number; a longer one is a mistake, or costs time."""

NULLS = dict.fromkeys(["", "~", "null", "Null", "NULL"])
_TRUE = ["true", "True", "TRUE"]
_FALSE = ["false", "False", "FALSE"]
_CORE_WORDS: dict[str, Any] = {**NULLS, **dict.fromkeys(_TRUE, True), **dict.fromkeys(_FALSE, False)}
_WORDS: dict[str, Any] = {
    **_CORE_WORDS,
    **dict.fromkeys(["y", "Y", "yes", "Yes", "YES", "on", "On", "ON"], True),
    **dict.fromkeys(["n", "N", "no", "No", "NO", "off", "Off", "OFF"], False),
}
_NUMBER_STARTS = frozenset("+-.0123456789")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)\Z|\.(nan|NaN|NAN)\Z")
_INTEGER = re.compile(
    r"([-+]?)(?:0[bB](?P<binary>[01]+)|0[oO](?P<octal>[0-7]+)|0[xX](?P<hexadecimal>[0-9a-fA-F]+)"
    r"|(?P<old_octal>0[0-7]*)|(?P<decimal>[1-9][0-9]*))\Z"
)
_BASES = {"binary": 2, "octal": 8, "hexadecimal": 16, "old_octal": 8, "decimal": 10}
_SIGNED_BINARY = re.compile(r"0b([-+][01]+)\Z")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_POINT_FLOAT = re.compile(r"\.[0-9]+(_[0-9]+)*([eE][-+]?[0-9]+(_[0-9]+)*)?\Z")
_CORE_INTEGER = re.compile(r"[-+]?[0-9]+\Z")


class Merge:
    """The merge key: a plain `<<`."""


MERGE = Merge()


@dataclass(frozen=True, slots=True)
class Dialect:
    """How unquoted scalars are read.

    `resolve` gives the value of a text; ValueError when JSON cannot hold it. `keys_as_written`: keys are the
    texts in the file, without being resolved.
    """

    resolve: Callable[[str], Any]
    keys_as_written: bool


def tagged(kind: str, text: str, dialect: Dialect) -> Any:
    """The value of a text with one of YAML's own tags (`str`, `null`, `bool`, `int`, `float`).

    Raises ValueError when the text is none of that kind.
    """
    if kind == "str":
        return text
    value = dialect.resolve(text)
    if not isinstance(value, _KINDS.get(kind, ())) or (isinstance(value, bool) and kind != "bool"):
        raise ValueError("a tag that the value does not have")
    if kind == "int" and not _is_integer(text):
        raise ValueError("a tag that the value does not have")
    return value


_KINDS: dict[str, tuple[type, ...]] = {
    "null": (type(None),),
    "bool": (bool,),
    "int": (int,),
    "float": (int, float),
}


def _is_integer(text: str) -> bool:
    return bool(_INTEGER.match(text.replace("_", "")) or _CORE_INTEGER.match(text))


def key_text(value: Any, written: str) -> str:
    """The text of a resolved key, as the tools of Kubernetes make it. ValueError when they refuse it.

    `written` is the key as it is in the file: `1e6` becomes `1e+06`, as 01000000 with an 8 in it does, which
    cannot be octal; 1000000 stays.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and not _INTEGER.match(written.replace("_", "")):
        value = float(written.replace("_", ""))
    if isinstance(value, int) and -(1 << 63) <= value < 1 << 63:
        return str(value)
    # Go writes it with single precision.
    if isinstance(value, float) and (not value or 1e-30 < abs(value) < 1e30):
        short = f"{value:g}"
        if float(short) == value:
            return short
    raise ValueError("a mapping key that is not a plain value")


def _kubernetes(text: str) -> Any:
    if text in _WORDS:
        return _WORDS[text]
    first = text[0]
    if first not in _NUMBER_STARTS:
        return MERGE if text == "<<" else text
    return _number(text) if len(text) <= _MAX_CACHED else _number.__wrapped__(text)


_MAX_CACHED = 100


@functools.lru_cache(maxsize=4096)
def _number(text: str) -> Any:
    """The number that a text is; the text itself when it is none."""
    if _NOT_FINITE.match(text):
        raise ValueError("a number that JSON cannot hold")
    plain = text.replace("_", "")
    if text[0] == ".":
        return _float(plain, text) if _POINT_FLOAT.match(text) else text
    integer = _INTEGER.match(plain)
    if integer and integer.lastgroup:
        _check_length(text)
        number = int(integer[1] + integer[integer.lastgroup], _BASES[integer.lastgroup])
        if -(1 << 63) <= number < (1 << 63 if integer[1] else 1 << 64):
            return number
    if _FLOAT.match(plain):
        return _float(plain, text)
    if binary := _SIGNED_BINARY.match(plain):
        _check_length(text)
        return int(binary[1], 2)
    return text


def _float(plain: str, text: str) -> Any:
    _check_length(text)
    number = float(plain)
    if not math.isfinite(number):
        return text  # the abbreviated commit 12e4567 is written without quotes by go-yaml
    # As JSON of the Kubernetes tools: Helm writes 2592000 as 2.592e+06.
    return int(number) if number.is_integer() and abs(number) < MOST_WHOLE else number


def _check_length(text: str) -> None:
    if len(text) > MAX_CHARACTERS:
        raise ValueError("a number with too many digits")


def _core(text: str) -> Any:
    if text in _CORE_WORDS:
        return _CORE_WORDS[text]
    if text[0] not in _NUMBER_STARTS or not _FLOAT.match(text):
        return text
    _check_length(text)
    if _CORE_INTEGER.match(text):
        return int(text)
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("a number that JSON cannot hold")
    return number


KUBERNETES = Dialect(_kubernetes, keys_as_written=False)
"""Manifests, kustomizations, values of charts, kubeconfigs."""
CORE = Dialect(_core, keys_as_written=True)
"""Towpath's own files."""
