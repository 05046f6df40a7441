"""Writes YAML files. A text stays a text for readers of YAML 1.1 and of YAML 1.2.

PyYAML quotes only what PyYAML itself would misread. Other readers take more texts for numbers: `1e3`, `08`,
`0o14`.
"""

import re
from collections.abc import Iterable
from typing import Any

import yaml

from towpath.errors import ConfigError
from towpath.yamltext.config_reader import read_document
from towpath.yamltext.manifest_reader import load_document

WIDTH = 1_000_000
"""No line is folded, because a folded text is hard to compare."""
_TEXT = "tag:yaml.org,2002:str"
_FIRST = re.compile(r"[A-Za-z_/]")
_IMAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@-]*/[A-Za-z0-9._:@/-]*[A-Za-z0-9]")
_WORDS = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n", "nan", "inf"})
_NOT_IN_BLOCKS = re.compile(
    r"[^\n -~\u00a0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]|[ ]$", re.MULTILINE
)
"""Control characters, other line breaks, spaces at the end of a line. A text with them is quoted."""


def is_ambiguous(text: str) -> bool:
    """Whether a YAML reader may take the unquoted `text` for a number, date, boolean, null or merge key.

    All of these begin with a digit, a sign or a punctuation mark, or are one of a few words.
    """
    if text.lower() in _WORDS:
        return True
    return not (_FIRST.match(text) or _IMAGE.fullmatch(text))


def dump(value: Any, *, head: str = "", file: str = "") -> str:
    """The text of one document: `head` (comment lines), then `value`, made of plain JSON data.

    The text is read again, in both dialects; raises ConfigError when that does not give `value`. `file` is
    its name in the error.
    """
    text = head + dump_all([value])
    if read_document(text, file).data != value or load_document(text, file) != value:
        raise ConfigError("holds what cannot be written as YAML and read again", file=file)
    return text


def dump_all(documents: Iterable[Any], *, ascii_only: bool = False) -> str:
    """The text of several documents: block style, keys in their order, without aliases.

    It is not read again.
    """
    options: dict[str, Any] = {"sort_keys": False, "allow_unicode": not ascii_only, "width": WIDTH}
    text: str = yaml.dump_all(documents, Dumper=_Dumper, **options)
    return text


def represent_text(dumper: Any, text: str) -> yaml.ScalarNode:
    """Representer for `str`: single quotes for an ambiguous text, a literal block for several lines."""
    style = None
    if "\n" in text:
        visible = text[0] not in " \n" and not _NOT_IN_BLOCKS.search(text)
        style = "|" if visible else '"'
    elif is_ambiguous(text):
        style = "'"
    node: yaml.ScalarNode = dumper.represent_scalar(_TEXT, text, style=style)
    return node


class _Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        return True


_Dumper.add_representer(str, represent_text)
