"""Text that others wrote, as it may be shown: on a terminal it can move, hide and rename nothing.

A commit's subject, a build's output or a pod's log may hold escape sequences. They could clear the screen,
fake a line above an approval's prompt, or set the window's title; direction
marks make text read as it is not.
"""

import re

_SEQUENCE = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # colours, cursor
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)"  # titles, links
    r"|\x1b[ -/]*[0-OQ-WYZ`-~]"  # resets, character sets
)
_CONTROL = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)


def printable(text: str) -> str:
    """`text` without escape sequences; other control characters but newline and tab become spaces."""
    return _CONTROL.sub(" ", _SEQUENCE.sub("", text))


def pluralize(number: int, thing: str) -> str:
    """`1 app`, `2 apps`: for things whose plural ends in an s."""
    return f"{number:,} {thing}" + ("" if number == 1 else "s")


def headline(text: str) -> str:
    """The first line of a message, and the second where the first only announces it: `not healthy:`."""
    first, *rest = text.strip().splitlines() or [""]
    return f"{first} {rest[0].strip()}" if rest and first.endswith(":") else first
