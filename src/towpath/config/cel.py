"""Compiles the CEL expressions of `healthCheckExprs`, and refuses expressions that could run for ever.

A running expression cannot be stopped. So macros (`all`, `map`) nested more than MAX_MACRO_DEPTH deep are
refused before they run, and `size` tells how much an expression could make of an object. The CEL library is
imported only when there are expressions. Why this one: docs/decisions/0011-cel.md.
"""

import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_LIST_MACROS = ("all", "exists", "exists_one", "existsOne", "map", "filter")
_VARIABLES = {
    "map": 1,
    "transformList": 2,
    "transformMap": 2,
    "transformMapEntry": 2,
    "optMap": 1,
    "optFlatMap": 1,
}
"""Macros that make a value of a value -> how many variables they begin with."""
_MACROS = {*_LIST_MACROS, "transformList", "transformMap", "transformMapEntry"}
_TOKEN = re.compile(
    r"//[^\n]*"
    r"|(?P<text>"
    r"[bB]?[rR][bB]?(?:\"{3}.*?\"{3}|'{3}.*?'{3}|\"[^\"\n]*\"|'[^'\n]*')"
    r"|\"{3}(?:\\.|[^\\])*?\"{3}|'{3}(?:\\.|[^\\])*?'{3}"
    r"|\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'"
    r")"
    r"|(?P<word>\w+)|(?P<sign>[()+,])",
    re.DOTALL,
)
_ZONED = re.compile(r"get(FullYear|Month|Date|DayOf\w+|Hours|Minutes|Seconds|Milliseconds)")
_ZONE = re.compile(r"[\"'](UTC|[+-]?\d\d:\d\d|[A-Z][\w+-]*(/[A-Z][\w+-]*)*)[\"']")
_ABSENT = ("NOT_FOUND: Key not found", "UNKNOWN: Index error: index=")
"""How the library's errors begin that tell of a field or an item that is not there."""
MAX_MACRO_DEPTH = 2
"""Levels of nested macros."""
_DOUBLED = ("optMap", "optFlatMap")
"""Macros that the library replaces by an expression that has the one before it twice."""
MAX_DOUBLED = 8


