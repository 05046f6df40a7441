"""The values of `helm --set` and `--set-string`, to which Argo CD gives the parameters of an Application."""

import re
from typing import Any

_NUMBER = re.compile(r"[-+]?[0-9]{1,19}")
_WORDS: dict[str, bool | None] = {"true": True, "false": False, "null": None}


def set_value(value: Any, *, as_text: bool = False) -> Any:
    """A parameter as Helm reads it; `as_text` by `--set-string`. What is no text stays.

    Argo CD escapes the commas of a text, but not those of a list (`{a,b}`).
    """
    if not isinstance(value, str):
        return str(value) if as_text else value
    if value.startswith("{") and value.endswith("}") and len(value) > 1:
        return [_read(each, as_text=as_text) for each in re.split(r"(?<!\\),", value[1:-1])]
    return _read(value, as_text=as_text)


def _read(text: str, *, as_text: bool) -> Any:
    text = re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)
    if as_text:
        return text
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    is_number = text == "0" or (_NUMBER.fullmatch(text) and text[0] != "0")
    return int(text) if is_number and -(2**63) <= int(text) < 2**63 else text
