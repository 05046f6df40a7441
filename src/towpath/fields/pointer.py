"""JSON pointers (RFC 6901). In rules the step `*` stands for any one step."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

_INDEX = re.compile(r"0|[1-9][0-9]{0,8}")


def parse(pointer: str) -> tuple[str, ...]:
    """`/a~1b/0` -> ("a/b", "0")."""
    return tuple(step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:])


def build(steps: Iterable[str | int]) -> str:
    """The inverse of `parse`."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in steps)


def covers(rules: Iterable[str], pointer: str) -> bool:
    """Whether a rule names the field at `pointer` or a field that contains it."""
    steps = parse(pointer)
    for rule in rules:
        rule_steps = parse(rule)
        pairs = zip(rule_steps, steps, strict=False)
        if len(rule_steps) <= len(steps) and all(expected in ("*", step) for expected, step in pairs):
            return True
    return False


def read(value: Any, pointer: str) -> Any:
    """The value at `pointer`; None when there is none."""
    for step in parse(pointer):
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list):
            value = value[int(step)] if _INDEX.fullmatch(step) and int(step) < len(value) else None
        else:
            return None
    return value


def without(value: Any, rules: Iterable[str]) -> Any:
    """A copy without the fields that the rules name. A map that becomes empty stays."""
    for rule in rules:
        value = _without(value, parse(rule))
    return value


def _without(value: Any, steps: Sequence[str]) -> Any:
    first, rest = steps[0], steps[1:]
    if isinstance(value, dict):
        if first != "*" and first not in value:
            return value
        return {
            key: _without(item, rest) if first in ("*", key) else item
            for key, item in value.items()
            if rest or first not in ("*", key)
        }
    if isinstance(value, list):
        return [
            _without(item, rest) if first in ("*", str(index)) else item
            for index, item in enumerate(value)
            if rest or first not in ("*", str(index))
        ]
    return value
