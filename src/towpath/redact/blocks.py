"""Block scalars of YAML, whose lines stand below their key; also in a diff."""

import re
from collections.abc import Iterator

from towpath.redact.known_values import MASK

_LINE = re.compile(r"[^\n]+")


def block_lines(text: str, header: re.Pattern[str]) -> Iterator[list[tuple[int, int]]]:
    """Where the lines of each block scalar begin and end in the text; `header` is all of a key up to `|`."""
    done = 0
    for found in header.finditer(text):
        if found.start() < done:
            continue  # it stands in another one
        before = text[text.rfind("\n", 0, found.start()) + 1 : found.start()]
        least = _depth(_unsigned(before)) + 1
        spans: list[tuple[int, int]] = []
        for line in _LINE.finditer(text, found.end()):
            body = _unsigned(line[0])
            if not body.strip():
                continue
            depth = _depth(body)
            if depth < least:
                break
            least = depth if not spans else least
            done = line.end()
            spans.append((done - len(body) + depth, done))
        yield spans


def _unsigned(line: str) -> str:
    """The line without the sign of a diff."""
    return line[1:] if line[:1] in ("+", "-") else line


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def mask_blocks(text: str, header: re.Pattern[str]) -> str:
    """The text with each line of these block scalars masked."""
    pieces, done = [], 0
    for start, end in (span for spans in block_lines(text, header) for span in spans):
        pieces += [text[done:start], MASK]
        done = end
    return "".join([*pieces, text[done:]])
