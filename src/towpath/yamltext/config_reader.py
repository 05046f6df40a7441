"""Reads one YAML document of Towpath's own or Kustomize's configuration, with the line of every key.

The reader bounds bytes, documents, depth, and nodes after aliases are expanded: 300 bytes can stand for
millions of values. Duplicate keys are refused. Scalars follow YAML 1.2: `off` and `2027-01-01` are text.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from towpath.errors import ConfigError, Problem
from towpath.yamltext.path import YamlPath

try:
    from yaml import CSafeLoader as _SafeLoader
except ImportError:  # PyYAML without libyaml is only slower
    from yaml import SafeLoader as _SafeLoader  # type: ignore[assignment]

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 50
MAX_NODES = 50_000
MAX_PROBLEMS = 100
"""Problems that one error lists."""

_COLLECTIONS = ("tag:yaml.org,2002:map", "tag:yaml.org,2002:seq")


@dataclass(frozen=True, slots=True)
class ConfigDocument:
    """JSON values, and the line (from 1) of every key and list item."""

    data: Any
    lines: Mapping[YamlPath, int]

    def line(self, path: YamlPath) -> int:
        """The line of `path`, or of the nearest enclosing value that has one."""
        for end in range(len(path), -1, -1):
            if path[:end] in self.lines:
                return self.lines[path[:end]]
        return 1


class _Loader(_SafeLoader):
    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012


for _tag, _pattern, _first in (
    ("null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", list("tTfF")),
    ("int", r"^[-+]?[0-9]+$", list("-+0123456789")),
    ("float", r"^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$", list("-+.0123456789")),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(_pattern), _first)


def read_document(text: str, file: str, *, max_bytes: int = MAX_BYTES) -> ConfigDocument:
    """Parse `text`; an empty document is None. `file` is its name in errors."""
    if len(text) > max_bytes or len(text.encode()) > max_bytes:
        raise ConfigError(f"has more than {max_bytes} bytes", file=file)
    nodes = check_bounds(text, file)
    walk = _Walk(file)
    data = walk.build(nodes[0], ()) if nodes else None
    if walk.problems:
        raise config_error(walk.problems, file)
    return ConfigDocument(data, walk.lines)


def config_error(problems: list[tuple[int, str]], file: str) -> ConfigError:
    """One error for all `problems` (line, what), in the order of their lines."""
    (line, first), *rest = sorted(set(problems))
    more = [Problem(file, at, what) for at, what in rest[:MAX_PROBLEMS]]
    if (untold := len(rest) - len(more)) > 0:
        more.append(Problem(file, rest[-1][0], f"and {untold:,} more problems"))
    return ConfigError(first, file=file, line=line, more=more)


def check_bounds(text: str, file: str, *, documents: int = 1) -> list[yaml.Node]:
    """The root of each document. ConfigError when `text` is not YAML or exceeds the bounds, before that.

    What aliases stand for is not counted here.
    """
    try:
        # Events come without recursion, so that depth cannot exhaust the stack.
        _count(yaml.parse(text, Loader=_Loader), file, documents)
        return list(yaml.compose_all(text, Loader=_Loader))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else None
        what = error.problem or error.context or "not understood"
        raise ConfigError(f"not valid YAML: {what}", file=file, line=line) from error
    except yaml.YAMLError as error:
        raise ConfigError("not valid YAML: it contains characters YAML forbids", file=file) from error


def _count(events: Iterable[yaml.Event], file: str, documents: int) -> None:
    depth = nodes = begun = 0
    for event in events:
        line = event.start_mark.line + 1 if event.start_mark else None
        if isinstance(event, yaml.DocumentStartEvent):
            begun += 1
            if begun > documents:
                raise ConfigError(f"has more than {documents} document(s)", file=file, line=line)
        elif isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                raise ConfigError(f"is nested deeper than {MAX_DEPTH} levels", file=file, line=line)
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        nodes += isinstance(event, yaml.NodeEvent)
        if nodes > MAX_NODES:
            raise ConfigError(f"has more than {MAX_NODES} values", file=file, line=line)


class _Walk:
    """Builds plain data of composed nodes."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.nodes = 0
        self.text = 0
        self.lines: dict[YamlPath, int] = {}
        self.problems: list[tuple[int, str]] = []

    def build(self, node: yaml.Node, path: YamlPath) -> Any:
        self.nodes += 1
        line = node.start_mark.line + 1
        if self.nodes > MAX_NODES:
            raise ConfigError(f"has more than {MAX_NODES} values after aliases", file=self.file, line=line)
        if len(path) > MAX_DEPTH:
            raise ConfigError(f"is nested deeper than {MAX_DEPTH} levels", file=self.file, line=line)
        self.text += len(node.value) if isinstance(node, yaml.ScalarNode) else 0
        if self.text > 4 * MAX_BYTES:
            raise ConfigError("has more than 4 MiB of text after aliases", file=self.file, line=line)
        self.lines.setdefault(path, line)
        if isinstance(node, yaml.CollectionNode) and node.tag not in _COLLECTIONS:
            self.problems.append((line, f"unknown tag `{node.tag}`"))
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(item, (*path, index)) for index, item in enumerate(node.value)]
        return self._scalar(node)

    def _mapping(self, node: yaml.MappingNode, path: YamlPath) -> dict[str, Any]:
        result: dict[str, Any] = {}
        first: dict[str, int] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                self.problems.append((line, "a key must be text"))
                continue
            key = key_node.value
            if key in result:
                self.problems.append((line, f"duplicate key `{key}`, first on line {first[key]}"))
                continue
            first[key] = self.lines[(*path, key)] = line
            result[key] = self.build(value_node, (*path, key))
        return result

    def _scalar(self, node: yaml.Node) -> Any:
        kind = node.tag.rpartition(":")[2]
        text: str = node.value
        try:
            match kind:
                case "null":
                    return None
                case "bool":
                    return text.lower() == "true"
                case "int":
                    return int(text)
                case "float":
                    return float(text)
                case "str":
                    return text
        except ValueError:
            pass
        self.problems.append((node.start_mark.line + 1, f"unknown tag or number `{node.tag}`"))
        return None
