"""The source of rendered objects: the file, and the line where it can be known."""

import bisect
import re
from collections.abc import Sequence

from towpath.yamltext.manifest_reader import ManifestDocument

_SOURCE_COMMENT = re.compile(r"# Source: [^/]+/(.+)")


class Origins:
    """Finds the source of a rendered object: same kind and name, else the only one of its kind."""

    def __init__(self, documents: Sequence[ManifestDocument], fallback: str) -> None:
        self._fallback = fallback
        self._by_name: dict[tuple[object, object], ManifestDocument] = {}
        self._by_kind: dict[object, list[ManifestDocument]] = {}
        for document in documents:
            value = document.value
            metadata = value.get("metadata") if isinstance(value, dict) else None
            if not isinstance(value, dict) or not isinstance(metadata, dict):
                continue
            kind = str(value.get("kind"))
            self._by_name.setdefault((kind, str(metadata.get("name"))), document)
            self._by_kind.setdefault(kind, []).append(document)

    def with_origin(self, document: ManifestDocument) -> ManifestDocument:
        value = document.value
        metadata = value.get("metadata") if isinstance(value, dict) else None
        if not isinstance(metadata, dict):
            return ManifestDocument(value, self._fallback, 0)
        kind = str(value.get("kind"))
        same_kind = self._by_kind.get(kind, [])
        origin = self._by_name.get((kind, str(metadata.get("name")))) or (
            same_kind[0] if len(same_kind) == 1 else None
        )
        if origin is None:
            return ManifestDocument(value, self._fallback, 0)
        return ManifestDocument(value, origin.file, origin.line)


class Templates:
    """Finds the template that wrote a line of Helm's output, by the comment above it."""

    def __init__(self, text: str, chart: str, files: Sequence[str], fallback: str) -> None:
        self._fallback = fallback
        self._lines: list[int] = []
        self._files: list[str] = []
        readable_files = set(files)
        for number, line in enumerate(text.splitlines(), start=1):
            # A template may write such a comment itself: only files that exist count.
            if (comment := _SOURCE_COMMENT.match(line)) and f"{chart}/{comment[1]}" in readable_files:
                self._lines.append(number)
                self._files.append(f"{chart}/{comment[1]}")

    def template_at(self, line: int) -> str:
        """The template that wrote this line."""
        index = bisect.bisect_right(self._lines, line) - 1
        return self._files[index] if index >= 0 else self._fallback

    def with_origin(self, document: ManifestDocument) -> ManifestDocument:
        return ManifestDocument(document.value, self.template_at(document.line), 0)
