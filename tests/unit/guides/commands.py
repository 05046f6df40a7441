"""The commands that stand in the guides: in blocks as they are to be run, and in the middle of sentences."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[3]
GUIDES = sorted((ROOT / "docs/guides").glob("*.md"))
NAMED = ("towpath", "kubectl", "helm", "prefect")
"""Programs whose commands are looked for in sentences, too."""
_LANGUAGES = ("", "sh", "bash", "shell", "console")


@dataclass(frozen=True)
class Command:
    """A program with its arguments, of a line with pipes and `$(…)`; `whole`: to be run as it stands."""

    guide: str
    line: int
    argv: tuple[str, ...]
    whole: bool

    def __str__(self) -> str:
        return f"{self.guide}:{self.line} {shlex.join(self.argv)}"

    @property
    def program(self) -> str:
        return self.argv[0]


def commands(guide: Path) -> Iterator[Command]:
    """All of one guide."""
    for number, line in lines_to_run(guide):
        for argv in split(line):
            yield Command(guide.name, number, argv, whole=True)
    text = guide.read_text()
    for found in re.finditer(rf"(?<!`)`((?:{'|'.join(NAMED)}) [^`]+)`(?!`)", text):
        for argv in split(" ".join(found[1].split())):
            yield Command(guide.name, text.count("\n", 0, found.start()) + 1, argv, whole=False)


def lines_to_run(guide: Path) -> Iterator[tuple[int, str]]:
    """Lines of blocks that begin with a program's name, with their numbers; `\\` at the end goes on."""
    fence: str | None = None
    held = ""
    for number, line in enumerate(guide.read_text().split("\n"), 1):
        if line.lstrip().startswith("```"):
            fence = line.strip().removeprefix("```") if fence is None else None
            continue
        inside = fence in _LANGUAGES if fence is not None else bool(re.match(r" {4}", line))
        text = held + line.strip()
        held = ""
        if not inside or not (known_program(text)):
            continue
        if text.endswith("\\"):
            held = text[:-1]
            continue
        yield number, text


def known_program(text: str) -> bool:
    """Whether a line of a block is a command: YAML, output and SQL are not."""
    words = text.split()
    while words and re.fullmatch(r"[A-Z_]+=\S*", words[0]):
        words.pop(0)
    return bool(words) and words[0] in PROGRAMS


DATABASE = ("psql", "createdb", "dropdb", "pg_dump", "pg_restore")
PROGRAMS = frozenset(
    {*NAMED, *DATABASE, "git", "docker", "make", "openssl", "curl", "python", "mkdir", "export"}
)


def split(line: str) -> Iterator[tuple[str, ...]]:
    """The programs of a line, each with its arguments; what `$(…)` runs is one of its own."""
    for inner in re.findall(r"\$\(([^()]+)\)", line):
        yield from split(inner)
    lexer = shlex.shlex(re.sub(r"\$\([^()]+\)", "VALUE", line), posix=True, punctuation_chars="|&;<>")
    lexer.whitespace_split = True
    argv: list[str] = []
    skip = False
    for token in [*lexer, ";"]:
        if re.fullmatch(r"[<>]+", token):
            skip = True
            if argv and argv[-1].isdigit():
                argv.pop()
        elif skip:
            skip = False
        elif re.fullmatch(r"[|&;]+", token):
            while argv and re.fullmatch(r"[A-Z_]+=.*", argv[0]):
                argv.pop(0)
            if argv:
                yield tuple(argv)
            argv = []
        else:
            argv.append(token)
