"""Turns the text of a record of towpath.dev/v1 into one of the newest version; comments stay where they are.

Lines are put before the content, keys are renamed one by one. A text in which that is not possible (one line
of flow style, an alias) is for the caller to write anew.
"""

from collections.abc import Iterable

from towpath.errors import ConfigError
from towpath.formats.record import RecordForm
from towpath.formats.versions import LATEST, VERSION_KEY
from towpath.yamltext.editor import rename_key
from towpath.yamltext.node_edit import newline_of
from towpath.yamltext.nodes import MappingNode, SequenceNode, compose
from towpath.yamltext.path import YamlPath


def with_version(text: str, file: str, form: RecordForm) -> str:
    """The text with `apiVersion` above its content, and above a list also the key that it gets.

    Raises ConfigError where there is no place for these lines.
    """
    (root,) = compose(text, file)
    if not isinstance(root, MappingNode | SequenceNode) or root.flow:
        raise ConfigError("has no place for a line above its content", file=file, line=root.line)
    start = text.rfind("\n", 0, root.start) + 1
    if text[start : root.start].strip():
        raise ConfigError("has no place for a line above its content", file=file, line=root.line)
    lines = [f"{VERSION_KEY}: {LATEST}", *([f"{form.items}:"] if isinstance(root, SequenceNode) else [])]
    indent = text[start : root.start] if isinstance(root, MappingNode) else ""
    newline = newline_of(text)
    return text[:start] + "".join(f"{indent}{line}{newline}" for line in lines) + text[start:]


def with_renamed(text: str, file: str, paths: Iterable[YamlPath], name: str) -> str:
    """The text with another name for each of the keys at `paths`."""
    for path in paths:
        text = rename_key(text, file, path, name)
    return text
