"""Which files of a folder `docker build` sends to the engine: the rules of `.dockerignore`.

The Docker SDK reads the file otherwise: it knows neither escapes nor `**.log`, and takes an indented `#` for
a comment. Rules: docs.docker.com/build/concepts/context, github.com/moby/patternmatcher.
"""

import os
import posixpath
import re
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from towpath.errors import BuildError

IGNORE_FILE = ".dockerignore"
_CLASS_ITEM = r"(?:\\.|[^\\\]\-])"
_SYNTAX = re.compile(rf"(?:\\.|[^\\\[]|\[\^?(?:{_CLASS_ITEM}(?:-{_CLASS_ITEM})?)+\])*", re.DOTALL)
_NO_REPETITION = re.compile(r"(?<!\\)\{(?![0-9]+(?:,[0-9]*)?\})")
_WILD = re.compile(r"[*?\[\]\\]")


@dataclass(frozen=True)
class Pattern:
    """One line; `keeps`: it begins with `!`, and takes files back in."""

    text: str
    keeps: bool = False

    def matches(self, path: str) -> bool:
        """Whether the path itself is meant; those below a folder are not looked at."""
        if self.text.startswith("**") and not _WILD.search(self.text[2:]):
            suffix = self.text[2:]
            return path.endswith(suffix) or (suffix.startswith("/") and path == suffix[1:])
        if self.text.endswith("**") and not _WILD.search(self.text[:-2]):
            return path.startswith(self.text[:-2])
        return self._expression.search(path) is not None if _WILD.search(self.text) else path == self.text

    @cached_property
    def _expression(self) -> re.Pattern[str]:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", FutureWarning)
                return re.compile(f"^{_translated(self.text)}\\Z")
        except re.error as error:
            raise _malformed(self.text) from error


def _translated(text: str) -> str:
    parts, at = [], 0
    while at < len(text):
        sign, rest = text[at], text[at + 1 :]
        at += 1
        if sign == "*" and rest.startswith("*"):
            at += 2 if rest.startswith("*/") else 1
            parts.append("(.*/)?" if at < len(text) else ".*")
        elif sign in "*?":
            parts.append("[^/]*" if sign == "*" else "[^/]")
        elif sign == "\\" and rest:
            parts.append(f"\\{rest[0]}")
            at += 1
        else:
            parts.append(f"\\{sign}" if sign in ".+()$" else sign)
    # Docker's library means to escape `{`, `|` and `}` too, and does not.
    return _NO_REPETITION.sub(r"\{", "".join(parts))


def read_patterns(content: str) -> tuple[Pattern, ...]:
    """The lines of the file; BuildError for one that `docker build` refuses, too."""
    patterns = []
    for line in content.removeprefix("\ufeff").split("\n"):
        text = line.strip()
        if not text or line.startswith("#"):
            continue
        keeps = text.startswith("!")
        text = posixpath.normpath(text[1:].strip()) if keeps and text[1:].strip() else text
        text = text if keeps else posixpath.normpath(text)
        text = re.sub(r"^/+(?=.)", "", text)
        if (keeps and text == "!") or not _SYNTAX.fullmatch(text):
            raise _malformed(line)
        if text != ".":
            patterns.append(Pattern(text, keeps))
    return tuple(patterns)


def sent_files(root: Path, dockerfile: str) -> list[str]:
    """Paths of files and folders below `root` that are sent; always the Dockerfile and the list itself."""
    file = root / IGNORE_FILE
    content = file.read_text(encoding="utf-8", errors="surrogateescape") if file.is_file() else ""
    kept = (Pattern(_literal(name), keeps=True) for name in (IGNORE_FILE, posixpath.normpath(dockerfile)))
    return sorted(_walk(str(root), "", (*read_patterns(content), *kept), frozenset()))


def _walk(root: str, folder: str, patterns: tuple[Pattern, ...], above: frozenset[int]) -> Iterator[str]:
    """`above`: the patterns that match a folder around, and so everything in it."""
    for entry in os.scandir(Path(root, folder)):
        path = f"{folder}/{entry.name}" if folder else entry.name
        ignored, hits = _judge(path, patterns, above)
        if not ignored:
            yield path
        if entry.is_dir(follow_symlinks=False) and (not ignored or _may_keep_below(path, patterns)):
            yield from _walk(root, path, patterns, hits)


def _judge(path: str, patterns: tuple[Pattern, ...], above: frozenset[int]) -> tuple[bool, frozenset[int]]:
    """Whether the path is ignored, and the patterns that decided it on the way.

    A pattern is asked only where it would change something: one that ignores while nothing does, one that
    keeps while something is ignored. What was not asked for a folder says nothing about its files.
    """
    ignored, hits = False, set()
    for index, pattern in enumerate(patterns):
        if index in above or (pattern.keeps == ignored and pattern.matches(path)):
            hits.add(index)
            ignored = not pattern.keeps
    return ignored, frozenset(hits)


def _may_keep_below(folder: str, patterns: Iterable[Pattern]) -> bool:
    return any(each.keeps and f"{each.text}/".startswith(f"{folder}/") for each in patterns)


def _literal(name: str) -> str:
    return re.sub(r"([*?\[\]\\])", r"\\\1", name)


def _malformed(line: str) -> BuildError:
    return BuildError(
        f"{IGNORE_FILE}: {line.strip()!r} is no pattern",
        remedy="Close its bracket, or escape it by a backslash.",
    )