class EvaluationError(Exception):
    """An expression cannot be evaluated; its text is the reason, in one line."""


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled expression, and what bounds its cost."""

    names: frozenset[str]
    """Its words: no variable that it reads has another name."""
    macro_depth: int
    _growth: "_Growth"
    _program: Any

    def holds(self, variables: Mapping[str, Any]) -> bool:
        """Whether it is true; false where a field is absent that decides. EvaluationError for anything else.

        `variables` are values as JSON has them.
        """
        try:
            result = self._program.eval(data=dict(variables))
            kind = result.type().name()
            value = result.value() if kind in ("BOOL", "ERROR") else None
        except (RuntimeError, TypeError, ValueError) as error:
            raise EvaluationError(_first_line(error)) from error
        if kind == "ERROR":
            if str(value).startswith(_ABSENT):
                return False
            raise EvaluationError(_first_line(value))
        if kind != "BOOL":
            raise EvaluationError(f"it gives {kind.lower()}, not true or false")
        return bool(value)

    def size(self, items: int, text: int) -> int:
        """How many characters it can make of lists of `items` and texts of `text` characters, at most."""
        growth, text = self._growth, max(text, self._growth.longest, 1)
        copies = max(items, growth.parts, 1) ** (self.macro_depth + growth.joins)
        parts: int = growth.parts ** (self.macro_depth + 1)
        return int(copies * parts * growth.factor * text ** (1 + growth.products))


@dataclass(frozen=True, slots=True)
class _Growth:
    """How an expression can make longer texts."""

    parts: int
    """Texts that it can put together at one place."""
    products: int
    """Calls that put a text into another as often as that has characters."""
    joins: int
    """Calls that put the items of a list together."""
    factor: int
    """How many times as large a value becomes by all macros and literals together."""
    longest: int
    """Characters of its longest literal."""


def compile_expression(text: str) -> Expression:
    """The compiled expression.

    Raises ValueError, in one line, for invalid CEL, for macros nested too deep or doubled too often, and for
    time zones that name a file.
    """
    depth = macro_depth(text)
    if depth > MAX_MACRO_DEPTH:
        raise ValueError(f"more than {MAX_MACRO_DEPTH} macros inside of each other could run for ever")
    tokens = [token for token in _TOKEN.finditer(text) if not token[0].startswith("//")]
    if sum(token["word"] in _DOUBLED for token in tokens) > MAX_DOUBLED:
        raise ValueError(f"more than {MAX_DOUBLED} times optMap or optFlatMap could run for ever")
    _check_zones(tokens)
    try:
        program = _environment().compile(text, disable_check=True)
    except (ValueError, RuntimeError, TypeError) as error:
        raise ValueError(f"not a CEL expression: {_first_line(error)}") from error
    names = frozenset(token["word"] for token in tokens if token["word"])
    return Expression(names, depth, _growth(tokens), program)


def macro_depth(text: str) -> int:
    """The depth to which macros are nested; 1 for macros side by side, 0 without macros."""
    deepest, word = 0, ""
    opened: list[bool] = []
    for token in _TOKEN.finditer(text):
        if token["sign"] == "(":
            opened.append(word in _MACROS)
            deepest = max(deepest, sum(opened))
        elif token["sign"] == ")" and opened:
            opened.pop()
        if not token[0].startswith("//"):
            word = token["word"] or ""
    return deepest


@functools.cache
def _environment() -> Any:
    """What Flux has: CEL with optional values, functions for texts, and base64."""
    from cel_expr_python import cel
    from cel_expr_python.ext import ext_encoders, ext_optional, ext_strings

    extensions = [ext_strings.ExtStrings(), ext_optional.ExtOptional(), ext_encoders.ExtEncoders()]
    return cel.NewEnv(extensions=extensions)


def _growth(tokens: Sequence[re.Match[str]]) -> _Growth:
    words = [token["word"] for token in tokens]
    signs = [token["sign"] for token in tokens]
    parts = len(words) if "format" in words or "join" in words else 1 + signs.count("+")
    products, factor = 0, 1
    for name, arguments in _calls(tokens):
        if name in ("replace", "join") and arguments:
            literal = arguments[-1]["text"] if len(arguments) == {"replace": 3, "join": 1}[name] else None
            products += literal is None
            factor *= len(literal or "") + 1
        factor *= _copies(name, arguments)
    longest = max((len(token["text"]) for token in tokens if token["text"]), default=0)
    return _Growth(parts, products, words.count("join"), factor, longest)


def _copies(name: str, arguments: Sequence[re.Match[str]]) -> int:
    """How often a macro's result can hold the value that it was given: `map(a, a + a)` twice, and so on."""
    words = [token["word"] for token in arguments if token["word"]]
    variables = words[: _VARIABLES.get(name, 0)]
    return max(1, sum(words.count(variable) - 1 for variable in set(variables)))


def _check_zones(tokens: Sequence[re.Match[str]]) -> None:
    """The library looks time zones up as files, and a file may be a device."""
    for name, arguments in _calls(tokens):
        if (
            _ZONED.fullmatch(name)
            and arguments
            and not _ZONE.fullmatch("".join(each[0] for each in arguments))
        ):
            raise ValueError(f'{name} takes the name of a time zone in quotes, such as "Europe/Berlin"')


def _calls(tokens: Sequence[re.Match[str]]) -> Iterator[tuple[str, Sequence[re.Match[str]]]]:
    """(name, tokens of the arguments, the commas included) of every call."""
    for start, token in enumerate(tokens[:-1]):
        if token["word"] and tokens[start + 1]["sign"] == "(":
            depth = 0
            for end in range(start + 1, len(tokens)):
                depth += {"(": 1, ")": -1}.get(tokens[end]["sign"] or "", 0)
                if not depth:
                    yield token["word"], tokens[start + 2 : end]
                    break


def _first_line(error: object) -> str:
    """The reason, without the library's code before it and the picture below it."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    return re.sub(r"^([A-Z_]+: )?(ERROR: )?| \[[A-Z_]+\]$", "", lines[0])[:300]
