"""Reads one YAML document of Towpath's own or Kustomize's configuration, and tells the line of every key.

All duplicate keys and unknown tags of a text are named in one error.
"""

import functools
from collections.abc import Mapping
from typing import Any

from towpath.errors import ConfigError, Problem
from towpath.yamltext.nodes import compose, lines_of
from towpath.yamltext.path import YamlPath
from towpath.yamltext.reader import Limits, Reader, decoded
from towpath.yamltext.scalars import CORE, Dialect

LIMITS = Limits(bytes=1 << 20, documents=1, depth=50, nodes=50_000)
MAX_PROBLEMS = 100
"""Problems that one error lists."""


class ConfigDocument:
    """JSON values, and the line (from 1) of every key and list item.

    `values` is their number. The lines are looked for when the first is asked for.
    """

    def __init__(self, data: Any, text: str, file: str, values: int) -> None:
        self.data = data
        self.values = values
        self._text = text
        self._file = file

    @functools.cached_property
    def _lines(self) -> Mapping[YamlPath, int]:
        roots = compose(self._text, self._file)
        return lines_of(roots[0]) if roots else {}

    def line(self, path: YamlPath) -> int:
        """The line of `path`, or of the nearest enclosing value that has one."""
        for end in range(len(path), -1, -1):
            if path[:end] in self._lines:
                return self._lines[path[:end]]
        return 1


def read_document(
    text: str, file: str, *, max_bytes: int = LIMITS.bytes, dialect: Dialect = CORE
) -> ConfigDocument:
    """Parse `text`; an empty document is None. `file` is its name in errors."""
    if len(text) > max_bytes or len(text.encode()) > max_bytes:
        raise ConfigError(f"has more than {max_bytes} bytes", file=file)
    problems: list[tuple[int, str]] = []
    text = decoded(text, file, LIMITS)
    reader = Reader(text, file, LIMITS, dialect, problems)
    documents = reader.read()
    if problems:
        raise config_error(problems, file)
    data = documents[0][0] if documents else None
    return ConfigDocument(data, text, file, reader.nodes - reader.keys)


def config_error(problems: list[tuple[int, str]], file: str) -> ConfigError:
    """One error for all `problems` (line, what), in the order of their lines."""
    (line, first), *rest = sorted(set(problems))
    more = [Problem(file, at, what) for at, what in rest[:MAX_PROBLEMS]]
    if (untold := len(rest) - len(more)) > 0:
        more.append(Problem(file, rest[-1][0], f"and {untold:,} more problems"))
    return ConfigError(first, file=file, line=line, more=more)
