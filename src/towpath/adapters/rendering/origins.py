"""Where a rendered object was written: the file, and the line where it can be known."""

import bisect
import re
from collections.abc import Sequence

from towpath.yamltext.reader import Document

_SOURCE_COMMENT = re.compile(r"# Source: [^/]+/(.+)")


class Origins:
    """Finds where a rendered object was written: same kind and name, else the only one of its kind."""

    def __init__(self, documents: Sequence[Document], fallback: str) -> None:
        self._fallback = fallback
        self._by_name: dict[tuple[object, object], Document] = {}
        self._by_kind: dict[object, list[Document]] = {}
        for document in documents:
            value = document.value
            metadata = value.get("metadata") if isinstance(value, dict) else None
            if not isinstance(value, dict) or not isinstance(metadata, dict):
                continue
            kind = str(value.get("kind"))
            self._by_name.setdefault((kind, str(metadata.get("name"))), document)
            self._by_kind.setdefault(kind, []).append(document)

    def place(self, document: Document) -> Document:
        value = document.value
        metadata = value.get("metadata") if isinstance(value, dict) else None
        if not isinstance(metadata, dict):
            return Document(value, self._fallback, 0)
        kind = str(value.get("kind"))
        only = self._by_kind.get(kind, [])
        origin = self._by_name.get((kind, str(metadata.get("name")))) or (only[0] if len(only) == 1 else None)
        if origin is None:
            return Document(value, self._fallback, 0)
        return Document(value, origin.file, origin.line)


class Templates:
    """Finds the template that wrote a line of Helm's output, by the comment above it."""

    def __init__(self, text: str, chart: str, files: Sequence[str], fallback: str) -> None:
        self._fallback = fallback
        self._lines: list[int] = []
        self._files: list[str] = []
        known = set(files)
        for number, line in enumerate(text.splitlines(), start=1):
            # A template may write such a comment itself: only of files that are there.
            if (found := _SOURCE_COMMENT.match(line)) and f"{chart}/{found[1]}" in known:
                self._lines.append(number)
                self._files.append(f"{chart}/{found[1]}")

    def before(self, line: int) -> str:
        """The template that wrote this line."""
        index = bisect.bisect_right(self._lines, line) - 1
        return self._files[index] if index >= 0 else self._fallback

    def place(self, document: Document) -> Document:
        return Document(document.value, self.before(document.line), 0)
