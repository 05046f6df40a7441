"""Text of others in Markdown: redacted first, since nobody knows a value again when it is escaped."""

from towpath.printable import printable
from towpath.redact import redact

_ESCAPED = str.maketrans({each: f"\\{each}" for each in "\\`*_[]<>|#@!~&"})


def plain_markdown(text: str) -> str:
    """One line that neither formats, links, mentions nor makes HTML."""
    return redact(printable(text)).replace("\n", " ").translate(_ESCAPED)
