"""Reads manifests and other YAML that kubectl, Kustomize and Helm read, in their dialect (scalars.py)."""

from dataclasses import dataclass
from typing import Any

from towpath.errors import ConfigError
from towpath.yamltext.reader import DEFAULT_LIMITS, Limits, Reader, decoded


@dataclass(frozen=True, slots=True)
class ManifestDocument:
    """One document of a file; `line` is the line of its first node, from 1."""

    value: Any
    file: str
    line: int


def load_documents(text: str | bytes, file: str, limits: Limits = DEFAULT_LIMITS) -> list[ManifestDocument]:
    """Every document that is not empty. Raises ConfigError, TooLargeError for an exceeded limit."""
    return load_and_count(text, file, limits)[0]


def load_and_count(
    text: str | bytes, file: str, limits: Limits = DEFAULT_LIMITS
) -> tuple[list[ManifestDocument], int]:
    """(the documents that are not empty, the number of their values with aliases expanded)."""
    reader = Reader(decoded(text, file, limits), file, limits)
    documents = [ManifestDocument(value, file, line) for value, line in reader.read() if value is not None]
    return documents, reader.nodes


def load_document(text: str | bytes, file: str, limits: Limits = DEFAULT_LIMITS) -> Any:
    """The value of the only document; None when the text is empty."""
    documents = load_documents(text, file, limits)
    if len(documents) > 1:
        raise ConfigError("more than one document", file=file, line=documents[1].line)
    return documents[0].value if documents else None
