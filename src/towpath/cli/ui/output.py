"""The last filter of what a verb prints: secret values that this process knows come out of no stream.

Each verb masks what it shows by itself, field by field. This is for what it forgets: whatever is written to
standard output and error passes here.
"""

import codecs
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

from towpath.redact import redact_known

UNFILTERED = ("local",)
"""Verbs whose output is read by a shell, and holds no data of a cluster or of Git (`local env`)."""


class MaskedStream:
    """A text stream that masks what is written; for all else it is the stream that it stands for."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    @property
    def encoding(self) -> str:
        """Click goes around a stream whose encoding is ASCII; this one escapes what it lacks."""
        name = self._stream.encoding
        return name if name and codecs.lookup(name).name != "ascii" else "utf-8"

    def write(self, text: str) -> int:
        self._stream.write(masked(text))
        return len(text)

    def writelines(self, lines: Iterator[str]) -> None:
        for line in lines:
            self.write(line)


@contextmanager
def filtered_output(verb: str) -> Iterator[None]:
    """Filter what is printed in this context, unless `verb` is one of UNFILTERED."""
    if verb in UNFILTERED:
        yield
        return
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = MaskedStream(before[0]), MaskedStream(before[1])
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


def masked(text: str) -> str:
    """`text` without the values that this process knows. A JSON document stays one.

    A value of digits may stand there as a number, which no `***` can take the place of.
    """
    clean = redact_known(text)
    if clean == text or text.lstrip()[:1] not in ("{", "["):
        return clean
    try:
        data = json.loads(text)
    except ValueError:
        return clean
    return json.dumps(_masked_texts(data), indent=2, ensure_ascii=False) + text[len(text.rstrip()) :]


def _masked_texts(data: Any) -> Any:
    if isinstance(data, str):
        return redact_known(data)
    if isinstance(data, dict):
        return {redact_known(name): _masked_texts(value) for name, value in data.items()}
    return [_masked_texts(each) for each in data] if isinstance(data, list) else data
