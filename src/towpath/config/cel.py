"""CEL expressions of `healthCheckExprs`: compiled, and refused where they could run for ever.

Nothing can stop an expression that runs, so that what could run for ever is not begun: macros (`all`, `map`)
in macros in macros. The library is imported only when there are expressions.
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
"""Of macros inside of each other."""


class Program(Protocol):
    def execute(self, context: dict[str, Any], /) -> Any: ...


def compile_expression(text: str) -> Program:
    """Raises ValueError, in one line, for what is no CEL, or could run for ever."""
    import cel

    if macro_depth(text) > MAX_MACRO_DEPTH:
        raise ValueError(f"more than {MAX_MACRO_DEPTH} macros inside of each other could run for ever")
    try:
        program: Program = cel.compile(text)
    except (ValueError, RuntimeError) as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        said = lines[0].partition("ERROR: ")[2] or lines[0]
        raise ValueError(f"not a CEL expression: {said}") from error
    return program


def macro_depth(text: str) -> int:
    """How many macros of an expression are inside of each other; 1 for those side by side."""
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
