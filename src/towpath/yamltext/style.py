"""Writes a JSON value as YAML text: on one line, as block lines, as a literal block, or in given quotes.

What a YAML reader of any version could take for something else than a text is quoted.
"""

import json
import re
from collections.abc import Callable
from typing import Any

from towpath.yamltext.writer import is_ambiguous

_NEEDS_NO_QUOTES = re.compile(r"[A-Za-z0-9_/][A-Za-z0-9_./@-]*(?::[A-Za-z0-9_./@-]+)*(?: [A-Za-z0-9_./@-]+)*")
_FIRST_LITERAL_LINE = re.compile(r"(?! )[^\t\r\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff]*")
_NOT_PRINTABLE = re.compile(r"[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
"""What JSON takes in a text and YAML only as an escape."""
_NOT_IN_LITERALS = re.compile(r"[\t\r\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff]|\s$")


def inline(value: Any) -> str:
    """The value on one line, in flow style."""
    return _flow(value, _scalar)


def inline_in(text: str, value: Any) -> str:
    """The value on one line of `text`: a text that is JSON stays JSON."""
    return _flow(value, _json_scalar if _is_json(text) else _scalar)


def _flow(value: Any, scalar: Callable[[Any], str]) -> str:
    if isinstance(value, dict):
        entries = (f"{scalar(key)}: {_flow(item, scalar)}" for key, item in value.items())
        return "{" + ", ".join(entries) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_flow(item, scalar) for item in value) + "]"
    return scalar(value)


def _scalar(value: Any) -> str:
    if isinstance(value, str) and _NEEDS_NO_QUOTES.fullmatch(value) and not is_ambiguous(value):
        return value
    return _json_scalar(value)


def _json_scalar(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    if isinstance(value, str):
        return _NOT_PRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
    # YAML 1.1 knows no number with an exponent and without a point.
    return text.replace("e", ".0e") if isinstance(value, float) and "." not in text else text


def _is_json(text: str) -> bool:
    try:
        return text.lstrip()[:1] in ("{", "[") and json.loads(text) is not None
    except ValueError:
        return False


def block(key: str, value: Any) -> list[str]:
    """The lines of `key: value` in block style, without indentation of the first."""
    if isinstance(value, str) and "\n" in value and (lines := literal(value)):
        return [f"{inline(key)}: {lines[0]}", *_indented(lines[1:])]
    if isinstance(value, dict) and value:
        inner = [line for name, item in value.items() for line in block(name, item)]
        return [f"{inline(key)}:", *_indented(inner)]
    if isinstance(value, list) and value:
        inner = [line for item in value for line in list_item(item)]
        return [f"{inline(key)}:", *_indented(inner)]
    return [f"{inline(key)}: {inline(value)}"]


def list_item(value: Any) -> list[str]:
    """The lines of one item of a list in block style; the first begins with the dash."""
    if isinstance(value, dict) and value:
        first, *rest = (line for name, item in value.items() for line in block(name, item))
        return [f"- {first}", *_indented(rest)]
    return [f"- {inline(value)}"]


def literal(text: str) -> list[str] | None:
    """The header (`|` or `|-`) and the lines of a literal block; None when `text` cannot be one."""
    lines = text.removesuffix("\n").split("\n")
    if not _FIRST_LITERAL_LINE.fullmatch(lines[0]) or lines[0] != lines[0].rstrip():
        return None
    if any(_NOT_IN_LITERALS.search(line) for line in lines):
        return None
    if not lines[0] or not lines[-1]:
        return None
    return ["|" if text.endswith("\n") else "|-", *lines]


def quoted(text: str, quote: str | None) -> str:
    """`text` in the given kind of quotes; in double quotes where single quotes cannot hold it."""
    if quote == "'" and not re.search(r"['\x00-\x1f]", text) and not _NOT_PRINTABLE.search(text):
        return f"'{text}'"
    return _json_scalar(text)


def _indented(lines: list[str]) -> list[str]:
    return [f"  {line}" if line else "" for line in lines]
