"""The stages of a Dockerfile, as `docker build --target` knows them. Pure."""

import re
from collections.abc import Iterator

_FROM = re.compile(r"FROM\s+(?:--\S+\s+)*\S+(?:\s+AS\s+(\S+))?\s*$", re.IGNORECASE)
_ESCAPE = re.compile(r"#\s*escape\s*=\s*([\\`])\s*$", re.IGNORECASE)
_HEREDOC = re.compile(r"<<-?(['\"]?)(\w+)\1")


def stages(text: str) -> tuple[str, ...]:
    """The names of the stages, in their order; one without a name has its number."""
    names: list[str] = []
    for instruction in _instructions(text):
        if found := _FROM.match(instruction):
            names.append(found[1] or str(len(names)))
    return tuple(names)


def has_stage(text: str, target: str) -> bool:
    """Whether `target` names a stage: letters count alike, large or small, and a number is a place."""
    known = stages(text)
    is_place = target in map(str, range(len(known)))
    return is_place or target.lower() in {name.lower() for name in known}


def _instructions(text: str) -> Iterator[str]:
    """Whole instructions: continued lines joined, without comments and the texts of heredocs."""
    lines = iter(text.lstrip("\ufeff").splitlines())
    escape, whole, first = "\\", "", True
    for line in lines:
        if first and (found := _ESCAPE.match(line.strip())):
            escape = found[1]
        first = first and line.lstrip().startswith("#")
        if line.lstrip().startswith("#") or (whole and not line.strip()):
            continue
        if line.rstrip().endswith(escape):
            whole += line.rstrip().removesuffix(escape) + " "
            continue
        yield (whole + line).strip()
        if re.match(r"(RUN|COPY|ADD)\s", (whole + line).strip(), re.IGNORECASE):
            for _, end in _HEREDOC.findall(whole + line):
                for inner in lines:
                    if inner.strip() == end:
                        break
        whole = ""
    if whole:
        yield whole.strip()
