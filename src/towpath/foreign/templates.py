"""Templates of ApplicationSets: what `{{…}}` stands for, with `goTemplate` and without.

Without it parameters are flat (`path.basename` is a key) and texts; with it they are nested, as Go sees them.
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

MAX_FILLED = 256 * 1024
"""Characters that all places of one template are filled with."""
MAX_EXPRESSION = 1000
_PLACE = re.compile(r"\{\{([^{}]*)\}\}")
_WORD = re.compile(r'\s*(\.[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*|"[^"\\]*"|\d+|[A-Za-z]+)(?=\s|$)')


class UnknownError(Exception):
    """A template names what the generator does not give, or does what is not known here."""


def filled(
    value: Any, parameters: Mapping[str, Any], *, go_template: bool, leave_unknown: bool = False
) -> Any:
    """A value with all of its texts filled, keys too. UnknownError unless what is unknown is to be left.

    Go's templates never leave it. UnknownError, too, for more text than any definition has.
    """
    made = 0

    def counted(place: str, found: str) -> str:
        nonlocal made
        made += len(found)
        if made > MAX_FILLED:
            raise UnknownError(f"{place[:60]} (too much text)")
        return found

    def text(one: str) -> str:
        if go_template:
            return _go_text(one, lambda place: counted(place, _of_go(place, parameters)))
        return _PLACE.sub(
            lambda place: counted(place[1], _of_plain(place, parameters, leave_unknown=leave_unknown)), one
        )

    return _mapped(value, text)


def _mapped(value: Any, text: Callable[[str], str]) -> Any:
    if isinstance(value, dict):
        return {_mapped(key, text): _mapped(item, text) for key, item in value.items()}
    if isinstance(value, list):
        return [_mapped(item, text) for item in value]
    return text(value) if isinstance(value, str) else value


def flat(value: Any, path: str = "") -> dict[str, str]:
    """Nested parameters by `a.b.0`, as texts."""
    found: dict[str, str] = {}
    if isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            found |= flat(item, f"{path}.{key}" if path else str(key))
    elif path:
        found[path] = text_of(value)
    return found


def text_of(value: Any) -> str:
    """A scalar as a template shows it."""
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


def normalized(name: str) -> str:
    """A name as Argo CD makes one for objects of it."""
    return re.sub(r"[^-a-z0-9.]", "-", name.lower())[:253].strip("-.")


def _of_plain(place: re.Match[str], parameters: Mapping[str, Any], *, leave_unknown: bool) -> str:
    name = place[1].strip()
    if name in parameters:
        return str(parameters[name])
    if leave_unknown:
        return place[0]
    raise UnknownError(name[:80])


def _go_text(text: str, fill: Callable[[str], str]) -> str:
    """A text with its places filled. A dash at a brace takes the white space beside it away."""
    parts, end, trimmed = [], 0, False
    for place in _PLACE.finditer(text):
        before, inner = text[end : place.start()], place[1]
        before = before.lstrip() if trimmed else before
        parts.append(before.rstrip() if inner.startswith("-") else before)
        trimmed = inner.endswith("-")
        parts.append(fill(inner.strip("-").strip()))
        end = place.end()
    rest = text[end:]
    if "{{" in _PLACE.sub("", text):
        raise UnknownError(text.strip("{} ")[:80])
    return "".join([*parts, rest.lstrip() if trimmed else rest])


def _of_go(expression: str, parameters: Mapping[str, Any]) -> str:
    """The text of `.a.b`, `index .a.b "key" 0`, `normalize .a`, and of what is piped to a function."""
    if len(expression) > MAX_EXPRESSION:
        raise UnknownError(expression[:80])
    value: Any = None
    for number, command in enumerate(expression.split("|")):
        words = _words(command, expression)
        if number:
            words.append(value)
        value = _called(words, parameters, expression)
    if not isinstance(value, str | int | float):
        raise UnknownError(expression[:80])
    return text_of(value)


def _words(command: str, expression: str) -> list[Any]:
    words, end = [], 0
    while end < len(command.rstrip()):
        word = _WORD.match(command, end)
        if word is None:
            raise UnknownError(expression[:80])
        words.append(_Literal(word[1]))
        end = word.end()
    if not words:
        raise UnknownError(expression[:80])
    return words


class _Literal(str):
    """A word of an expression, which is not yet a value."""

    __slots__ = ()


def _called(words: list[Any], parameters: Mapping[str, Any], expression: str) -> Any:
    head, values = words[0], [_value(each, parameters, expression) for each in words[1:]]
    if isinstance(head, _Literal) and head in _FUNCTIONS:
        try:
            return _FUNCTIONS[head](*values)
        except (TypeError, LookupError, ValueError, AttributeError) as error:
            raise UnknownError(expression[:80]) from error
    if values:
        raise UnknownError(expression[:80])
    return _value(head, parameters, expression)


def _value(word: Any, parameters: Mapping[str, Any], expression: str) -> Any:
    if not isinstance(word, _Literal):
        return word
    if word.startswith('"'):
        return str(word[1:-1])
    if word.isdigit():
        return int(word)
    value: Any = parameters
    for step in word.split(".")[1:] or [""]:
        if not isinstance(value, dict) or step not in value:
            raise UnknownError(expression[:80])
        value = value[step]
    return value


def _index(value: Any, *keys: Any) -> Any:
    for key in keys:
        value = value[key] if isinstance(value, dict | list) else {}[key]
    return value


_FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "index": _index,
    "normalize": normalized,
    "toJson": json.dumps,
}
