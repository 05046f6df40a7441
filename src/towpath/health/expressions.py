"""Health by CEL expressions of the user: `healthCheckExprs` in towpath.yaml, in the form that Flux uses.

Everything at the top of an object is a variable: `status.phase == 'Ready'`. `inProgress` is asked first, then
`failed`, then `current`. A field that is not there makes an expression false; any other trouble makes the
object Unknown, never Healthy. The library is imported only when there are expressions.

Nothing can stop an expression that runs, so that what could run for ever is not begun: macros (`all`, `map`)
in macros in macros, and macros over objects that are too large for them.
"""

import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Protocol

from towpath.health.verdict import Health, behind, degraded, healthy, part, progressing, told_by, unknown, why
from towpath.health.verdict import conditions as conditions_of
from towpath.objects import Manifest, group_of

if TYPE_CHECKING:
    from towpath.config import HealthCheckExpression

_MACROS = "all|exists|exists_one|existsOne|map|filter|transformList|transformMap|transformMapEntry"
_TOKEN = re.compile(
    r"//[^\n]*"
    r"|[bB]?[rR][bB]?(?:\"{3}.*?\"{3}|'{3}.*?'{3}|\"[^\"\n]*\"|'[^'\n]*')"
    r"|\"{3}(?:\\.|[^\\])*?\"{3}|'{3}(?:\\.|[^\\])*?'{3}"
    r"|\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'"
    r"|(?P<word>\w+)|(?P<sign>[()])",
    re.DOTALL,
)
MOST_LEVELS = 2
"""Of macros inside of each other."""
_MOST_ITEMS = {1: 4_000, 2: 150}
"""Levels of macros -> items of the longest list they may meet: `map` takes their square at each level."""
_MOST_TEXT = 50_000_000
"""Characters that they could put together: items at each level, times the longest text."""
_TOP = ("apiVersion", "kind", "metadata", "spec", "status", "data")


class _Program(Protocol):
    def execute(self, context: dict[str, Any], /) -> Any: ...


Judge = Callable[[Manifest], Health]


def judges_of(expressions: Iterable["HealthCheckExpression"]) -> dict[tuple[str, str], Judge]:
    """(group, kind) -> judge. Raises ValueError for an expression that is no CEL."""
    return {
        (group_of(each.api_version), each.kind): _judge(each.current, each.in_progress, each.failed)
        for each in expressions
    }


def compile_expression(text: str) -> _Program:
    """Raises ValueError, in one line, for what is no CEL, or could run for ever."""
    import cel

    if levels_of(text) > MOST_LEVELS:
        raise ValueError(f"more than {MOST_LEVELS} macros inside of each other could run for ever")
    try:
        program: _Program = cel.compile(text)
    except (ValueError, RuntimeError) as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        said = lines[0].partition("ERROR: ")[2] or lines[0]
        raise ValueError(f"not a CEL expression: {said}") from error
    return program


def levels_of(text: str) -> int:
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


def _too_large(manifest: Manifest, levels: int) -> Health | None:
    if not levels:
        return None
    items = text = 0
    pending: list[Any] = [manifest]
    while pending:
        value = pending.pop()
        if isinstance(value, str):
            text = max(text, len(value))
        elif isinstance(value, (list, dict)):
            items = max(items, len(value))
            pending.extend(value.values() if isinstance(value, dict) else value)
    if items <= _MOST_ITEMS[levels] and items**levels * text <= _MOST_TEXT:
        return None
    return unknown("it is too large for the macros of its healthCheckExprs")


def _judge(current: str, in_progress: str | None, failed: str | None) -> Judge:
    done = compile_expression(current)
    busy = compile_expression(in_progress) if in_progress else None
    broken = compile_expression(failed) if failed else None
    levels = max(levels_of(each) for each in (current, in_progress or "", failed or ""))

    def judge(manifest: Manifest) -> Health:
        if waiting := behind(manifest) or _too_large(manifest, levels):
            return waiting
        variables = {**{key: {} for key in _TOP}, **manifest}
        try:
            if busy and _holds(busy, variables):
                return progressing(_said(manifest) or f"inProgress holds: {in_progress}")
            if broken and _holds(broken, variables):
                return degraded(_said(manifest) or f"failed holds: {failed}", final=True)
            if _holds(done, variables):
                return healthy(_said(manifest) or "current holds")
        except (TypeError, ValueError, RuntimeError, OverflowError, ArithmeticError) as error:
            return unknown(f"its healthCheckExprs cannot be evaluated: {str(error).splitlines()[0]}")
        return progressing(_said(manifest) or f"current does not hold yet: {current}")

    return judge


def _holds(program: _Program, variables: dict[str, Any]) -> bool:
    try:
        result = program.execute(variables)
    except (KeyError, IndexError):
        return False  # what it asks about is not there yet
    if not isinstance(result, bool):
        raise TypeError(f"an expression gives {type(result).__name__}, not true or false")
    return result


def _said(manifest: Manifest) -> str:
    ready = conditions_of(manifest).get("Ready")
    return why(ready) if ready else told_by(manifest) if part(manifest, "status") else ""
