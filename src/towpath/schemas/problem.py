"""One thing that an API server would refuse of an object."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

FieldPath = tuple[str | int, ...]
"""Keys and list indexes from the top of an object."""
_PLAIN = re.compile(r"[A-Za-z_$][\w$-]*\Z")
_MAX_SHOWN = 300


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """`path` is the field that is wrong; of a missing one, the value that lacks it."""

    path: FieldPath
    message: str


def shown_path(path: Sequence[str | int]) -> str:
    """`spec.ports[0].name`; keys with other characters in brackets."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif _PLAIN.match(step):
            text += f".{step}"
        else:
            text += f"[{step[:80]}]"
    return text.lstrip(".")[:_MAX_SHOWN]
