"""Compiles the CEL expressions of `healthCheckExprs`, and refuses expressions that could run for ever.

A running expression cannot be stopped. So macros (`all`, `map`) nested more than MAX_MACRO_DEPTH deep are
refused before they run. The CEL library is imported only when there are expressions.
"""

import re
from typing import Any, Protocol

_MACROS = "all|exists|exists_one|existsOne|map|filter|transformList|transformMap|transformMapEntry"
_TOKEN = re.compile(
    r"//[^\n]*"
    r"|[bB]?[rR][bB]?(?:\"{3}.*?\"{3}|'{3}.*?'{3}|\"[^\"\n]*\"|'[^'\n]*')"
    r"|\"{3}(?:\\.|[^\\])*?\"{3}|'{3}(?:\\.|[^\\])*?'{3}"
    r"|\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'"
    r"|(?P<word>\w+)|(?P<sign>[()])",
    re.DOTALL,
)
MAX_MACRO_DEPTH = 2
"""Levels of nested macros."""


class Program(Protocol):
    def execute(self, context: dict[str, Any], /) -> Any: ...


def compile_expression(text: str) -> Program:
    """The compiled expression.

    Raises ValueError, in one line, for invalid CEL and for macros nested too deep.
    """
    import cel

    if macro_depth(text) > MAX_MACRO_DEPTH:
        raise ValueError(f"more than {MAX_MACRO_DEPTH} macros inside of each other could run for ever")
    try:
        program: Program = cel.compile(text)
    except (ValueError, RuntimeError) as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        reason = lines[0].partition("ERROR: ")[2] or lines[0]
        raise ValueError(f"not a CEL expression: {reason}") from error
    return program


def macro_depth(text: str) -> int:
    """The depth to which macros are nested; 1 for macros side by side, 0 without macros."""
    deepest, word = 0, ""
    opened: list[bool] = []
    for token in _TOKEN.finditer(text):
        if token["sign"] == "(":
            opened.append(word in _MACROS.split("|"))
            deepest = max(deepest, sum(opened))
        elif token["sign"] and opened:
            opened.pop()
        if not token[0].startswith("//"):
            word = token["word"] or ""
    return deepest
