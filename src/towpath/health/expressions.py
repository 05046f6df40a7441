"""Health by CEL expressions of the user: `healthCheckExprs` in towpath.yaml, in the form that Flux uses.

Everything at the top of an object is a variable: `status.phase == 'Ready'`. `inProgress` is asked first, then
`failed`, then `current`. A field that is not there makes an expression false; any other trouble makes the
object Unknown, never Healthy. Macros (`all`, `map`) are not begun on objects that are too large for them.
"""

from collections.abc import Callable, Iterable
from typing import Any

from towpath.config import HealthCheckExpression
from towpath.config.cel import Program, compile_expression, levels_of
from towpath.health.verdict import (
    Health,
    conditions_by_type,
    degraded,
    explain,
    healthy,
    mapping_at,
    outdated,
    progressing,
    status_message,
    unknown,
)
from towpath.objects import Manifest, group_of

_MOST_ITEMS = {1: 4_000, 2: 150}
"""Levels of macros -> items of the longest list they may meet: `map` takes their square at each level."""
_MOST_TEXT = 50_000_000
"""Characters that they could put together: items at each level, times the longest text."""
_TOP = ("apiVersion", "kind", "metadata", "spec", "status", "data")


Judge = Callable[[Manifest], Health]


def judges_of(expressions: Iterable[HealthCheckExpression]) -> dict[tuple[str, str], Judge]:
    """(group, kind) -> judge. Raises ValueError for an expression that is no CEL."""
    return {
        (group_of(each.api_version), each.kind): _judge(each.current, each.in_progress, each.failed)
        for each in expressions
    }


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
        if waiting := outdated(manifest) or _too_large(manifest, levels):
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


def _holds(program: Program, variables: dict[str, Any]) -> bool:
    try:
        result = program.execute(variables)
    except (KeyError, IndexError):
        return False  # what it asks about is not there yet
    if not isinstance(result, bool):
        raise TypeError(f"an expression gives {type(result).__name__}, not true or false")
    return result


def _said(manifest: Manifest) -> str:
    ready = conditions_by_type(manifest).get("Ready")
    return explain(ready) if ready else status_message(manifest) if mapping_at(manifest, "status") else ""
