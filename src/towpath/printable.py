"""Makes text that others wrote safe to show on a terminal.

A commit's subject, a build's output or a pod's log may hold escape sequences that clear the screen, fake a
line above an approval's prompt or set the window's title, and direction marks that change the order of what
is read.
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
    """`text` without escape sequences; control characters other than newline and tab become spaces."""
    return _CONTROL.sub(" ", _SEQUENCE.sub("", text))


def pluralize(number: int, noun: str) -> str:
    """`1 app`, `2 apps`, `1,000 apps`; for nouns whose plural adds an s."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def headline(text: str) -> str:
    """The first line of a message; with the second when the first ends with a colon (`not healthy:`)."""
    first, *rest = text.strip().splitlines() or [""]
    return f"{first} {rest[0].strip()}" if rest and first.endswith(":") else first
